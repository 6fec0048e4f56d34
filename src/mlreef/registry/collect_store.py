"""Queries of the garbage collection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import RowMapping, delete, exists, select

from mlreef.kit.db import Tx
from mlreef.registry.store import batches, insert_missing
from mlreef.registry.tables import blobs, manifest_parts, manifests, objects, tags, upload_chunks


async def list_graph(tx: Tx, repository: int) -> Sequence[RowMapping]:
    """Every manifest of a repository: digest, subject, pins, touched_at."""
    columns = (manifests.c.digest, manifests.c.subject, manifests.c.pins, manifests.c.touched_at)
    return await tx.all(select(*columns).where(manifests.c.repository_id == repository))


async def list_children(tx: Tx, repository: int) -> Sequence[RowMapping]:
    """Which manifests each index of a repository is made of: manifest, digest."""
    query = select(manifest_parts.c.manifest, manifest_parts.c.digest)
    return await tx.all(query.where(manifest_parts.c.repository_id == repository, manifest_parts.c.kind == "manifest"))


async def list_tagged(tx: Tx, repository: int) -> set[str]:
    """Digests that have a tag."""
    query = select(tags.c.digest).where(tags.c.repository_id == repository).distinct()
    return {row["digest"] for row in await tx.all(query)}


async def list_loose_blobs(tx: Tx, repository: int, before: datetime, without: Iterable[str] = ()) -> dict[str, int]:
    """Blobs (digest -> size) of a repository that no manifest needs and nobody counted on since `before`.

    Manifests in `without` count as gone, for a dry run.
    """
    gone = set(without)
    parts = select(manifest_parts.c.digest, manifest_parts.c.manifest).where(
        manifest_parts.c.repository_id == repository, manifest_parts.c.kind == "blob"
    )
    query = select(blobs.c.digest, blobs.c.size).where(blobs.c.repository_id == repository, blobs.c.touched_at < before)
    if not gone:
        needed = exists().where(
            manifest_parts.c.repository_id == blobs.c.repository_id,
            manifest_parts.c.digest == blobs.c.digest,
            manifest_parts.c.kind == "blob",
        )
        return {row["digest"]: row["size"] for row in await tx.all(query.where(~needed))}
    kept = {row["digest"] for row in await tx.all(parts) if row["manifest"] not in gone}
    return {row["digest"]: row["size"] for row in await tx.all(query) if row["digest"] not in kept}


async def list_unused_objects(
    tx: Tx, before: datetime, *, after: str = "", limit: int | None = None, locked: bool = False
) -> Sequence[RowMapping]:
    """Stored bytes (digest, size) that no blob and no upload refers to, and nobody counted on since `before`."""
    query = (
        select(objects.c.digest, objects.c.size)
        .where(objects.c.touched_at < before, objects.c.digest > after)
        .where(~exists().where(blobs.c.digest == objects.c.digest))
        .where(~exists().where(upload_chunks.c.digest == objects.c.digest))
        .order_by(objects.c.digest)
    )
    if limit is not None:
        query = query.limit(limit)
    return await tx.all(query.with_for_update(skip_locked=True) if locked else query)


async def list_blob_uses(tx: Tx, digests: Iterable[str]) -> dict[str, int]:
    """In how many repositories each of the digests is a blob."""
    uses: dict[str, int] = {}
    for batch in batches(digests):
        query = select(blobs.c.digest).where(blobs.c.digest.in_(batch))
        for row in await tx.all(query):
            uses[row["digest"]] = uses.get(row["digest"], 0) + 1
    return uses


async def find_resting(tx: Tx, digest: str, before: datetime) -> int | None:
    """The size of stored bytes that nobody counted on since `before` and no upload refers to."""
    query = select(objects.c.size).where(objects.c.digest == digest, objects.c.touched_at < before)
    found: int | None = await tx.scalar(query.where(~exists().where(upload_chunks.c.digest == objects.c.digest)))
    return found


async def list_used(tx: Tx, digests: Sequence[str]) -> set[str]:
    """Which of the digests a blob or an upload refers to."""
    used: set[str] = set()
    for table in (blobs, upload_chunks):
        query = select(table.c.digest).where(table.c.digest.in_(digests)).distinct()
        used.update(row["digest"] for row in await tx.all(query))
    return used


async def forget_objects(tx: Tx, digests: Iterable[str]) -> None:
    """The bytes are removed."""
    for batch in batches(digests):
        await tx.execute(delete(objects).where(objects.c.digest.in_(batch)))


async def list_known(tx: Tx, digests: Iterable[str]) -> set[str]:
    """Which of the digests `objects` tells of."""
    known: set[str] = set()
    for batch in batches(digests):
        query = select(objects.c.digest).where(objects.c.digest.in_(batch))
        known.update(row["digest"] for row in await tx.all(query))
    return known


async def adopt_object(tx: Tx, digest: str, size: int, now: datetime) -> None:
    """Tell of bytes that lie in the store and nobody recorded."""
    await insert_missing(tx, objects, {"digest": digest, "size": size, "touched_at": now})
