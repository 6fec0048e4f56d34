"""Queries for hooks and deliveries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import RowMapping

from mlreef.forge.hooks import tables
from mlreef.kit.db import Tx
from mlreef.kit.paging import Page

hooks = tables.hooks
deliveries = tables.deliveries


async def of_project(tx: Tx, project_id: int) -> Sequence[RowMapping]:
    """All hooks of a project."""
    return await tx.all(select(hooks).where(hooks.c.project_id == project_id).order_by(hooks.c.id))


async def list_page(tx: Tx, project_id: int, page: Page) -> tuple[Sequence[RowMapping], int]:
    """One page of a project's hooks."""
    query = select(hooks).where(hooks.c.project_id == project_id)
    total = await tx.scalar(select(func.count()).select_from(query.subquery()))
    return await tx.all(query.order_by(hooks.c.id).limit(page.size).offset(page.offset)), int(total)


async def find(tx: Tx, project_id: int, hook_id: int) -> RowMapping | None:
    """A hook of the project."""
    return await tx.find(select(hooks).where(hooks.c.id == hook_id, hooks.c.project_id == project_id))


async def insert(tx: Tx, values: Mapping[str, Any]) -> int:
    """A new hook."""
    return int(await tx.insert(hooks, values))


async def change(tx: Tx, hook_id: int, values: Mapping[str, Any]) -> None:
    """Set columns of a hook."""
    await tx.execute(update(hooks).where(hooks.c.id == hook_id).values(**values))


async def remove(tx: Tx, hook_id: int) -> None:
    """Delete a hook and its deliveries."""
    await tx.execute(delete(hooks).where(hooks.c.id == hook_id))


async def remove_of_project(tx: Tx, project_id: int) -> None:
    """Delete a project's hooks and their deliveries."""
    await tx.execute(delete(hooks).where(hooks.c.project_id == project_id))


async def put_delivery(tx: Tx, values: Mapping[str, Any]) -> int:
    """Put a delivery into the outbox."""
    return int(await tx.insert(deliveries, values))


async def due(
    tx: Tx, now: datetime, limit: int, *, busy: Collection[int] = (), locked: bool = False
) -> Sequence[RowMapping]:
    """Deliveries whose time has come, oldest first, with where they go; those of `busy` hooks wait."""
    query = (
        select(deliveries, hooks.c.url, hooks.c.token, hooks.c.uuid.label("hook_uuid"), hooks.c.failures)
        .join(hooks, hooks.c.id == deliveries.c.hook_id)
        .where(deliveries.c.state == "waiting", deliveries.c.due_at <= now)
    )
    if busy:
        query = query.where(hooks.c.id.not_in(list(busy)))
    query = query.order_by(deliveries.c.id).limit(limit)
    return await tx.all(
        query.with_for_update(of=deliveries, skip_locked=True) if locked and tx.dialect == "postgresql" else query
    )


async def postpone(tx: Tx, delivery_ids: Collection[int], moment: datetime) -> None:
    """Let deliveries be due only then."""
    if delivery_ids:
        await tx.execute(update(deliveries).where(deliveries.c.id.in_(list(delivery_ids))).values(due_at=moment))


async def next_due(tx: Tx) -> datetime | None:
    """When the next delivery is due; None when none waits."""
    moment: datetime | None = await tx.scalar(
        select(deliveries.c.due_at).where(deliveries.c.state == "waiting").order_by(deliveries.c.due_at).limit(1),
    )
    return moment


async def change_delivery(tx: Tx, delivery_id: int, values: Mapping[str, Any]) -> None:
    """Record what became of an attempt."""
    await tx.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))


async def find_delivery(tx: Tx, hook_id: int, delivery_id: int) -> RowMapping | None:
    """A delivery of the hook."""
    return await tx.find(
        select(deliveries).where(deliveries.c.id == delivery_id, deliveries.c.hook_id == hook_id),
    )


async def list_deliveries(tx: Tx, hook_id: int, page: Page) -> tuple[Sequence[RowMapping], int]:
    """One page of a hook's deliveries, newest first."""
    query = select(deliveries).where(deliveries.c.hook_id == hook_id)
    total = await tx.scalar(select(func.count()).select_from(query.subquery()))
    return await tx.all(query.order_by(deliveries.c.id.desc()).limit(page.size).offset(page.offset)), int(total)


async def count_failure(tx: Tx, hook_id: int, *, failed: bool) -> None:
    """Count consecutive failures of a hook; a success starts over."""
    value = hooks.c.failures + 1 if failed else 0
    await tx.execute(update(hooks).where(hooks.c.id == hook_id).values(failures=value))


async def forget_sent(tx: Tx, before: datetime) -> int:
    """Delete finished deliveries older than `before`."""
    statement = delete(deliveries).where(deliveries.c.state != "waiting", deliveries.c.created_at < before)
    return (await tx.execute(statement)).rowcount
