"""CI behind a real HTTP server on a free port, in the test's own event loop."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

sys.path.insert(0, str(Path(__file__).parents[1] / "forge" / "ci"))

from ci_world import World, world


@asynccontextmanager
async def served(directory: Path, **settings: Any) -> AsyncIterator[tuple[World, str]]:
    """A world and the URL it answers at; `world.client` goes over the network."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with world(f"sqlite:///{directory}/forge.db", directory, external_url=url, **settings) as made:
            config = uvicorn.Config(made.app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
            server = uvicorn.Server(config)
            server.install_signal_handlers = lambda: None
            task = asyncio.create_task(server.serve([listener]))
            while not server.started:
                await asyncio.sleep(0.01)
            try:
                async with httpx.AsyncClient(base_url=url, headers={"private-token": "ann"}, trust_env=False) as client:
                    made.client = client
                    yield made, url
            finally:
                server.should_exit = True
                await task
