"""Garbage collection while pushes go on: mark from tags, pins and recent use, and remove what nothing leads to.

Three steps, each safe by itself. Uploads that rest for too long are closed. Then, one repository after the other and
under its namespace's lock: manifests that nothing leads to and blobs that no manifest needs are forgotten, after the
grace. At last bytes that no row refers to are removed, under the lock of their own row in `objects`, which whoever
links bytes takes as well. So a push either comes first and its bytes stay, or comes second and finds them missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from mlreef.kit import logs, objects
from mlreef.kit.db import Tx
from mlreef.registry import collect_store, manifest_store, quotas, store, upload_store
from mlreef.registry.state import State

log = logs.get(__name__)

_REMOVED_AT_ONCE = 32
_REPOSITORIES_AT_ONCE = 200


@dataclass(slots=True)
class Report:
    """What was removed, or would be."""

    dry_run: bool
    uploads: int = 0
    manifests: int = 0
    blobs: int = 0
    objects: int = 0
    bytes: int = 0
    shared_with: tuple[str, ...] = ()
    """Other services that keep objects in the very same place: then no bytes are removed."""

    def to_json(self) -> dict[str, Any]:
        """As the administrators' endpoint gives it."""
        return asdict(self) | {"shared_with": list(self.shared_with)}


@dataclass(frozen=True, slots=True)
class Graph:
    """The manifests of one repository, as far as reachability goes."""

    subjects: Mapping[str, str | None]
    children: Mapping[str, frozenset[str]]
    roots: frozenset[str]

    def unreachable(self) -> set[str]:
        """Manifests that no root leads to.

        An index leads to its parts, a referrer to its subject, and a subject to its referrers.
        """
        referrers: dict[str, set[str]] = {}
        for digest, subject in self.subjects.items():
            if subject is not None:
                referrers.setdefault(subject, set()).add(digest)
        kept: set[str] = set()
        waiting = [root for root in self.roots if root in self.subjects]
        while waiting:
            digest = waiting.pop()
            if digest in kept or digest not in self.subjects:
                continue
            kept.add(digest)
            waiting += self.children.get(digest, frozenset())
            waiting += referrers.get(digest, set())
            subject = self.subjects[digest]
            if subject is not None:
                waiting.append(subject)
        return set(self.subjects) - kept


async def run(state: State, *, dry_run: bool = False) -> Report:
    """Collect once; several at a time, in any process, get in nobody's way."""
    report = Report(dry_run)
    before = state.clock.now() - timedelta(hours=state.settings.gc_hours)
    report.shared_with = tuple(await objects.others(state.objects, "registry"))
    if report.shared_with:
        log.warning("no bytes are removed: the store is not the registry's alone", others=report.shared_with)
    if not dry_run:
        await close_uploads(state, report)
        if not report.shared_with:
            await _adopt(state)
    loose: dict[str, int] = {}
    after = 0
    while True:
        async with state.db.read() as tx:
            rows = await store.list_repository_keys(tx, after, _REPOSITORIES_AT_ONCE)
        for row in rows:
            found = await _repository(state, store.Repository(row["id"], row["namespace_id"]), before, report)
            for digest in found:
                loose[digest] = loose.get(digest, 0) + 1
        if len(rows) < _REPOSITORIES_AT_ONCE:
            break
        after = rows[-1]["id"]
    if report.shared_with:
        pass
    elif dry_run:
        await _foresee(state, before, loose, report)
    else:
        await _objects(state, before, report)
    state.meters.collected(report.manifests, report.objects, report.bytes, dry_run=dry_run)
    if not dry_run and (report.manifests or report.blobs or report.objects):
        log.info("registry garbage collected", **report.to_json())
    return report


async def close_uploads(state: State, report: Report | None = None) -> None:
    """Close sessions that nobody finished in time."""
    before = state.clock.now() - timedelta(hours=state.settings.upload_hours)
    while True:
        async with state.db.write() as tx:
            stale = await upload_store.list_stale_uploads(tx, before)
            await upload_store.forget_uploads(tx, [row["id"] for row in stale])
        if report is not None:
            report.uploads += sum(not row["closed"] for row in stale)
        if not stale:
            return


