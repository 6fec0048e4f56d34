"""Group commit of links: many uploads finish at once, one transaction acknowledges them all.

A project with a thousand small files would otherwise pay a thousand database syncs one after the other.
"""

from __future__ import annotations

import asyncio

from mlreef.forge import audit
from mlreef.forge.access.principal import Principal
from mlreef.forge.lfs import store
from mlreef.kit import logs
from mlreef.kit.clock import Clock
from mlreef.kit.db import Database, Tx
from mlreef.kit.errors import Kind, PlatformError

log = logs.get(__name__)


_Waiting = tuple[tuple[int, str, int], Principal, asyncio.Future[None]]


class Linker:
    """Notes which project holds which object; `link` returns when the note is durable."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    async def link(self, who: Principal, project_id: int, oid: str, size: int) -> None:
        """Note one link together with all that wait."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(((project_id, oid, size), who, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await done

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self._write_together(batch)
            except asyncio.CancelledError:
                _finish([*batch, *self._waiting], PlatformError(Kind.UNAVAILABLE, "the server is stopping; try again"))
                raise

    async def _write_together(self, batch: list[_Waiting]) -> None:
        try:
            async with self._db.write() as tx:
                await store.link(tx, [link for link, _, _ in batch], self._clock.now())
                await _record(tx, batch)
        except Exception as exc:
            log.exception("links could not be written", links=len(batch))
            if len(batch) == 1:
                _finish(batch, exc)
                return
            for one in batch:  # a project deleted meanwhile must not fail the others
                await self._write_together([one])
        else:
            _finish(batch, None)


async def _record(tx: Tx, batch: list[_Waiting]) -> None:
    """One entry of the audit log per person and project, however many objects came together."""
    sizes: dict[tuple[int, int | None], list[int]] = {}
    people: dict[tuple[int, int | None], Principal] = {}
    for (project_id, _oid, size), who, _done in batch:
        key = (project_id, who.user_id)
        people.setdefault(key, who)
        sizes.setdefault(key, []).append(size)
    for key, who in people.items():
        details = {"objects": len(sizes[key]), "bytes": sum(sizes[key])}
        target = f"project {key[0]}"
        await audit.record(tx, who, "lfs.upload", kind="project", id=key[0], target=target, details=details)


def _finish(batch: list[_Waiting], error: BaseException | None) -> None:
    for _, _, done in batch:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
