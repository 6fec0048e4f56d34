"""Queries on projects, topics and stars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.engine import RowMapping

from mlreef.forge.access.tables import users
from mlreef.forge.groups.tables import namespaces
from mlreef.forge.projects.tables import projects, stars, topics
from mlreef.kit.db import Tx
from mlreef.kit.paging import Page

JOINED = projects.join(namespaces, namespaces.c.id == projects.c.namespace_id)
COLUMNS = [
    *projects.c,
    namespaces.c.kind.label("namespace_kind"),
    namespaces.c.name.label("namespace_name"),
    namespaces.c.path.label("namespace_path"),
    namespaces.c.full_path.label("namespace_full_path"),
    namespaces.c.parent_id.label("namespace_parent_id"),
    namespaces.c.traversal.label("traversal"),
    namespaces.c.owner_id.label("owner_id"),
    namespaces.c.avatar.label("namespace_avatar"),
]


async def find_by_id(tx: Tx, project_id: int) -> RowMapping | None:
    """A project by number."""
    return await tx.find(select(*COLUMNS).select_from(JOINED).where(projects.c.id == project_id))


async def find_by_path(tx: Tx, full_path: str) -> RowMapping | None:
    """A project by its full path, whatever the case."""
    wanted = func.lower(projects.c.full_path) == full_path.lower()
    return await tx.find(select(*COLUMNS).select_from(JOINED).where(wanted))


async def list_page(
    tx: Tx, where: Sequence[ColumnElement[bool]], order: Sequence[ColumnElement[Any]], page: Page
) -> tuple[Sequence[RowMapping], int]:
    """A page of projects that match, and how many match."""
    total = await tx.scalar(select(func.count()).select_from(JOINED).where(*where))
    listed = select(*COLUMNS).select_from(JOINED).where(*where).order_by(*order)
    return await tx.all(listed.offset(page.offset).limit(page.size)), total


async def ids_below(tx: Tx, traversal: str) -> Sequence[int]:
    """All projects of a namespace and the groups below it."""
    rows = await tx.all(
        select(projects.c.id).select_from(JOINED).where(namespaces.c.traversal.startswith(traversal, autoescape=True))
    )
    return [row["id"] for row in rows]


async def abandoned(tx: Tx, state: str, before: datetime) -> Sequence[int]:
    """Projects that have been in a state since before an instant."""
    wanted = select(projects.c.id).where(projects.c.state == state, projects.c.created_at < before)
    return [row["id"] for row in await tx.all(wanted)]


async def all_ids(tx: Tx) -> set[int]:
    """Every project there is."""
    return {row["id"] for row in await tx.all(select(projects.c.id))}


async def find_avatar(tx: Tx, kind: str, owner_id: int) -> str | None:
    """The picture of a user, group or project."""
    table = {"user": users, "group": namespaces, "project": projects}.get(kind)
    return None if table is None else await tx.scalar(select(table.c.avatar).where(table.c.id == owner_id))


async def change(tx: Tx, project_id: int, values: Mapping[str, Any]) -> None:
    """Set columns of a project."""
    await tx.execute(update(projects).where(projects.c.id == project_id).values(**values))


async def remove(tx: Tx, project_id: int) -> None:
    """Forget a project; topics and stars go along."""
    await tx.execute(delete(projects).where(projects.c.id == project_id))


async def topics_of(tx: Tx, ids: Sequence[int]) -> dict[int, list[str]]:
    """The topics of several projects."""
    found: dict[int, list[str]] = {project_id: [] for project_id in ids}
    if ids:
        wanted = select(topics).where(topics.c.project_id.in_(ids)).order_by(topics.c.position)
        for row in await tx.all(wanted):
            found[row["project_id"]].append(row["name"])
    return found


async def set_topics(tx: Tx, project_id: int, names: Sequence[str]) -> None:
    """Replace a project's topics."""
    await tx.execute(delete(topics).where(topics.c.project_id == project_id))
    for position, name in enumerate(dict.fromkeys(names)):
        await tx.insert(topics, {"project_id": project_id, "name": name, "position": position})


async def star(tx: Tx, values: Mapping[str, Any]) -> bool:
    """Add a star; False when it was there."""
    if await _starred(tx, values["project_id"], values["user_id"]):
        return False
    await tx.insert(stars, values)
    await _count_stars(tx, values["project_id"], 1)
    return True


async def unstar(tx: Tx, project_id: int, user_id: int) -> bool:
    """Take a star away; False when there was none."""
    if not await _starred(tx, project_id, user_id):
        return False
    await tx.execute(delete(stars).where(stars.c.project_id == project_id, stars.c.user_id == user_id))
    await _count_stars(tx, project_id, -1)
    return True


async def list_starrers(tx: Tx, project_id: int, page: Page) -> tuple[Sequence[RowMapping], int]:
    """Who starred a project, and when."""
    where = stars.c.project_id == project_id
    total = await tx.scalar(select(func.count()).select_from(stars).where(where))
    wanted = (
        select(users, stars.c.created_at.label("starred_since"))
        .select_from(stars.join(users, users.c.id == stars.c.user_id))
        .where(where)
        .order_by(stars.c.id)
    )
    return await tx.all(wanted.offset(page.offset).limit(page.size)), total


async def count_fork(tx: Tx, project_id: int, by: int) -> None:
    """One fork more or less."""
    counted = func.greatest if tx.dialect == "postgresql" else func.max
    await change(tx, project_id, {"forks_count": counted(projects.c.forks_count + by, 0)})


async def _starred(tx: Tx, project_id: int, user_id: int) -> bool:
    wanted = select(stars.c.id).where(stars.c.project_id == project_id, stars.c.user_id == user_id)
    return await tx.find(wanted) is not None


async def _count_stars(tx: Tx, project_id: int, by: int) -> None:
    await change(tx, project_id, {"star_count": projects.c.star_count + by})
