"""Queries over manifests, what they are made of, and tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, bindparam, delete, func, insert, or_, select, update

from mlreef.kit.db import Tx
from mlreef.registry.store import batches, insert_missing
from mlreef.registry.tables import manifest_parts, manifests, repositories, tags

_LISTED = (
    manifests.c.digest,
    manifests.c.media_type,
    func.length(manifests.c.body).label("size"),
    manifests.c.artifact_type,
    manifests.c.annotations,
)
_HELD = (
    select(manifests.c.digest, manifests.c.media_type, manifests.c.body)
    .join(repositories, repositories.c.id == manifests.c.repository_id)
    .where(repositories.c.name == bindparam("name"))
)
_BY_DIGEST = _HELD.where(manifests.c.digest == bindparam("wanted"))
_BY_TAG = _HELD.join(
    tags, (tags.c.repository_id == manifests.c.repository_id) & (tags.c.digest == manifests.c.digest)
).where(tags.c.name == bindparam("wanted"))


async def find_manifest(tx: Tx, name: str, reference: str, *, tag: bool) -> RowMapping | None:
    """A manifest of the repository called `name`, by tag or digest (hexadecimal): what every pull asks."""
    return await tx.find(_BY_TAG if tag else _BY_DIGEST, {"name": name, "wanted": reference})


async def missing_manifests(tx: Tx, repository: int, digests: Iterable[str]) -> list[str]:
    """Which of the digests are no manifests of the repository."""
    missing: list[str] = []
    for batch in batches(digests):
        query = select(manifests.c.digest).where(manifests.c.repository_id == repository)
        held = {row["digest"] for row in await tx.all(query.where(manifests.c.digest.in_(batch)))}
        missing += [digest for digest in batch if digest not in held]
    return missing


async def put_manifest(tx: Tx, values: Mapping[str, Any], parts: Iterable[tuple[str, str]]) -> None:
    """Keep a manifest and what it is made of, (kind, digest); the same bytes again only count as touched."""
    keys = {"repository_id": values["repository_id"], "manifest": values["digest"]}
    if await insert_missing(tx, manifests, values):
        rows = [{**keys, "kind": kind, "digest": digest} for kind, digest in sorted(set(parts))]
        if rows:
            await tx.execute(insert(manifest_parts), rows)
        return
    again = {"touched_at": values["touched_at"], **({"pins": True} if values["pins"] else {})}
    query = update(manifests).where(manifests.c.repository_id == values["repository_id"])
    await tx.execute(query.where(manifests.c.digest == values["digest"]).values(**again))


async def delete_manifest(tx: Tx, repository: int, digest: str) -> bool:
    """Forget a manifest and the tags that name it; whether it was there."""
    await tx.execute(delete(tags).where(tags.c.repository_id == repository, tags.c.digest == digest))
    parts = delete(manifest_parts).where(manifest_parts.c.repository_id == repository)
    await tx.execute(parts.where(manifest_parts.c.manifest == digest))
    query = delete(manifests).where(manifests.c.repository_id == repository, manifests.c.digest == digest)
    return bool((await tx.execute(query)).rowcount)


async def list_referrers(
    tx: Tx, name: str, subject: str, artifact_type: str | None, *, after: str, limit: int
) -> Sequence[RowMapping]:
    """Manifests whose `subject` is the given digest, in order of their digests, behind one."""
    query = select(*_LISTED).join(repositories, repositories.c.id == manifests.c.repository_id)
    query = query.where(repositories.c.name == name, manifests.c.subject == subject, manifests.c.digest > after)
    if artifact_type is not None:
        query = query.where(manifests.c.artifact_type == artifact_type)
    return await tx.all(query.order_by(manifests.c.digest).limit(limit))


async def find_pin(tx: Tx, repository: int, digest: str) -> str | None:
    """The manifest that pins this one: a signature of the service about it, or about an index that it is part of.

    A signature that pins something is pinned itself.
    """
    around = [digest]
    while around:
        found: str | None = await tx.scalar(
            select(manifests.c.digest)
            .where(manifests.c.repository_id == repository, manifests.c.pins.is_(True))
            .where(or_(manifests.c.subject.in_(around), manifests.c.digest.in_(around)))
            .limit(1)
        )
        if found is not None:
            return found
        parents = select(manifest_parts.c.manifest).where(
            manifest_parts.c.repository_id == repository,
            manifest_parts.c.kind == "manifest",
            manifest_parts.c.digest.in_(around),
        )
        around = [row["manifest"] for row in await tx.all(parts_limit(parents))]
    return None


def parts_limit(query: Any) -> Any:
    """Not more parents than one statement can name."""
    return query.distinct().limit(500)


async def find_user(tx: Tx, repository: int, blob: str) -> str | None:
    """A manifest of the repository that the blob is part of."""
    query = select(manifest_parts.c.manifest).where(
        manifest_parts.c.repository_id == repository, manifest_parts.c.digest == blob, manifest_parts.c.kind == "blob"
    )
    found: str | None = await tx.scalar(query.limit(1))
    return found


async def set_tag(tx: Tx, repository: int, name: str, digest: str, now: datetime) -> None:
    """Let a tag name a digest; what it named before counts as touched, for its time without a tag begins now."""
    where = (tags.c.repository_id == repository) & (tags.c.name == name)
    row = {"repository_id": repository, "name": name, "digest": digest, "updated_at": now}
    if not await insert_missing(tx, tags, row):
        before = await tx.scalar(select(tags.c.digest).where(where))
        if before != digest:
            await touch_manifest(tx, repository, before, now)
        await tx.execute(update(tags).where(where).values(digest=digest, updated_at=now))


async def touch_manifest(tx: Tx, repository: int, digest: str, now: datetime) -> None:
    """Note that somebody counted on a manifest until now."""
    query = update(manifests).where(manifests.c.repository_id == repository, manifests.c.digest == digest)
    await tx.execute(query.values(touched_at=now))


async def delete_tag(tx: Tx, repository: int, name: str, now: datetime) -> bool:
    """Forget a tag, not what it named; whether it was there."""
    where = (tags.c.repository_id == repository) & (tags.c.name == name)
    named = await tx.scalar(select(tags.c.digest).where(where))
    if named is None:
        return False
    await touch_manifest(tx, repository, named, now)
    await tx.execute(delete(tags).where(where))
    return True


async def list_tags(tx: Tx, repository: int, after: str, limit: int) -> list[str]:
    """Tag names in order of their bytes, behind a name."""
    # PostgreSQL would sort by the words of some language.
    name = tags.c.name.collate("C") if tx.dialect == "postgresql" else tags.c.name
    query = select(tags.c.name).where(tags.c.repository_id == repository, name > after)
    return [row["name"] for row in await tx.all(query.order_by(name).limit(limit))]
