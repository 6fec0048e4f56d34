"""Queries for CI variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import tables
from mlreef.kit.db import Tx
from mlreef.kit.paging import Page

variables = tables.variables


async def list_page(tx: Tx, scope: str, owner_id: int, page: Page) -> tuple[Sequence[RowMapping], int]:
    """One page of an owner's variables."""
    query = select(variables).where(variables.c.scope == scope, variables.c.owner_id == owner_id)
    total = await tx.scalar(select(func.count()).select_from(query.subquery()))
    return await tx.all(query.order_by(variables.c.id).limit(page.size).offset(page.offset)), int(total)


async def find(tx: Tx, scope: str, owner_id: int, key: str, environment_scope: str | None = None) -> RowMapping | None:
    """A variable by key."""
    query = select(variables).where(
        variables.c.scope == scope, variables.c.owner_id == owner_id, variables.c.key == key
    )
    if environment_scope is not None:
        query = query.where(variables.c.environment_scope == environment_scope)
    return await tx.find(query.order_by(variables.c.id))


async def insert(tx: Tx, values: Mapping[str, Any]) -> int:
    """A new variable."""
    return int(await tx.insert(variables, values))


async def change(tx: Tx, variable_id: int, values: Mapping[str, Any]) -> None:
    """Set columns."""
    await tx.execute(update(variables).where(variables.c.id == variable_id).values(**values))


async def remove(tx: Tx, variable_id: int) -> None:
    """Delete a variable."""
    await tx.execute(delete(variables).where(variables.c.id == variable_id))


async def effective(tx: Tx, project_id: int, group_ids: Sequence[int]) -> Sequence[RowMapping]:
    """All variables a job of the project may get, weakest first: instance, groups from the outermost, project."""
    query = select(variables).where(
        or_(
            variables.c.scope == "instance",
            and_(variables.c.scope == "project", variables.c.owner_id == project_id),
            and_(variables.c.scope == "group", variables.c.owner_id.in_(list(group_ids))),
        )
    )
    rows = await tx.all(query.order_by(variables.c.id))
    rank = {group_id: len(group_ids) - index for index, group_id in enumerate(group_ids)}
    order = {"instance": 0, "project": len(group_ids) + 1}
    return sorted(rows, key=lambda row: order.get(row["scope"], rank.get(row["owner_id"], 0)))


async def remove_of(tx: Tx, scope: str, owner_id: int) -> None:
    """Delete an owner's variables."""
    await tx.execute(delete(variables).where(variables.c.scope == scope, variables.c.owner_id == owner_id))
