"""Queries of verifications, and of the badge that the last one gives or takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, update

from mlreef.kit.db import Tx
from mlreef.management.processors import market_store, store
from mlreef.management.processors.records import Verification
from mlreef.management.processors.tables import processors, verifications, versions

RUNNING = "running"


async def add(tx: Tx, one: Verification) -> None:
    """One begins."""
    await tx.insert(verifications, {name: getattr(one, name) for name in Verification.__slots__})


async def change(tx: Tx, verification_id: str, values: Mapping[str, Any]) -> bool:
    """Change one that has not ended; says whether it had not."""
    where = and_(verifications.c.id == verification_id, verifications.c.status == RUNNING)
    return (await tx.execute(update(verifications).where(where).values(**values))).rowcount == 1


async def find_last(tx: Tx, version_id: str) -> Verification | None:
    """The newest one of a version."""
    found = select(verifications).where(verifications.c.version_id == version_id)
    row = await tx.find(found.order_by(verifications.c.id.desc()).limit(1))
    return store.record(Verification, row) if row is not None else None


async def find_running(tx: Tx, version_id: str) -> Verification | None:
    """The one of a version that has not ended."""
    where = and_(verifications.c.version_id == version_id, verifications.c.status == RUNNING)
    row = await tx.find(select(verifications).where(where))
    return store.record(Verification, row) if row is not None else None


async def list_of_version(tx: Tx, version_id: str, *, offset: int, limit: int) -> tuple[list[Verification], int]:
    """Those of a version, newest first, and their number."""
    found = select(verifications).where(verifications.c.version_id == version_id)
    rows = await tx.all(found.order_by(verifications.c.id.desc()).offset(offset).limit(limit))
    return [store.record(Verification, row) for row in rows], await store.count(tx, found)


async def list_running(tx: Tx) -> list[Verification]:
    """Those that have not ended."""
    rows = await tx.all(select(verifications).where(verifications.c.status == RUNNING).order_by(verifications.c.id))
    return [store.record(Verification, row) for row in rows]


async def list_due(tx: Tx, before: datetime, limit: int = 100) -> list[str]:
    """Latest versions that nobody verified since a moment, and that are older than it."""
    newest = (
        select(verifications.c.version_id, func.max(verifications.c.started_at).label("began"))
        .group_by(verifications.c.version_id)
        .subquery()
    )
    joined = versions.join(processors, processors.c.latest_version_id == versions.c.id)
    found = (
        select(versions.c.id, versions.c.manifest)
        .select_from(joined.outerjoin(newest, newest.c.version_id == versions.c.id))
        .where(func.coalesce(newest.c.began, versions.c.published_at) < before)
        .order_by(newest.c.began.is_(None).desc(), versions.c.id)
    )
    due = [row["id"] for row in await tx.all(found) if (row["manifest"] or {}).get("reference")]
    return due[:limit]


async def give_badge(tx: Tx, version_id: str, now: datetime) -> None:
    """The version passed; the badge is its processor's while it is the latest."""
    await _badge(tx, processors.c.latest_version_id == version_id, version_id, now)


async def take_badge(tx: Tx, version_id: str) -> None:
    """The version failed."""
    await _badge(tx, processors.c.verified_version_id == version_id, None, None)


async def _badge(tx: Tx, where: ColumnElement[bool], version_id: str | None, now: datetime | None) -> None:
    values = {"verified_version_id": version_id, "verified_at": now}
    rows = await tx.all(update(processors).where(where).values(**values).returning(processors.c.id))
    if rows:
        await market_store.touch(tx, [row["id"] for row in rows])
