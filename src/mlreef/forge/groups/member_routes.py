"""Members of groups and projects over the API (https://docs.gitlab.com/api/members/): one set of rules for both."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from mlreef.forge import state as states
from mlreef.forge import wire
from mlreef.forge.access import store as access_store
from mlreef.forge.access.deps import Caller
from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import members, schemas
from mlreef.forge.groups import service as groups
from mlreef.forge.params import ParamList, Params
from mlreef.forge.projects import service as projects
from mlreef.kit.db import Tx

router = APIRouter(prefix="/api/v4", tags=["Members"])


async def _kind(request: Request) -> str:  # a plain function would cost a change of threads
    return str(request.scope["path"]).split("/")[3]


Kind = Annotated[str, Depends(_kind)]
READ = {"policy": "guest"}
MANAGE = {"policy": "maintainer"}
LEAVE = {"policy": "maintainer", "self": True}


async def list_members(request: Request, who: Caller, kind: Kind, source: str, params: Params) -> JSONResponse:
    """Direct members."""
    return await _listed(request, who, kind, source, params, inherited=False)


async def list_all_members(request: Request, who: Caller, kind: Kind, source: str, params: Params) -> JSONResponse:
    """Everybody with access, inherited memberships included."""
    return await _listed(request, who, kind, source, params, inherited=True)


async def get_member(request: Request, who: Caller, kind: Kind, source: str, user_id: int) -> JSONResponse:
    """One direct member."""
    return await _one(request, who, kind, source, user_id, inherited=False)


async def get_any_member(request: Request, who: Caller, kind: Kind, source: str, user_id: int) -> JSONResponse:
    """One user with access, directly or inherited."""
    return await _one(request, who, kind, source, user_id, inherited=True)


async def add_member(request: Request, who: Caller, kind: Kind, source: str, params: Params) -> JSONResponse:
    """Make users members: `user_id` (several with commas) or `username`."""
    state = states.of(request)
    level = params.need_number("access_level")
    async with state.db.write() as tx:
        place = await _place(tx, who, kind, source, "maintainer")
        ids = await members.find_user_ids(tx, params.words("user_id") or [], params.text("username"))
        await members.add(tx, who, place, ids, level=level, expires_at=params.day("expires_at"))
        if len(ids) > 1:
            return JSONResponse({"status": "success"}, status_code=201)
        row = await members.get(tx, who, place, ids[0], inherited=False)
        return JSONResponse(schemas.member(state.settings, row, {}), status_code=201)


async def change_member(
    request: Request, who: Caller, kind: Kind, source: str, user_id: int, params: Params
) -> JSONResponse:
    """Another level or end of a membership."""
    state = states.of(request)
    level, end = params.need_number("access_level"), params.day("expires_at")
    async with state.db.write() as tx:
        place = await _place(tx, who, kind, source, "maintainer")
        keep = not params.given("expires_at")
        await members.change(tx, who, place, user_id, level=level, expires_at=end, keep_end=keep)
        row = await members.get(tx, who, place, user_id, inherited=False)
        return JSONResponse(schemas.member(state.settings, row, {}))


async def remove_member(request: Request, who: Caller, kind: Kind, source: str, user_id: int) -> Response:
    """End a membership; everybody may end their own."""
    async with states.of(request).db.write() as tx:
        place = await _place(tx, who, kind, source, "guest" if user_id == who.user_id else "maintainer")
        await members.remove(tx, who, place, user_id)
    return Response(status_code=204)


async def _listed(
    request: Request, who: Principal, kind: str, source: str, params: ParamList, *, inherited: bool
) -> JSONResponse:
    state, page = states.of(request), wire.page(request)
    async with state.db.read() as tx:
        place = await _place(tx, who, kind, source, "guest")
        rows = list(await members.list_all(tx, who, place, params.text("query"), inherited=inherited))
        wanted = params.words("user_ids")
        rows = [row for row in rows if wanted is None or str(row["user_id"]) in wanted]
        shown = rows[page.offset : page.offset + page.size]
        creators = await access_store.users_by_id(tx, [row["created_by"] for row in shown if row["created_by"]])
    items = [schemas.member(state.settings, row, creators) for row in shown]
    return wire.listed(request, items, len(rows), page)


async def _one(
    request: Request, who: Principal, kind: str, source: str, user_id: int, *, inherited: bool
) -> JSONResponse:
    state = states.of(request)
    async with state.db.read() as tx:
        place = await _place(tx, who, kind, source, "guest")
        row = await members.get(tx, who, place, user_id, inherited=inherited)
    return JSONResponse(schemas.member(state.settings, row, {}))


async def _place(tx: Tx, who: Principal, kind: str, source: str, action: str) -> members.Place:
    if kind == "projects":
        project = await projects.get_project(tx, who, source, action)
        return members.Place("project", project.id, project.full_path, project.group_ids, project.level)
    group = await groups.get_group(tx, who, source, action)
    return members.Place("group", group.id, group.row["full_path"], group.group_ids, group.level)


_ROUTES = (
    ("GET", "", list_members, READ, 200),
    ("GET", "/all", list_all_members, READ, 200),
    ("GET", "/{user_id}", get_member, READ, 200),
    ("GET", "/all/{user_id}", get_any_member, READ, 200),
    ("POST", "", add_member, MANAGE, 201),
    ("PUT", "/{user_id}", change_member, MANAGE, 200),
    ("DELETE", "/{user_id}", remove_member, LEAVE, 204),
)
for _place_kind in ("projects", "groups"):
    for _method, _path, _endpoint, _policy, _status in _ROUTES:
        router.add_api_route(
            f"/{_place_kind}/{{source}}/members{_path}",
            _endpoint,
            methods=[_method],
            openapi_extra=_policy,
            status_code=_status,
        )
