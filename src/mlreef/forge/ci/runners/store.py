"""Queries for runners, their managers and the queue's version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func, insert, or_, select, update
from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import tables
from mlreef.kit.db import Tx
from mlreef.kit.paging import Page

runners = tables.runners
managers = tables.managers
queue = tables.queue
of_projects = tables.runner_projects
of_groups = tables.runner_groups


async def bump(tx: Tx) -> None:
    """Say that a runner may have something to do."""
    await tx.execute(update(queue).where(queue.c.id == 1).values(version=queue.c.version + 1))


async def version(tx: Tx) -> int:
    """The queue's version."""
    return int(await tx.scalar(select(queue.c.version).where(queue.c.id == 1)))


async def insert_runner(tx: Tx, values: Mapping[str, Any]) -> int:
    """A new runner."""
    return int(await tx.insert(runners, values))


async def find(tx: Tx, runner_id: int) -> RowMapping | None:
    """A runner by id."""
    return await tx.find(select(runners).where(runners.c.id == runner_id))


async def find_by_token(tx: Tx, token_hash: str) -> RowMapping | None:
    """The runner a token belongs to."""
    return await tx.find(select(runners).where(runners.c.token_hash == token_hash))


async def change(tx: Tx, runner_id: int, values: Mapping[str, Any]) -> None:
    """Set columns of a runner."""
    await tx.execute(update(runners).where(runners.c.id == runner_id).values(**values))


async def remove(tx: Tx, runner_id: int) -> None:
    """Delete a runner; its jobs keep its number."""
    await tx.execute(delete(runners).where(runners.c.id == runner_id))


async def attach_project(tx: Tx, runner_id: int, project_id: int) -> None:
    """Let the runner work for the project."""
    if project_id not in await project_ids(tx, runner_id):
        await tx.execute(insert(of_projects).values(runner_id=runner_id, project_id=project_id))


async def detach_project(tx: Tx, runner_id: int, project_id: int) -> bool:
    """End that; tells whether it was so."""
    statement = delete(of_projects).where(of_projects.c.runner_id == runner_id, of_projects.c.project_id == project_id)
    return (await tx.execute(statement)).rowcount == 1


async def attach_group(tx: Tx, runner_id: int, group_id: int) -> None:
    """Let the runner work for all projects of the group."""
    await tx.execute(insert(of_groups).values(runner_id=runner_id, group_id=group_id))


async def project_ids(tx: Tx, runner_id: int) -> list[int]:
    """Projects of a project runner."""
    rows = await tx.all(select(of_projects.c.project_id).where(of_projects.c.runner_id == runner_id))
    return [row["project_id"] for row in rows]


async def group_ids(tx: Tx, runner_id: int) -> list[int]:
    """Groups of a group runner."""
    rows = await tx.all(select(of_groups.c.group_id).where(of_groups.c.runner_id == runner_id))
    return [row["group_id"] for row in rows]


async def list_page(
    tx: Tx,
    page: Page,
    *,
    filters: Mapping[str, Any],
    project_id: int | None = None,
    group_ids: Sequence[int] = (),
    creator_id: int | None = None,
) -> tuple[Sequence[RowMapping], int]:
    """One page of runners: all, those available to a project, or those somebody made."""
    query = select(runners)
    if project_id is not None:
        query = query.where(
            or_(
                runners.c.runner_type == "instance_type",
                exists().where(of_projects.c.runner_id == runners.c.id, of_projects.c.project_id == project_id),
                exists().where(of_groups.c.runner_id == runners.c.id, of_groups.c.group_id.in_(list(group_ids))),
            )
        )
    if creator_id is not None:
        query = query.where(runners.c.creator_id == creator_id)
    if filters.get("type"):
        query = query.where(runners.c.runner_type == filters["type"])
    if filters.get("paused") is not None:
        query = query.where(runners.c.paused.is_(filters["paused"]))
    total = await tx.scalar(select(func.count()).select_from(query.subquery()))
    return await tx.all(query.order_by(runners.c.id.desc()).limit(page.size).offset(page.offset)), int(total)


async def put_manager(tx: Tx, runner_id: int, system_id: str, values: Mapping[str, Any], now: datetime) -> int:
    """Create or refresh the manager of that system id and return its number."""
    held = await find_manager(tx, runner_id, system_id)
    if held is None:
        row = {**values, "runner_id": runner_id, "system_id": system_id, "created_at": now, "contacted_at": now}
        return int(await tx.insert(managers, row))
    await tx.execute(update(managers).where(managers.c.id == held["id"]).values(**values, contacted_at=now))
    return int(held["id"])


async def find_manager(tx: Tx, runner_id: int, system_id: str) -> RowMapping | None:
    """One manager of a runner."""
    return await tx.find(
        select(managers).where(managers.c.runner_id == runner_id, managers.c.system_id == system_id),
    )


async def managers_of(tx: Tx, runner_id: int) -> Sequence[RowMapping]:
    """All managers of a runner."""
    return await tx.all(select(managers).where(managers.c.runner_id == runner_id).order_by(managers.c.id))


async def remove_manager(tx: Tx, manager_id: int) -> None:
    """Forget a manager."""
    await tx.execute(delete(managers).where(managers.c.id == manager_id))
