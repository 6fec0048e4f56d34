"""Who wants to hear of which run, within this process.

A notice says only that something changed; what, the listener reads from the database. Listeners also look from time to
time by themselves, so that changes made by another worker are seen too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Notices:
    """One per process."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Event]] = {}

    def publish(self, run_id: str) -> None:
        """Something about a run changed; called after the commit."""
        for event in self._listeners.get(run_id, ()):
            event.set()

    @contextmanager
    def listen(self, run_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the run changes; the listener clears it."""
        event = asyncio.Event()
        self._listeners.setdefault(run_id, set()).add(event)
        try:
            yield event
        finally:
            self._listeners[run_id].discard(event)
            if not self._listeners[run_id]:
                del self._listeners[run_id]
