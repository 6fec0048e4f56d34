"""Projects on the wire: pages in GitLab's form, and entities with everything that belongs to them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from sqlalchemy.engine import RowMapping

from mlreef.forge import state as states
from mlreef.forge import wire
from mlreef.forge.access import store as access_store
from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import service as groups
from mlreef.forge.groups import store as groups_store
from mlreef.forge.params import ParamList
from mlreef.forge.projects import listing_store, schemas, service, store
from mlreef.forge.state import State
from mlreef.kit.db import Tx
from mlreef.kit.errors import PlatformError
from mlreef.kit.paging import Page


async def page(request: Request, who: Principal, params: ParamList, where: listing_store.Where) -> JSONResponse:
    """A page of projects, by number or by keyset; `where` narrows what the parameters ask for."""
    state, asked = states.of(request), wire.page(request)
    keyset = params.text("pagination") == "keyset"
    wanted = _wanted(params, keyset=keyset)
    async with state.db.read() as tx:
        rows, total = await listing_store.list_projects(
            tx, who, wanted, where, Page(1, asked.size) if keyset else asked
        )
        items = await entities(state, tx, who, rows, simple=bool(params.flag("simple")) or who.anonymous)
    if keyset:
        name = "id_before" if wanted.descending else "id_after"
        return wire.keyset(request, items, {name: str(rows[-1]["id"])} if len(rows) == asked.size else None)
    return wire.listed(request, items, total, asked)


def _wanted(params: ParamList, *, keyset: bool) -> listing_store.Wanted:
    order = params.choice("order_by", listing_store.ORDERS) or ("id" if keyset else "created_at")
    if keyset and order != "id":
        text = "Keyset pagination is not yet available for this type of request"
        raise wire.Refused(405, {"error": text})
    return listing_store.Wanted(
        search=params.text("search"),
        search_namespaces=bool(params.flag("search_namespaces")),
        visibility=params.choice("visibility", groups.VISIBILITIES),
        archived=params.flag("archived"),
        topics=params.words("topic") or [],
        id_after=params.number("id_after"),
        id_before=params.number("id_before"),
        membership=bool(params.flag("membership")),
        owned=bool(params.flag("owned")),
        least=params.number("min_access_level"),
        starred=bool(params.flag("starred")),
        order=order,
        descending=params.choice("sort", ("asc", "desc")) != "asc",
    )


async def of_group(state: State, tx: Tx, who: Principal, group: RowMapping) -> list[dict[str, Any]]:
    """The first projects of a group, as part of its entity."""
    inside = listing_store.in_namespace(group, below=False)
    rows, _total = await listing_store.list_projects(tx, who, listing_store.Wanted(), inside, Page(1, 100))
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
        repo = state.repos.storage.path(project_id)
    except PlatformError:
        return True
    packed = repo / "packed-refs"
    if packed.exists() and b" refs/heads/" in packed.read_bytes():
        return False
    return not any(file.is_file() for file in (repo / "refs" / "heads").rglob("*"))
