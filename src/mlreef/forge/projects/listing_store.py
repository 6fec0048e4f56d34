"""Which projects a list shows: what the caller may see, narrowed by what the request asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.engine import RowMapping

from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import store as groups_store
from mlreef.forge.groups.tables import namespaces
from mlreef.forge.projects import store
from mlreef.forge.projects.tables import projects, stars, topics
from mlreef.kit.db import Tx
from mlreef.kit.paging import Page

Where = list[ColumnElement[bool]]
ORDERS = {
    "id": projects.c.id,
    "name": func.lower(projects.c.name),
    "path": func.lower(projects.c.path),
    "created_at": projects.c.created_at,
    "updated_at": projects.c.updated_at,
    "last_activity_at": projects.c.last_activity_at,
    "star_count": projects.c.star_count,
    "similarity": projects.c.last_activity_at,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of projects is narrowed to."""

    search: str | None = None
    search_namespaces: bool = False
    visibility: str | None = None
    archived: bool | None = None
    topics: Sequence[str] = ()
    id_after: int | None = None
    id_before: int | None = None
    membership: bool = False
    owned: bool = False
    least: int | None = None
    """Least access level of the caller."""
    starred: bool = False
    order: str = "created_at"
    descending: bool = True


async def list_projects(
    tx: Tx, who: Principal, wanted: Wanted, where: Where, page: Page
) -> tuple[Sequence[RowMapping], int]:
    """A page of projects and their number; `where` narrows further."""
    conditions = [*visible_to(who), *where, *_filters(wanted), *_own(who, wanted)]
    column = ORDERS[wanted.order]
    order: list[ColumnElement[Any]] = [column.desc() if wanted.descending else column.asc(), projects.c.id.desc()]
    return await store.list_page(tx, conditions, order, page)


def visible_to(who: Principal) -> Where:
    """The condition under which a project shows up in the caller's lists."""
    if who.job is not None:
        return [projects.c.id == who.job.project_id]
    if who.admin:
        return []
    if who.user_id is None:
        return [projects.c.visibility == "public"]
    open_ones = ["public"] if who.external else ["public", "internal"]
    return [or_(projects.c.visibility.in_(open_ones), _member(who, 10))]


def in_namespace(row: RowMapping, *, below: bool) -> Where:
    """Projects of a namespace, and if asked of everything below it."""
    if below:
        return [namespaces.c.traversal.startswith(row["traversal"], autoescape=True)]
    return [projects.c.namespace_id == row["id"]]


def forks_of(project_id: int) -> Where:
    """Forks of a project."""
    return [projects.c.forked_from_id == project_id]


def in_namespace_id(namespace_id: int) -> Where:
    """Projects directly in a namespace."""
    return [projects.c.namespace_id == namespace_id]


def _filters(wanted: Wanted) -> Where:
    where: Where = []
    if wanted.search:
        columns = [projects.c.name, projects.c.path, projects.c.description]
        columns += [projects.c.full_path] if wanted.search_namespaces else []
        where.append(or_(*(func.lower(one).contains(wanted.search.lower(), autoescape=True) for one in columns)))
    if wanted.visibility:
        where.append(projects.c.visibility == wanted.visibility)
    if wanted.archived is not None:
        where.append(projects.c.archived.is_(wanted.archived))
    for topic in wanted.topics:
        where.append(projects.c.id.in_(select(topics.c.project_id).where(func.lower(topics.c.name) == topic.lower())))
    if wanted.id_after is not None:
        where.append(projects.c.id > wanted.id_after)
    if wanted.id_before is not None:
        where.append(projects.c.id < wanted.id_before)
    return where


def _own(who: Principal, wanted: Wanted) -> Where:
    """What lists only for somebody who is logged in."""
    if who.user_id is None:
        return []
    where = [_member(who, least) for least, asked in ((1, wanted.membership), (50, wanted.owned)) if asked]
    if wanted.least is not None:
        where.append(_member(who, wanted.least))
    if wanted.starred:
        where.append(starred_by(who.user_id))
    return where


def starred_by(user_id: int) -> ColumnElement[bool]:
    """Projects with this user's star."""
    return projects.c.id.in_(select(stars.c.project_id).where(stars.c.user_id == user_id))


def _member(who: Principal, least: int) -> ColumnElement[bool]:
    today, user_id = who.at.astimezone(UTC).date(), who.user_id or 0
    direct = projects.c.id.in_(groups_store.shared(user_id, today, least))
    return or_(direct, projects.c.namespace_id.in_(groups_store.reachable(user_id, today, least)))
