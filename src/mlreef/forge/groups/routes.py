"""Groups and namespaces over the API (https://docs.gitlab.com/api/groups/, /api/namespaces/)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.engine import RowMapping

from mlreef.forge import state as states
from mlreef.forge import wire
from mlreef.forge.access import avatars
from mlreef.forge.access.deps import Caller
from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import listing_store, schemas, service, store
from mlreef.forge.params import ParamList, Params
from mlreef.forge.projects import listing_store as project_lists
from mlreef.forge.projects import wire as project_wire
from mlreef.forge.state import State
from mlreef.kit.db import Tx
from mlreef.kit.errors import not_found

router = APIRouter(prefix="/api/v4", tags=["Groups"])

PUBLIC = {"policy": "public", "checked": True}
USER = {"policy": "user"}
READ = {"policy": "guest"}
MANAGE = {"policy": "owner"}


@router.get("/groups", openapi_extra=PUBLIC)
async def list_groups(request: Request, who: Caller, params: Params) -> JSONResponse:
    """Groups that the caller may see."""
    least = 50 if params.flag("owned") else params.number("min_access_level")
    return await _page(request, who, params, top_level=bool(params.flag("top_level_only")), least=least)


@router.post("/groups", openapi_extra=USER, status_code=201)
async def create_group(request: Request, who: Caller, params: Params) -> JSONResponse:
    """A group, or with `parent_id` a subgroup."""
    state = states.of(request)
    values = await _values(state, params)
    values |= {"name": params.need("name", most=255), "path": params.need("path", most=255)}
    values.setdefault("visibility", "private")
    parent_id = params.number("parent_id")
    async with state.db.write() as tx:
        parent = await service.get_group(tx, who, parent_id) if parent_id is not None else None
        if parent is not None:
            service.may_create_in(who, parent)
        row = await service.create(tx, who, values, parent)
        return JSONResponse(await _detail(state, tx, row), status_code=201)


@router.get("/groups/{group}", openapi_extra=READ)
async def get_group(request: Request, who: Caller, group: str, params: Params) -> JSONResponse:
    """One group; with its first projects unless `with_projects=false`."""
    state = states.of(request)
    async with state.db.read() as tx:
        found = await service.get_group(tx, who, group)
        body = await _detail(state, tx, found.row)
        if params.flag("with_projects") is not False:
            body["projects"] = await project_wire.of_group(state, tx, who, found.row)
    return JSONResponse(body)


@router.put("/groups/{group}", openapi_extra=MANAGE)
async def change_group(request: Request, who: Caller, group: str, params: Params) -> JSONResponse:
    """Change a group."""
    state = states.of(request)
    values = await _values(state, params)
    values |= {name: params.need(name, most=255) for name in ("name", "path") if name in params}
    async with state.db.write() as tx:
        found = await service.get_group(tx, who, group, "owner")
        return JSONResponse(await _detail(state, tx, await service.change(tx, who, found, values)))


@router.delete("/groups/{group}", openapi_extra=MANAGE, status_code=202)
async def delete_group(request: Request, who: Caller, group: str) -> JSONResponse:
    """Delete a group with everything in it."""
    state = states.of(request)
    async with state.db.write() as tx:
        await service.remove(state, tx, who, await service.get_group(tx, who, group, "owner"))
    return JSONResponse({"message": "202 Accepted"}, status_code=202)


@router.get("/groups/{group}/subgroups", openapi_extra=READ)
async def list_subgroups(request: Request, who: Caller, group: str, params: Params) -> JSONResponse:
    """Groups directly in a group."""
    async with states.of(request).db.read() as tx:
        found = await service.get_group(tx, who, group)
    return await _page(request, who, params, parent_id=found.id)


@router.get("/groups/{group}/descendant_groups", openapi_extra=READ)
async def list_descendants(request: Request, who: Caller, group: str, params: Params) -> JSONResponse:
    """All groups below a group."""
    async with states.of(request).db.read() as tx:
        found = await service.get_group(tx, who, group)
    return await _page(request, who, params, below=found.row["traversal"])


@router.get("/groups/{group}/projects", openapi_extra=READ)
async def list_projects(request: Request, who: Caller, group: str, params: Params) -> JSONResponse:
    """Projects in a group; with `include_subgroups` also below."""
    async with states.of(request).db.read() as tx:
        found = await service.get_group(tx, who, group)
    below = bool(params.flag("include_subgroups"))
    return await project_wire.page(request, who, params, project_lists.in_namespace(found.row, below=below))


@router.get("/namespaces", openapi_extra=USER)
async def list_namespaces(request: Request, who: Caller, params: Params) -> JSONResponse:
    """Namespaces in which the caller may have projects."""
    state, page = states.of(request), wire.page(request)
    async with state.db.read() as tx:
        rows = await listing_store.list_usable(tx, who, params.text("search"))
    shown = rows[page.offset : page.offset + page.size]
    return wire.listed(request, [schemas.namespace(state.settings, row) for row in shown], len(rows), page)


@router.get("/namespaces/{namespace}", openapi_extra=USER)
async def get_namespace(request: Request, who: Caller, namespace: str) -> JSONResponse:
    """One namespace by number or full path."""
    state = states.of(request)
    async with state.db.read() as tx:
        row = await (store.find_by_id(tx, int(namespace)) if _number(namespace) else store.find_by_path(tx, namespace))
        if row is None or (row["kind"] == "user" and row["owner_id"] != who.user_id and not who.admin):
            raise not_found("404 Namespace")
        if row["kind"] == "group":
            row = (await service.get_group(tx, who, row["id"])).row
    return JSONResponse(schemas.namespace(state.settings, row))


@router.get("/namespaces/{namespace}/exists", openapi_extra=USER)
async def namespace_exists(request: Request, who: Caller, namespace: str) -> JSONResponse:
    """Whether a path is taken, with proposals if it is."""
    del who
    async with states.of(request).db.read() as tx:
        exists = await store.find_by_path(tx, namespace) is not None
    return JSONResponse({"exists": exists, "suggests": [f"{namespace}1"] if exists else []})


async def _page(request: Request, who: Principal, params: ParamList, **narrowed: Any) -> JSONResponse:
    state, page = states.of(request), wire.page(request)
    wanted = listing_store.Wanted(
        search=params.text("search"),
        visibility=params.choice("visibility", service.VISIBILITIES),
        order=params.choice("order_by", listing_store.ORDERS) or "name",
        descending=params.choice("sort", ("asc", "desc")) == "desc",
        **narrowed,
    )
    async with state.db.read() as tx:
        rows, total = await listing_store.list_groups(tx, who, wanted, page)
        names_of = await service.full_names(tx, list(rows))
    items = [schemas.group(state.settings, row, names_of[row["id"]]) for row in rows]
    return wire.listed(request, items, total, page)


async def _values(state: State, params: ParamList) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "visibility" in params:
        values["visibility"] = params.choice("visibility", service.VISIBILITIES)
    if params.given("description"):
        values["description"] = params.text("description", most=2000) or ""
    kept = {name: params.raw(name) for name in schemas.DEFAULTS if isinstance(params.raw(name), bool | str | int)}
    if kept:
        values["settings"] = kept
    picture = await avatars.keep(state.objects, await params.upload("avatar", most=avatars.LIMIT))
    return {**values, "avatar": picture} if picture else values


async def _detail(state: State, tx: Tx, row: RowMapping) -> dict[str, Any]:
    return schemas.group_detail(state.settings, row, (await service.full_names(tx, [row]))[row["id"]])


def _number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19
