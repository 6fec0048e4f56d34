"""`mlreef runner`: a runner of its own process, for this or another machine."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from mlreef.cli import output
from mlreef.kit import logs


def runner(
    url: Annotated[str, typer.Option(help="The server.")],
    token: Annotated[str, typer.Option(envvar="MLREEF_RUNNER_TOKEN", help="The runner's glrt- token.")],
    executor: Annotated[str, typer.Option(help="auto, bubblewrap, podman, docker or process.")] = "auto",
    capacity: Annotated[int, typer.Option(min=1, help="Jobs at a time.")] = 2,
    work_dir: Annotated[Path, typer.Option(help="Where jobs work; emptied after each.")] = Path("runner/work"),
    cache_dir: Annotated[Path, typer.Option(help="Images and inputs used again.")] = Path("runner/cache"),
) -> None:
    """Claim CI jobs and run them until interrupted; running jobs are then ended."""
    from mlreef.runner import Settings, run

    logs.configure(json=False)
    settings = Settings(
        url=url,
        token=token,
        executor=executor,
        capacity=capacity,
        work_dir=work_dir.resolve(),
        cache_dir=cache_dir.resolve(),
    )

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        output.note(f"runner for {url}: Ctrl-C stops it")
        await run(settings, stop=stop)

    asyncio.run(serve())
