"""Queries over upload sessions and the chunks that they have received.

A session has a row from its first chunk on. One that was finished or given up keeps it, closed and without chunks,
until it would have ended anyway: its name alone would open it again (see `sessions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, bindparam, delete, select, update

from mlreef.kit.db import Tx
from mlreef.registry.store import insert_missing
from mlreef.registry.tables import repositories, upload_chunks, uploads

_CHUNKS = (
    select(uploads.c.closed, upload_chunks.c.position, upload_chunks.c.digest, upload_chunks.c.size)
    .select_from(uploads)
    .join(repositories, repositories.c.id == uploads.c.repository_id)
    .outerjoin(upload_chunks, upload_chunks.c.upload_id == uploads.c.id)
    .where(uploads.c.id == bindparam("upload"), repositories.c.name == bindparam("name"))
    .order_by(upload_chunks.c.position)
)
_NAMED = select(uploads.c.id).where(uploads.c.id.in_(bindparam("uploads", expanding=True))).limit(1)


async def find_session(tx: Tx, name: str, upload: str) -> tuple[bool, Sequence[RowMapping]] | None:
    """Whether a session of the repository called `name` is open, and its chunks in order; None when it has no row."""
    rows = await tx.all(_CHUNKS, {"upload": upload, "name": name})
    return (not rows[0]["closed"], [row for row in rows if row["position"] is not None]) if rows else None


async def ensure_upload(tx: Tx, upload: str, repository: int, begin: datetime, *, closed: bool = False) -> None:
    """Give a session a row."""
    row = {"id": upload, "repository_id": repository, "created_at": begin, "closed": closed}
    await insert_missing(tx, uploads, row)


async def add_chunk(tx: Tx, upload: str, position: int, digest: str, size: int) -> None:
    """Record a received chunk."""
    values = {"upload_id": upload, "position": position, "digest": digest, "size": size}
    await tx.insert(upload_chunks, values)


async def close_upload(tx: Tx, upload: str) -> bool:
    """Close a session that has a row, and forget its chunks; whether it was open."""
    query = update(uploads).where(uploads.c.id == upload, uploads.c.closed.is_(False)).values(closed=True)
    done = bool((await tx.execute(query)).rowcount)
    await tx.execute(delete(upload_chunks).where(upload_chunks.c.upload_id == upload))
    return done


async def has_any(tx: Tx, names: Sequence[str]) -> bool:
    """Whether any of the sessions has a row."""
    return await tx.find(_NAMED, {"uploads": list(names)}) is not None


async def list_stale_uploads(tx: Tx, before: datetime) -> Sequence[RowMapping]:
    """Sessions (id, closed) opened before an instant."""
    query = select(uploads.c.id, uploads.c.closed).where(uploads.c.created_at < before).limit(100)
    return await tx.all(query)


async def forget_uploads(tx: Tx, names: Sequence[str]) -> None:
    """Drop the rows of sessions and of their chunks."""
    if names:
        await tx.execute(delete(upload_chunks).where(upload_chunks.c.upload_id.in_(names)))
        await tx.execute(delete(uploads).where(uploads.c.id.in_(names)))
