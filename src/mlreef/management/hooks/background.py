"""Forgets deliveries that the forge will not repeat any more."""

from __future__ import annotations

from datetime import timedelta

from mlreef.kit import tasks
from mlreef.management.hooks import store
from mlreef.management.state import State

_KEPT = timedelta(days=3)


def loops(state: State) -> list[tasks.Loop]:
    """The loop of this slice."""

    async def sweep() -> None:
        async with state.db.write() as tx:
            await store.forget_before(tx, state.clock.now() - _KEPT)

    return [tasks.Loop("management-deliveries", sweep, interval=3600)]
