"""Queries of the registry. Every look-up of a blob or manifest names the repository it must belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, select, update

from mlreef.kit.db import Tx
from mlreef.registry.tables import blobs, manifests, repositories, tags, upload_chunks, uploads


async def find_repository(tx: Tx, name: str) -> int | None:
    """The id of the repository called `name`."""
    found: int | None = await tx.scalar(select(repositories.c.id).where(repositories.c.name == name))
    return found


async def ensure_repository(tx: Tx, name: str, now: datetime) -> int:
    """The id of the repository called `name`, made when it is new."""
    found = await find_repository(tx, name)
    if found is not None:
        return found
    made: int = await tx.insert(repositories, {"name": name, "created_at": now})
    return made


async def find_blob(tx: Tx, repository: int, digest: str) -> int | None:
    """The size of a blob of the repository."""
    query = select(blobs.c.size).where(blobs.c.repository_id == repository, blobs.c.digest == digest)
    found: int | None = await tx.scalar(query)
    return found


async def link_blob(tx: Tx, repository: int, digest: str, size: int, now: datetime) -> None:
    """Make the stored bytes a blob of the repository; linking twice is no error."""
    if await find_blob(tx, repository, digest) is None:
        await tx.insert(blobs, {"repository_id": repository, "digest": digest, "size": size, "created_at": now})


async def unlink_blob(tx: Tx, repository: int, digest: str) -> bool:
    """Take a blob from the repository; whether it was there."""
    done = await tx.execute(delete(blobs).where(blobs.c.repository_id == repository, blobs.c.digest == digest))
    return bool(done.rowcount)


async def find_manifest(tx: Tx, repository: int, digest: str) -> RowMapping | None:
    """A manifest by digest."""
    query = select(manifests).where(manifests.c.repository_id == repository, manifests.c.digest == digest)
    return await tx.find(query)


async def put_manifest(tx: Tx, values: Mapping[str, Any]) -> None:
    """Keep a manifest; the same bytes again change nothing."""
    if await find_manifest(tx, values["repository_id"], values["digest"]) is None:
        await tx.insert(manifests, values)


async def delete_manifest(tx: Tx, repository: int, digest: str) -> bool:
    """Forget a manifest and the tags that name it; whether it was there."""
    await tx.execute(delete(tags).where(tags.c.repository_id == repository, tags.c.digest == digest))
    query = delete(manifests).where(manifests.c.repository_id == repository, manifests.c.digest == digest)
    return bool((await tx.execute(query)).rowcount)


async def list_referrers(tx: Tx, repository: int, subject: str, artifact_type: str | None) -> Sequence[RowMapping]:
    """Manifests whose `subject` is the given digest."""
    query = select(manifests).where(manifests.c.repository_id == repository, manifests.c.subject == subject)
    if artifact_type is not None:
        query = query.where(manifests.c.artifact_type == artifact_type)
    return await tx.all(query.order_by(manifests.c.digest))


async def find_tag(tx: Tx, repository: int, name: str) -> str | None:
    """The digest that a tag names."""
    found: str | None = await tx.scalar(
        select(tags.c.digest).where(tags.c.repository_id == repository, tags.c.name == name)
    )
    return found


async def set_tag(tx: Tx, repository: int, name: str, digest: str, now: datetime) -> None:
    """Let a tag name a digest."""
    query = update(tags).where(tags.c.repository_id == repository, tags.c.name == name)
    done = await tx.execute(query.values(digest=digest, updated_at=now))
    if not done.rowcount:
        await tx.insert(tags, {"repository_id": repository, "name": name, "digest": digest, "updated_at": now})


async def delete_tag(tx: Tx, repository: int, name: str) -> bool:
    """Forget a tag, not what it named; whether it was there."""
    done = await tx.execute(delete(tags).where(tags.c.repository_id == repository, tags.c.name == name))
    return bool(done.rowcount)


async def list_tags(tx: Tx, repository: int, after: str | None, limit: int) -> list[str]:
    """Tag names in order, after a name."""
    query = select(tags.c.name).where(tags.c.repository_id == repository).order_by(tags.c.name).limit(limit)
    if after is not None:
        query = query.where(tags.c.name > after)
    return [row["name"] for row in await tx.all(query)]


async def start_upload(tx: Tx, upload: str, repository: int, now: datetime) -> None:
    """Open an upload session."""
    await tx.insert(uploads, {"id": upload, "repository_id": repository, "created_at": now})


async def upload_exists(tx: Tx, upload: str, repository: int) -> bool:
    """Whether the session is open and belongs to the repository."""
    query = select(uploads.c.id).where(uploads.c.id == upload, uploads.c.repository_id == repository)
    return await tx.find(query) is not None


async def list_chunks(tx: Tx, upload: str) -> Sequence[RowMapping]:
    """The chunks received so far, in order."""
    query = select(upload_chunks).where(upload_chunks.c.upload_id == upload)
    return await tx.all(query.order_by(upload_chunks.c.position))


async def add_chunk(tx: Tx, upload: str, position: int, digest: str, size: int) -> None:
    """Record a received chunk."""
    values = {"upload_id": upload, "position": position, "digest": digest, "size": size}
    await tx.insert(upload_chunks, values)


async def end_upload(tx: Tx, upload: str) -> None:
    """Close a session; its chunks' rows go with it."""
    await tx.execute(delete(upload_chunks).where(upload_chunks.c.upload_id == upload))
    await tx.execute(delete(uploads).where(uploads.c.id == upload))


async def list_stale_uploads(tx: Tx, before: datetime) -> list[str]:
    """Sessions opened before an instant and never finished."""
    query = select(uploads.c.id).where(uploads.c.created_at < before).limit(100)
    return [row["id"] for row in await tx.all(query)]
