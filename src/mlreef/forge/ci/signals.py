"""Wake-ups inside one process: a changed queue wakes waiting runners, finished jobs wake the archive.

Only hints: every waiter also looks again by itself, so a lost or foreign wake-up costs time, never work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Signals:
    """Listeners by topic; `wake` is what `tx.after_commit` is given."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Event] = set()
        self._loops: dict[str, Callable[[], None]] = {}

    def on(self, topic: str, wake: Callable[[], None]) -> None:
        """Call `wake` when the topic is signalled."""
        self._loops[topic] = wake

    def wake(self, topic: str) -> None:
        """Signal a topic; `queue` also wakes all waiting runners."""
        if topic == "queue":
            for event in self._waiters:
                event.set()
        if topic in self._loops:
            self._loops[topic]()

    async def wait(self, seconds: float) -> bool:
        """Wait for a change of the queue; False when the time ran out."""
        event = asyncio.Event()
        self._waiters.add(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(event)
        return True
