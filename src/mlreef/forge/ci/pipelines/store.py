"""Queries for CI pipelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, select, text, update
from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import tables
from mlreef.kit.db import Tx
from mlreef.kit.paging import Page

pipelines = tables.pipelines


async def insert(tx: Tx, values: Mapping[str, Any]) -> int:
    """A new pipeline with the project's next `iid`."""
    project_id = values["project_id"]
    if tx.dialect == "postgresql":
        await tx.execute(text("SELECT pg_advisory_xact_lock(71, :key)"), {"key": project_id % (1 << 31)})
    highest = await tx.scalar(select(func.max(pipelines.c.iid)).where(pipelines.c.project_id == project_id))
    return int(await tx.insert(pipelines, {**values, "iid": (highest or 0) + 1}))


async def lock(tx: Tx, pipeline_id: int) -> RowMapping | None:
    """The pipeline, locked until the transaction ends: whoever changes a job of it holds this first.

    SQLite has one writer, so a write transaction is the lock there.
    """
    query = select(pipelines).where(pipelines.c.id == pipeline_id)
    return await tx.find(query.with_for_update() if tx.dialect == "postgresql" else query)


async def find(tx: Tx, project_id: int, pipeline_id: int) -> RowMapping | None:
    """A pipeline of the project."""
    return await tx.find(
        select(pipelines).where(pipelines.c.id == pipeline_id, pipelines.c.project_id == project_id),
    )


async def get(tx: Tx, pipeline_id: int) -> RowMapping:
    """A pipeline that exists."""
    return await tx.one(select(pipelines).where(pipelines.c.id == pipeline_id))


async def find_latest(tx: Tx, project_id: int, ref: str, sha: str | None) -> RowMapping | None:
    """The newest pipeline of a ref, at a commit when one is given."""
    query = select(pipelines).where(pipelines.c.project_id == project_id, pipelines.c.ref == ref)
    if sha is not None:
        query = query.where(pipelines.c.sha == sha)
    return await tx.find(query.order_by(pipelines.c.id.desc()).limit(1))


async def list_page(
    tx: Tx, project_id: int, filters: Mapping[str, Any], page: Page
) -> tuple[Sequence[RowMapping], int]:
    """One page of the project's pipelines and how many there are."""
    query = _filtered(select(pipelines).where(pipelines.c.project_id == project_id), filters)
    total = await tx.scalar(select(func.count()).select_from(query.subquery()))
    column = pipelines.c[filters.get("order_by") or "id"]
    ordered = column.asc() if filters.get("sort") == "asc" else column.desc()
    return await tx.all(query.order_by(ordered).limit(page.size).offset(page.offset)), int(total)


def _filtered(query: Select[Any], filters: Mapping[str, Any]) -> Select[Any]:
    for name in ("ref", "sha", "status", "source", "name"):
        if filters.get(name) is not None:
            query = query.where(pipelines.c[name] == filters[name])
    scope = filters.get("scope")
    if scope in {"running", "pending"}:
        query = query.where(pipelines.c.status == scope)
    elif scope == "finished":
        query = query.where(pipelines.c.finished_at.is_not(None))
    elif scope in {"branches", "tags"}:
        query = query.where(pipelines.c.tag.is_(scope == "tags"))
    if filters.get("user_id") is not None:
        query = query.where(pipelines.c.user_id == filters["user_id"])
    for name, column in (("updated", pipelines.c.updated_at), ("created", pipelines.c.created_at)):
        after: datetime | None = filters.get(f"{name}_after")
        before: datetime | None = filters.get(f"{name}_before")
        if after is not None:
            query = query.where(column > after)
        if before is not None:
            query = query.where(column < before)
    return query


async def change(tx: Tx, pipeline_id: int, values: Mapping[str, Any]) -> None:
    """Set columns of a pipeline."""
    await tx.execute(update(pipelines).where(pipelines.c.id == pipeline_id).values(**values))


async def remove(tx: Tx, pipeline_id: int) -> None:
    """Delete a pipeline with its jobs."""
    await tx.execute(delete(pipelines).where(pipelines.c.id == pipeline_id))


async def ids_of_project(tx: Tx, project_id: int) -> Sequence[int]:
    """All pipelines of a project."""
    return [row["id"] for row in await tx.all(select(pipelines.c.id).where(pipelines.c.project_id == project_id))]


async def put_push(tx: Tx, values: Mapping[str, Any]) -> None:
    """Remember a push."""
    await tx.insert(tables.pushes, values)


async def list_pushes(tx: Tx) -> Sequence[RowMapping]:
    """Pushes that wait, oldest first."""
    return await tx.all(select(tables.pushes).order_by(tables.pushes.c.id).limit(100))


async def remove_push(tx: Tx, push_id: int) -> bool:
    """Forget a push; tells whether it was still there."""
    return (await tx.execute(delete(tables.pushes).where(tables.pushes.c.id == push_id))).rowcount == 1


async def count_push_attempt(tx: Tx, push_id: int) -> None:
    """Handling a push failed once more."""
    statement = update(tables.pushes).where(tables.pushes.c.id == push_id)
    await tx.execute(statement.values(attempts=tables.pushes.c.attempts + 1))


async def left_behind(tx: Tx, before: datetime) -> Sequence[RowMapping]:
    """Pipelines that have not begun although they were made before that moment."""
    query = select(pipelines).where(pipelines.c.status == "created", pipelines.c.created_at < before)
    return await tx.all(query.order_by(pipelines.c.id).limit(100))
