"""Loops of access: note when credentials were used, forget what no longer counts."""

from __future__ import annotations

from datetime import timedelta

from mlreef.forge.access import store
from mlreef.forge.state import State


async def write_uses(state: State, window: timedelta) -> None:
    """Write the uses and failures that requests noted."""
    tokens, sessions, failures = state.uses.taken()
    if not (tokens or sessions or failures):
        return
    async with state.db.write() as tx:
        await store.note_use(tx, tokens, sessions)
        for key in failures:
            await store.add_failure(tx, key, state.clock.now(), window)


async def purge(state: State, window: timedelta) -> None:
    """Forget sessions that ended and failures that are long past."""
    idle = timedelta(seconds=state.settings.session_idle_seconds)
    async with state.db.write() as tx:
        await store.purge(tx, now=state.clock.now(), idle=idle, window=window)
