"""A runner of process jobs against a forge in memory, stopped at the end of the test."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import runner_fakes as fakes

from mlreef import runner


@pytest.fixture
async def forge() -> fakes.FakeForge:
    """Event loops own what it waits for, so it is made inside one."""
    return fakes.FakeForge()


@pytest.fixture
def settings(tmp_path: Path) -> runner.Settings:
    """Everything fast, nothing shared."""
    return runner.Settings(
        url=fakes.URL,
        token=fakes.TOKEN,
        name="test runner",
        capacity=2,
        executor="process",
        work_dir=tmp_path / "work",
        cache_dir=tmp_path / "cache",
        memory_bytes=512 << 20,
        trace_seconds=0.02,
        heartbeat_seconds=0.1,
        stop_seconds=5,
    )


@pytest.fixture
def running(forge: fakes.FakeForge, settings: runner.Settings) -> fakes.Running:
    """`async with running():` - a runner at work; yields its stop event."""

    @asynccontextmanager
    async def start(**changes: Any) -> AsyncIterator[asyncio.Event]:
        stop = asyncio.Event()
        chosen = settings.model_copy(update=changes)
        task = asyncio.create_task(runner.run(chosen, stop=stop, transport=forge.transport))
        try:
            yield stop
        finally:
            stop.set()
            async with asyncio.timeout(30):
                await task

    return start
