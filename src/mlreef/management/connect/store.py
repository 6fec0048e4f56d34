"""Queries of connections."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from mlreef.kit.db import Tx, upsert
from mlreef.management.connect.tables import connections


async def find(tx: Tx, project_id: int) -> Mapping[str, Any] | None:
    """The connection of a project."""
    row = await tx.find(select(connections).where(connections.c.project_id == project_id))
    return dict(row) if row is not None else None


async def put(tx: Tx, project_id: int, *, hook_id: int, by: str, now: datetime) -> None:
    """A project is connected as of now."""
    values = {"hook_id": hook_id, "connected_by": by, "connected_at": now, "hears_tags": True}
    statement = upsert.insert(tx.dialect, connections).values(project_id=project_id, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["project_id"], set_=values))


async def choose_tags(tx: Tx, project_id: int, *, publish_on_tag: bool | None) -> None:
    """Decide whether tags publish; None leaves it to whether anything was published by hand."""
    where = connections.c.project_id == project_id
    await tx.execute(update(connections).where(where).values(publish_on_tag=publish_on_tag))
