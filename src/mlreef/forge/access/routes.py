"""Users over the API (https://docs.gitlab.com/api/users/)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.engine import RowMapping

from mlreef.forge import state as states
from mlreef.forge import wire
from mlreef.forge.access import avatars, passwords, people, policy, schemas, store
from mlreef.forge.access.deps import Caller
from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import store as groups_store
from mlreef.forge.params import ParamList, Params
from mlreef.forge.projects import removal
from mlreef.forge.state import State
from mlreef.kit.db import Tx
from mlreef.kit.errors import forbidden, invalid

router = APIRouter(prefix="/api/v4", tags=["Users"])

ME = {"policy": "user", "scopes": ["read_user"]}
USER = {"policy": "user", "scopes": ["read_user"]}
ADMIN = {"policy": "admin"}
_ORDER = ("id", "name", "username", "created_at")


@router.get("/user", openapi_extra=ME)
async def get_me(request: Request, who: Caller) -> JSONResponse:
    """Who the credential belongs to."""
    state = states.of(request)
    async with state.db.read() as tx:
        return JSONResponse(await _full(state, tx, who, await people.get(tx, who.user_id or 0)))


@router.get("/user/status", openapi_extra=ME)
async def get_my_status(who: Caller) -> JSONResponse:
    """Users have no status messages."""
    del who
    return JSONResponse(
        {"emoji": None, "message": "", "availability": None, "message_html": "", "clear_status_at": None}
    )


@router.put("/user", openapi_extra={"policy": "user"})
async def change_me(request: Request, who: Caller, params: Params) -> JSONResponse:
    """Change one's own name, profile and picture."""
    state = states.of(request)
    values = await _values(state, params, admin=False)
    async with state.db.write() as tx:
        user = await people.get(tx, who.user_id or 0)
        changed = await people.change(tx, who, user, _merged(user, values))
        return JSONResponse(await _full(state, tx, who, changed))


@router.get("/users", openapi_extra=USER)
async def list_users(request: Request, who: Caller, params: Params) -> JSONResponse:
    """Users by name, search or state."""
    state, page = states.of(request), wire.page(request)
    keyset = params.text("pagination") == "keyset"
    filters = {
        "username": params.text("username"),
        "search": params.text("search"),
        "active": params.flag("active"),
        "blocked": params.flag("blocked"),
        "external": params.flag("external"),
        "admin": params.flag("admins") if who.admin else None,
        "order_by": params.choice("order_by", _ORDER),
        "sort": params.choice("sort", ("asc", "desc")),
        "id_after": params.number("id_after"),
    }
    if keyset:
        filters |= {"order_by": "id", "sort": "asc"}
    async with state.db.read() as tx:
        rows, total = await store.list_users(tx, filters, page)
        items = await _seen(state, tx, who, rows)
    if keyset:
        following = {"id_after": str(rows[-1]["id"])} if len(rows) == page.size else None
        return wire.keyset(request, items, following)
    return wire.listed(request, items, total, page)


@router.get("/users/{user_id}", openapi_extra=USER)
async def get_user(request: Request, who: Caller, user_id: int) -> JSONResponse:
    """One user."""
    state = states.of(request)
    async with state.db.read() as tx:
        return JSONResponse((await _seen(state, tx, who, [await people.get(tx, user_id)]))[0])


@router.get("/users/{user_id}/status", openapi_extra=USER)
async def get_status(request: Request, who: Caller, user_id: int) -> JSONResponse:
    """Users have no status messages."""
    async with states.of(request).db.read() as tx:
        await people.get(tx, user_id)
    return await get_my_status(who)


@router.post("/users", openapi_extra=ADMIN, status_code=201)
async def create_user(request: Request, who: Caller, params: Params) -> JSONResponse:
    """A user, made by an administrator."""
    state = states.of(request)
    username = params.need("username", most=255)
    people.check_username(username)
    password = params.text("password")
    if password is None and not (params.flag("reset_password") or params.flag("force_random_password")):
        raise invalid("password is missing")
    values = await _values(state, params, admin=True)
    new = people.NewUser(
        username=username,
        name=params.need("name", most=255),
        email=params.need("email", most=254),
        password_hash=await passwords.hashed(password, username) if password is not None else None,
        admin=bool(params.flag("admin")),
        external=bool(params.flag("external")),
        profile=values.get("profile"),
        avatar=values.get("avatar"),
    )
    async with state.db.write() as tx:
        made = await people.create(tx, who, new)
        return JSONResponse(await _full(state, tx, who, made), status_code=201)


