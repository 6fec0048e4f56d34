"""The one writer of measurements in a process: batches that wait are committed together.

A caller's `put` returns when its points are durable. While one commit runs, further batches gather and share the next,
so that many jobs reporting at once cost one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from mlreef.kit.db import Database, Tx
from mlreef.kit.errors import Kind, PlatformError, invalid
from mlreef.management.experiments.packing import Point
from mlreef.management.experiments.stores import series

GROUP = 64
WAITING = 4096


@dataclass(frozen=True, slots=True)
class Batch:
    """Points of one source and family by key, as one report brought them."""

    run_id: str
    source: str
    family: str
    points: dict[str, list[Point]]
    sequence: int | None = None


_Waiting = tuple[Batch, "asyncio.Future[None]"]


class Writer:
    """Takes batches from requests and commits them in groups; `body` is run by a supervised loop."""

    def __init__(self, db: Database, notify: Callable[[str], None]) -> None:
        self._db = db
        self._notify = notify
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(WAITING)

    async def put(self, batch: Batch) -> None:
        """Store a batch; returns when it is durable."""
        if not batch.points:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait((batch, future))
        except asyncio.QueueFull:
            raise PlatformError(Kind.RATE_LIMITED, "too many measurements wait to be stored; send again soon") from None
        await future

    async def body(self) -> None:
        """Commit groups for ever."""
        while True:
            group = [await self._queue.get()]
            while len(group) < GROUP and not self._queue.empty():
                group.append(self._queue.get_nowait())
            try:
                await self._commit(group)
            except asyncio.CancelledError:
                _fail(group, PlatformError(Kind.UNAVAILABLE, "the service is stopping; send again"))
                raise
            except Exception:
                _fail(group, PlatformError(Kind.UNAVAILABLE, "the measurements could not be stored; send again"))
                raise

    async def _commit(self, group: list[_Waiting]) -> None:
        async with self._db.write() as tx:
            additions = await _merge(tx, [batch for batch, _future in group])
            refused = await _refused(tx, additions)
            await series.append_all(tx, {place: one for place, one in additions.items() if place[0] not in refused})
        for batch, future in group:
            if batch.source in refused and not future.done():
                future.set_exception(invalid(f"a step may report at most {series.MAX_KEYS} different metrics"))
            elif not future.done():
                future.set_result(None)
        for run_id in {batch.run_id for batch, _future in group}:
            self._notify(run_id)


async def _merge(tx: Tx, batches: list[Batch]) -> dict[series.Place, series.Addition]:
    """The group's points by series, without batches that were stored before."""
    numbers: dict[series.Stream, list[int]] = {}
    for batch in batches:
        if batch.sequence is not None:
            numbers.setdefault((batch.source, batch.family), []).append(batch.sequence)
    stored = await series.take_sequences(tx, numbers) if numbers else {}
    merged: dict[series.Place, series.Addition] = {}
    for batch in batches:
        stream = (batch.source, batch.family)
        numbered = batch.sequence is not None
        if batch.sequence is not None and batch.sequence <= stored[stream]:
            continue
        if batch.sequence is not None:
            stored[stream] = batch.sequence
        for key, points in batch.points.items():
            addition = merged.setdefault((*stream, key), series.Addition([], numbered=numbered))
            addition.points += points
            addition.numbered = addition.numbered and numbered
    return merged


async def _refused(tx: Tx, additions: dict[series.Place, series.Addition]) -> set[str]:
    """Sources that would have more metrics than anybody can look at."""
    keys: dict[str, set[str]] = {}
    for source, family, key in additions:
        if family == "metric":
            keys.setdefault(source, set()).add(key)
    known = await series.count_keys(tx, list(keys), "metric")
    crowded = [source for source, added in keys.items() if known.get(source, 0) + len(added) > series.MAX_KEYS]
    return {
        source for source in crowded if len(keys[source] | await series.keys(tx, source, "metric")) > series.MAX_KEYS
    }


def _fail(group: list[_Waiting], error: PlatformError) -> None:
    for _batch, future in group:
        if not future.done():
            future.set_exception(error)
