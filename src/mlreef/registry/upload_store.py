"""Queries over upload sessions and the chunks that they have received."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, delete, exists, select

from mlreef.kit.db import Tx
from mlreef.registry.tables import repositories, upload_chunks, uploads


async def start_upload(tx: Tx, upload: str, repository: int, now: datetime) -> None:
    """Open an upload session."""
    await tx.insert(uploads, {"id": upload, "repository_id": repository, "created_at": now})


async def list_chunks(tx: Tx, name: str, upload: str) -> Sequence[RowMapping] | None:
    """The chunks received so far, in order; None when no such session is open in the repository called `name`."""
    query = (
        select(upload_chunks.c.position, upload_chunks.c.digest, upload_chunks.c.size)
        .select_from(uploads)
        .join(repositories, repositories.c.id == uploads.c.repository_id)
        .outerjoin(upload_chunks, upload_chunks.c.upload_id == uploads.c.id)
        .where(uploads.c.id == upload, repositories.c.name == name)
    )
    rows = await tx.all(query.order_by(upload_chunks.c.position))
    return [row for row in rows if row["position"] is not None] if rows else None


async def add_chunk(tx: Tx, upload: str, position: int, digest: str, size: int) -> None:
    """Record a received chunk."""
    values = {"upload_id": upload, "position": position, "digest": digest, "size": size}
    await tx.insert(upload_chunks, values)


async def end_upload(tx: Tx, upload: str, *, chunks: int) -> bool:
    """Close a session, the rows of its chunks go with it; whether it was open.

    With `chunks=0` there should be none: a session that has received some meanwhile stays.
    """
    query = delete(uploads).where(uploads.c.id == upload)
    if chunks:
        await tx.execute(delete(upload_chunks).where(upload_chunks.c.upload_id == upload))
    else:
        query = query.where(~exists().where(upload_chunks.c.upload_id == upload))
    return bool((await tx.execute(query)).rowcount)


async def list_stale_uploads(tx: Tx, before: datetime) -> list[str]:
    """Sessions opened before an instant and never finished."""
    query = select(uploads.c.id).where(uploads.c.created_at < before).limit(100)
    return [row["id"] for row in await tx.all(query)]
