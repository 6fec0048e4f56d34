"""Lists of projects and their entities: what a caller may see, narrowed by what the request asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.engine import RowMapping

from mlreef.forge import state as states
from mlreef.forge import wire
from mlreef.forge.access import store as access_store
from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import service as groups
from mlreef.forge.groups import store as groups_store
from mlreef.forge.groups.tables import namespaces
from mlreef.forge.params import ParamList
from mlreef.forge.projects import schemas, service, store
from mlreef.forge.projects.tables import projects, stars, topics
from mlreef.forge.state import State
from mlreef.kit.db import Tx
from mlreef.kit.errors import PlatformError
from mlreef.kit.paging import Page

Where = list[ColumnElement[bool]]
_ORDER = {
    "id": projects.c.id,
    "name": func.lower(projects.c.name),
    "path": func.lower(projects.c.path),
    "created_at": projects.c.created_at,
    "updated_at": projects.c.updated_at,
    "last_activity_at": projects.c.last_activity_at,
    "star_count": projects.c.star_count,
    "similarity": projects.c.last_activity_at,
}


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


async def page(request: Request, who: Principal, params: ParamList, where: Where) -> JSONResponse:
    """A page of projects in GitLab's form, by number or by keyset."""
    state, wanted = states.of(request), wire.page(request)
    conditions = [*visible_to(who), *where, *_filters(who, params)]
    keyset = params.text("pagination") == "keyset"
    column = params.choice("order_by", _ORDER) or ("id" if keyset else "created_at")
    descending = params.choice("sort", ("asc", "desc")) != "asc"
    if keyset and column != "id":
        text = "Keyset pagination is not yet available for this type of request"
        raise wire.Refused(405, {"error": text})
    order = _ORDER[column].desc() if descending else _ORDER[column].asc()
    async with state.db.read() as tx:
        rows, total = await store.list_page(
            tx, conditions, [order, projects.c.id.desc()], Page(1, wanted.size) if keyset else wanted
        )
        items = await entities(state, tx, who, rows, simple=bool(params.flag("simple")) or who.anonymous)
    if keyset:
        name = "id_before" if descending else "id_after"
        return wire.keyset(request, items, {name: str(rows[-1]["id"])} if len(rows) == wanted.size else None)
    return wire.listed(request, items, total, wanted)


async def of_group(state: State, tx: Tx, who: Principal, group: RowMapping) -> list[dict[str, Any]]:
    """The first projects of a group, as part of its entity."""
    conditions = [*visible_to(who), *in_namespace(group, below=False)]
    rows, _total = await store.list_page(tx, conditions, [projects.c.id.desc()], Page(1, 100))
    return await entities(state, tx, who, rows)


async def entity(state: State, tx: Tx, who: Principal, row: RowMapping) -> dict[str, Any]:
    """One project."""
    return (await entities(state, tx, who, [row]))[0]


async def entities(
    state: State, tx: Tx, who: Principal, rows: Sequence[RowMapping], *, simple: bool = False
) -> list[dict[str, Any]]:
    """Projects with everything that belongs to their entities, read for all at once."""
    topics_of = await store.topics_of(tx, [row["id"] for row in rows])
    names = await _namespace_names(tx, rows)
    levels = await service.levels_in(tx, who, rows)
    owners = await access_store.users_by_id(tx, [row["owner_id"] for row in rows if row["owner_id"]])
    empty = await asyncio.gather(*(asyncio.to_thread(_is_empty, state, row["id"]) for row in rows))
    shown = []
    for row, bare in zip(rows, empty, strict=True):
        context = schemas.Context(
            topics=topics_of[row["id"]],
            full_name=names[row["namespace_id"]],
            levels=levels[row["id"]],
            empty=bare,
            owner=owners.get(row["owner_id"]),
            parent=None if simple else await _parent(state, tx, who, row),
        )
        shown.append((schemas.simple if simple else schemas.full)(state.settings, row, context))
    return shown


async def _parent(state: State, tx: Tx, who: Principal, row: RowMapping) -> dict[str, Any] | None:
    if row["forked_from_id"] is None:
        return None
    source = await service.find_project(tx, who, row["forked_from_id"])
    return (await entities(state, tx, who, [source.row], simple=True))[0] if source is not None else None


async def _namespace_names(tx: Tx, rows: Sequence[RowMapping]) -> dict[int, str]:
    known = await groups_store.by_ids(tx, [row["namespace_id"] for row in rows])
    return await groups.full_names(tx, list(known.values()))


def _is_empty(state: State, project_id: int) -> bool:
    """Whether the repository has no branch; one that is missing counts as empty."""
    try:
        repo: Path = state.repos.storage.path(project_id)
    except PlatformError:
        return True
    packed = repo / "packed-refs"
    if packed.exists() and b" refs/heads/" in packed.read_bytes():
        return False
    return not any(file.is_file() for file in (repo / "refs" / "heads").rglob("*"))


def _filters(who: Principal, params: ParamList) -> Where:
    where: Where = []
    search = params.text("search")
    if search:
        columns = [projects.c.name, projects.c.path, projects.c.description]
        if params.flag("search_namespaces"):
            columns.append(projects.c.full_path)
        where.append(or_(*(func.lower(one).contains(search.lower(), autoescape=True) for one in columns)))
    if params.choice("visibility", groups.VISIBILITIES):
        where.append(projects.c.visibility == params.text("visibility"))
    archived = params.flag("archived")
    if archived is not None:
        where.append(projects.c.archived.is_(archived))
    for topic in params.words("topic") or []:
        where.append(projects.c.id.in_(select(topics.c.project_id).where(func.lower(topics.c.name) == topic.lower())))
    for name, compared in (("id_after", projects.c.id.__gt__), ("id_before", projects.c.id.__lt__)):
        number = params.number(name)
        if number is not None:
            where.append(compared(number))
    return where + _own(who, params)


def _own(who: Principal, params: ParamList) -> Where:
    """What lists only for somebody who is logged in."""
    if who.user_id is None:
        return []
    where: Where = []
    if params.flag("membership"):
        where.append(_member(who, 1))
    if params.flag("owned"):
        where.append(_member(who, 50))
    least = params.number("min_access_level")
    if least is not None:
        where.append(_member(who, least))
    if params.flag("starred"):
        where.append(starred_by(who.user_id))
    return where


def starred_by(user_id: int) -> ColumnElement[bool]:
    """Projects with this user's star."""
    return projects.c.id.in_(select(stars.c.project_id).where(stars.c.user_id == user_id))


def _member(who: Principal, least: int) -> ColumnElement[bool]:
    today, user_id = who.at.astimezone(UTC).date(), who.user_id or 0
    direct = projects.c.id.in_(groups_store.shared(user_id, today, least))
    return or_(direct, projects.c.namespace_id.in_(groups_store.reachable(user_id, today, least)))
