"""Queries of protected branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import RowMapping

from mlreef.forge.repos.protection.tables import protected_branches as table
from mlreef.kit.db import Tx


async def list_rows(tx: Tx, project_id: int) -> Sequence[RowMapping]:
    """All rows of a project, by name."""
    return await tx.all(select(table).where(table.c.project_id == project_id).order_by(table.c.name))


async def save(tx: Tx, project_id: int, name: str, values: Mapping[str, Any]) -> None:
    """Add a row or change the one of that name."""
    mine = (table.c.project_id == project_id) & (table.c.name == name)
    done = await tx.execute(update(table).where(mine).values(**values))
    if not done.rowcount:
        await tx.insert(table, {"project_id": project_id, "name": name, **values})
