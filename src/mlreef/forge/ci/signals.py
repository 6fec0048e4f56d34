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
        self.generation = 0
        """Grows with every change of the queue; read it before looking for work."""
        self.stopping = False
        """Whether the server shuts down: nobody waits any more."""

    @property
    def waiting(self) -> bool:
        """Whether any runner waits."""
        return bool(self._waiters)

    def on(self, topic: str, wake: Callable[[], None]) -> None:
        """Call `wake` when the topic is signalled."""
        self._loops[topic] = wake

    def wake(self, topic: str) -> None:
        """Signal a topic; `queue` also wakes all waiting runners."""
        if topic == "queue":
            self.generation += 1
            for event in self._waiters:
                event.set()
        if topic in self._loops:
            self._loops[topic]()

    def stop(self) -> None:
        """The server shuts down: let all waiting runners go, and make nobody wait from now on."""
        self.stopping = True
        for event in self._waiters:
            event.set()

    async def wait(self, seen: int, seconds: float) -> None:
        """Wait until the queue changed since generation `seen`, or the time ran out."""
        if self.generation != seen or seconds <= 0 or self.stopping:
            return
        event = asyncio.Event()
        self._waiters.add(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
        finally:
            self._waiters.discard(event)