@router.put("/users/{user_id}", openapi_extra=ADMIN)
async def change_user(request: Request, who: Caller, user_id: int, params: Params) -> JSONResponse:
    """Change a user, as administrator."""
    state = states.of(request)
    values = await _values(state, params, admin=True)
    password = params.text("password")
    if password is not None:
        values["password_hash"] = await passwords.hashed(password)
    async with state.db.write() as tx:
        user = await people.get(tx, user_id)
        if values.get("admin") is False and user["id"] == who.user_id:
            raise forbidden("403 Forbidden - take administrator rights from yourself with another administrator's help")
        changed = await people.change(tx, who, user, _merged(user, values))
        return JSONResponse(await _full(state, tx, who, changed))


@router.delete("/users/{user_id}", openapi_extra=ADMIN, status_code=204)
async def delete_user(request: Request, who: Caller, user_id: int) -> Response:
    """Delete a user with their namespace and the projects in it."""
    state = states.of(request)
    async with state.db.write() as tx:
        user = await people.get(tx, user_id)
        if user["id"] == who.user_id:
            raise forbidden("403 Forbidden - nobody deletes their own account here")
        own = await groups_store.find_of_user(tx, user["id"])
        if own is not None:
            await removal.remove_below(state, tx, who, own["traversal"])
        await people.remove(tx, who, user)
    return Response(status_code=204)


@router.post("/users/{user_id}/{change}", openapi_extra=ADMIN, status_code=201)
async def change_state(request: Request, who: Caller, user_id: int, change: str) -> JSONResponse:
    """Block or unblock (also under GitLab's other words); answers whether something changed."""
    wanted = {"block": people.BLOCKED, "ban": people.BLOCKED, "deactivate": people.BLOCKED}
    wanted |= {"unblock": people.ACTIVE, "unban": people.ACTIVE, "activate": people.ACTIVE}
    if change not in wanted:
        raise wire.Refused(404, {"error": "404 Not Found"})
    async with states.of(request).db.write() as tx:
        user = await people.get(tx, user_id)
        if user["id"] == who.user_id:
            raise forbidden("403 Forbidden - API endpoint does not allow to change your own state")
        if user["state"] == wanted[change]:  # GitLab's answers when there was nothing to do
            return JSONResponse(None if wanted[change] == people.BLOCKED else False, status_code=201)
        await people.set_state(tx, who, user, wanted[change])
    return JSONResponse(True, status_code=201)


async def _values(state: State, params: ParamList, *, admin: bool) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: params.need(name, most=255)
        for name in ("name", *(("email", "username") if admin else ()))
        if name in params
    }
    if admin:
        values |= {name: params.flag(name) for name in ("admin", "external") if name in params}
    values["profile"] = {name: params.text(name) or "" for name in people.PROFILE if params.given(name)}
    picture = await avatars.keep(state.objects, await params.upload("avatar", most=avatars.LIMIT))
    return {**values, "avatar": picture} if picture else values


def _merged(user: RowMapping, values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "profile": {**user["profile"], **values.get("profile", {})}}


async def _full(state: State, tx: Tx, who: Principal, user: RowMapping) -> dict[str, Any]:
    own = await groups_store.find_of_user(tx, user["id"])
    namespace_id = own["id"] if own is not None else None
    return schemas.full(state.settings, user, namespace_id=namespace_id, admin_view=who.admin)


async def _seen(state: State, tx: Tx, who: Principal, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """Users as this caller may see them: administrators see all, others what is public."""
    if policy.allowed(who, "admin"):
        return [await _full(state, tx, who, row) for row in rows]
    return [schemas.public(state.settings, row) for row in rows]