async def _repository(state: State, repository: store.Repository, before: datetime, report: Report) -> list[str]:
    """Forget what nothing leads to; the blobs that it lost, or would."""
    if report.dry_run:
        async with state.db.read() as tx:
            gone, loose = await _garbage(tx, repository, before)
    else:
        async with state.db.read() as tx:  # most repositories have none: no lock for a look
            gone, loose = await _garbage(tx, repository, before)
        if gone or loose:
            async with state.db.write() as tx:
                await store.lock_namespace(tx, repository.namespace_id)
                gone, loose = await _garbage(tx, repository, before)
                await _forget(tx, repository, gone, loose)
    report.manifests += len(gone)
    report.blobs += len(loose)
    return list(loose)


async def _garbage(tx: Tx, repository: store.Repository, before: datetime) -> tuple[set[str], dict[str, int]]:
    rows = await collect_store.list_graph(tx, repository.id)
    children: dict[str, set[str]] = {}
    for row in await collect_store.list_children(tx, repository.id):
        children.setdefault(row["manifest"], set()).add(row["digest"])
    roots = await collect_store.list_tagged(tx, repository.id)
    roots |= {row["digest"] for row in rows if row["pins"] or row["touched_at"] >= before}
    graph = Graph(
        {row["digest"]: row["subject"] for row in rows},
        {digest: frozenset(parts) for digest, parts in children.items()},
        frozenset(roots),
    )
    gone = graph.unreachable()
    return gone, await collect_store.list_loose_blobs(tx, repository.id, before, gone)


async def _forget(tx: Tx, repository: store.Repository, gone: Iterable[str], loose: Mapping[str, int]) -> None:
    for digest in sorted(gone):
        await manifest_store.delete_manifest(tx, repository.id, digest)
    for digest, size in sorted(loose.items()):
        if await store.unlink_blob(tx, repository.id, digest):
            await quotas.count_out(tx, repository, digest, size)


async def _objects(state: State, before: datetime, report: Report) -> None:
    """Remove bytes that no row refers to.

    The store is asked while the rows are locked, a few at a time: were they free in between, a push could link bytes
    that are about to vanish.
    """
    after = ""
    while True:
        async with state.db.write() as tx:
            rows = await collect_store.list_unused_objects(tx, before, after=after, limit=_REMOVED_AT_ONCE, locked=True)
            sizes = {row["digest"]: row["size"] for row in rows}
            # With the rows locked nobody links them any more: what was linked until now is seen by this look.
            for digest in await collect_store.list_used(tx, list(sizes)):
                del sizes[digest]
            await asyncio.gather(*(state.objects.delete(digest) for digest in sizes))
            await collect_store.forget_objects(tx, sizes)
        report.objects += len(sizes)
        report.bytes += sum(sizes.values())
        if len(rows) < _REMOVED_AT_ONCE:
            return
        after = rows[-1]["digest"]


async def _foresee(state: State, before: datetime, loose: Mapping[str, int], report: Report) -> None:
    """Count what a collection would remove: unused already, or used only where it is about to be lost."""
    async with state.db.read() as tx:
        unused = await collect_store.list_unused_objects(tx, before)
        uses = await collect_store.list_blob_uses(tx, loose)
        sizes = {row["digest"]: row["size"] for row in unused}
        for digest, lost in loose.items():
            kept = await collect_store.find_resting(tx, digest, before)
            if uses.get(digest, 0) == lost and kept is not None:
                sizes[digest] = kept
    report.objects = len(sizes)
    report.bytes = sum(sizes.values())


async def _adopt(state: State) -> None:
    """Record bytes that a crash left without a row, so that the next collections see them.

    The grace begins now: an upload that is just about to record its bytes has all the time it needs.
    """
    batch: dict[str, int] = {}

    async def record() -> None:
        async with state.db.read() as tx:
            unknown = set(batch) - await collect_store.list_known(tx, batch)
        if unknown:
            async with state.db.write() as tx:
                for digest in sorted(unknown):
                    # Looked at again with the row taken: another collection may have removed it meanwhile.
                    await collect_store.adopt_object(tx, digest, batch[digest], state.clock.now())
                    if await state.objects.stat(digest) is None:
                        await collect_store.forget_objects(tx, [digest])
        batch.clear()

    own = objects.mark_of("registry")
    async for digest, size in state.objects.iter_all():
        if digest != own:
            batch[digest] = size
        if len(batch) >= 500:
            await record()
    await record()
