"""What the registry does by itself: closing uploads that nobody finished, and collecting garbage."""

from __future__ import annotations

from mlreef.kit import tasks
from mlreef.registry import collection
from mlreef.registry.state import State


def loops(state: State) -> list[tasks.Loop]:
    """The loops to run while the application lives."""
    settings = state.settings

    async def sweep() -> None:
        await collection.close_uploads(state)

    async def collect() -> None:
        # The first run waits too: a start answers requests before it looks through everything.
        if state.clock.monotonic() - started >= settings.gc_interval_hours * 3600 / 2:
            await collection.run(state)

    started = state.clock.monotonic()
    found = [tasks.Loop("registry-uploads", sweep, interval=3600)]
    if settings.gc_interval_hours:
        found.append(tasks.Loop("registry-collection", collect, interval=settings.gc_interval_hours * 3600))
    return found
