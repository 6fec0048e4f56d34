"""Queries of LFS. Every look-up names the project: an object exists only for projects that hold it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, literal, select
from sqlalchemy.engine import RowMapping

from mlreef.forge.lfs.tables import lfs_links, lfs_locks
from mlreef.kit.db import Tx, upsert

_CHUNK = 500


async def sizes(tx: Tx, project_id: int, oids: Collection[str]) -> dict[str, int]:
    """Sizes of those objects that the project holds."""
    wanted, found = sorted(set(oids)), {}
    for start in range(0, len(wanted), _CHUNK):
        rows = await tx.all(
            select(lfs_links.c.oid, lfs_links.c.size).where(
                lfs_links.c.project_id == project_id, lfs_links.c.oid.in_(wanted[start : start + _CHUNK])
            )
        )
        found.update({row["oid"]: row["size"] for row in rows})
    return found


async def link(tx: Tx, links: Sequence[tuple[int, str, int]], now: datetime) -> None:
    """Note that projects hold objects; doing it again changes nothing."""
    rows = [{"project_id": project, "oid": oid, "size": size, "created_at": now} for project, oid, size in links]
    await tx.execute(upsert.insert(tx.dialect, lfs_links).on_conflict_do_nothing(), rows)


async def copy_links(tx: Tx, source_id: int, target_id: int, now: datetime) -> None:
    """A fork holds what its source holds."""
    held = select(literal(target_id), lfs_links.c.oid, lfs_links.c.size, literal(now, lfs_links.c.created_at.type))
    names = ["project_id", "oid", "size", "created_at"]
    await tx.execute(insert(lfs_links).from_select(names, held.where(lfs_links.c.project_id == source_id)))


async def total(tx: Tx, project_id: int) -> int:
    """Bytes that a project holds."""
    statement = select(func.coalesce(func.sum(lfs_links.c.size), 0)).where(lfs_links.c.project_id == project_id)
    return int(await tx.scalar(statement))


async def add_lock(tx: Tx, values: dict[str, Any]) -> int:
    """Keep a lock and return its number."""
    return int(await tx.insert(lfs_locks, values))


async def find_lock(tx: Tx, project_id: int, lock_id: int) -> RowMapping | None:
    """A lock of this project."""
    mine = lfs_locks.c.project_id == project_id
    return await tx.find(select(lfs_locks).where(mine, lfs_locks.c.id == lock_id))


async def find_lock_of(tx: Tx, project_id: int, path: str) -> RowMapping | None:
    """The lock on a path of this project."""
    mine = lfs_locks.c.project_id == project_id
    return await tx.find(select(lfs_locks).where(mine, lfs_locks.c.path == path))


async def list_locks(
    tx: Tx, project_id: int, *, after: int, limit: int, path: str | None = None, lock_id: int | None = None
) -> Sequence[RowMapping]:
    """Locks of a project by number."""
    statement = select(lfs_locks).where(lfs_locks.c.project_id == project_id, lfs_locks.c.id > after)
    if path is not None:
        statement = statement.where(lfs_locks.c.path == path)
    if lock_id is not None:
        statement = statement.where(lfs_locks.c.id == lock_id)
    return await tx.all(statement.order_by(lfs_locks.c.id).limit(limit))


async def remove_lock(tx: Tx, lock_id: int) -> None:
    """Forget a lock."""
    await tx.execute(delete(lfs_locks).where(lfs_locks.c.id == lock_id))
