"""Background loops: supervised, woken by events, stopped cleanly.

A loop runs its body at least every `interval` seconds and at once after `wake()`. A failure is logged and the loop
goes on with a growing pause, because a loop that dies silently is how states stop being true.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from mlreef.kit import logs

log = logs.get(__name__)

_MAX_PAUSE = 60.0
_ANSWERS_FIRST = 0.25
"""Seconds from the start until the loops begin, if nothing wakes them before."""


class Loop:
    """`body` is run again and again; `wake()` may be called from any coroutine of the same event loop."""

    def __init__(self, name: str, body: Callable[[], Awaitable[object]], *, interval: float) -> None:
        self.name = name
        self._body = body
        self._interval = interval
        self._event: asyncio.Event = asyncio.Event()

    def wake(self) -> None:
        """Run the body soon; several calls before it starts count once."""
        self._event.set()

    async def run(self) -> None:
        """Run until cancelled; a server that has just started answers requests first."""
        failures = 0
        await self._pause(_ANSWERS_FIRST)
        while True:
            self._event.clear()
            try:
                await self._body()
                failures = 0
            except Exception:
                failures += 1
                log.exception("loop failed", loop=self.name, failures=failures)
            pause = self._interval if not failures else min(_MAX_PAUSE, 0.5 * 2**failures)
            await self._pause(pause)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()


@asynccontextmanager
async def running(loops: Iterable[Loop]) -> AsyncIterator[None]:
    """Run the loops while the block lasts, then cancel them and wait for their end."""
    tasks = [asyncio.create_task(loop.run(), name=loop.name) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
