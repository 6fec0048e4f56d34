"""Logging in and out with a browser, registering, and making a token from a session: `/-/session`, `/-/users`.

These are MLReef's own: GitLab has pages for them and no API.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.engine import RowMapping

from mlreef.forge import state as states
from mlreef.forge.access import passwords, people, schemas, sessions, tokens
from mlreef.forge.access.deps import Caller
from mlreef.forge.access.identify import CSRF_COOKIE, SESSION_COOKIE
from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import store as groups_store
from mlreef.forge.params import Params
from mlreef.forge.state import State
from mlreef.kit.db import Tx
from mlreef.kit.errors import forbidden, unauthenticated

router = APIRouter(prefix="/-", tags=["Sessions"])

PUBLIC = {"policy": "public"}
USER = {"policy": "user"}
SESSION = {"policy": "user", "session": True}


@router.post("/session", openapi_extra=PUBLIC, status_code=201)
async def log_in(request: Request, who: Caller, params: Params) -> JSONResponse:
    """Log in; the answer sets the session's cookie and the readable CSRF cookie."""
    state = states.of(request)
    login, password = params.need("login", most=254), params.need("password")
    user = await sessions.find_login(state, who, login, password)
    if user is None:
        raise unauthenticated("401 Unauthorized - the name or the password is wrong")
    async with state.db.write() as tx:
        opened = await sessions.open_session(state, tx, _as(who, user), user)
        body = await _me(state, tx, opened.user)
    return _with_cookies(state, JSONResponse({"user": body}, status_code=201), opened)


@router.get("/session", openapi_extra=USER)
async def get_session(request: Request, who: Caller) -> JSONResponse:
    """Who is logged in."""
    state = states.of(request)
    async with state.db.read() as tx:
        return JSONResponse({"user": await _me(state, tx, await people.get(tx, who.user_id or 0))})


@router.delete("/session", openapi_extra=USER, status_code=204)
async def log_out(request: Request, who: Caller) -> Response:
    """Log out."""
    state = states.of(request)
    async with state.db.write() as tx:
        await sessions.close_session(tx, who)
    answer = Response(status_code=204)
    for name in (_session_cookie(state), CSRF_COOKIE):
        answer.delete_cookie(name, path="/", secure=state.settings.secure_cookies)
    return answer


@router.post("/users", openapi_extra=PUBLIC, status_code=201)
async def register(request: Request, who: Caller, params: Params) -> JSONResponse:
    """Register an account."""
    state = states.of(request)
    if not state.settings.signup:
        raise forbidden("403 Forbidden - registration is closed; ask an administrator for an account")
    username, email = params.need("username", most=255), params.need("email", most=254)
    people.check_username(username)
    new = people.NewUser(
        username=username,
        name=params.text("name", most=255) or username,
        email=email,
        password_hash=await passwords.hashed(params.need("password"), username),
    )
    async with state.db.write() as tx:
        user = await people.create(tx, who, new)
        return JSONResponse({"user": await _me(state, tx, user)}, status_code=201)


@router.put("/user/password", openapi_extra=SESSION)
async def change_password(request: Request, who: Caller, params: Params) -> JSONResponse:
    """Another password; needs the present one, and ends all sessions."""
    state = states.of(request)
    known = await sessions.find_login(state, who, who.username, params.need("current_password"))
    if known is None:
        raise forbidden("403 Forbidden - the present password is wrong")
    new = await passwords.hashed(params.need("password"), who.username)
    async with state.db.write() as tx:
        await people.change(tx, who, known, {"password_hash": new})
    return JSONResponse({"message": "200 OK"})


@router.post("/personal_access_tokens", openapi_extra=SESSION, status_code=201)
async def create_token(request: Request, who: Caller, params: Params) -> JSONResponse:
    """A personal access token of one's own; only a session may make one, so that a leaked token breeds none."""
    state = states.of(request)
    async with state.db.write() as tx:
        row, secret = await tokens.create(
            tx,
            who,
            await people.get(tx, who.user_id or 0),
            name=params.need("name", most=255),
            scopes=params.words("scopes") or [],
            expires_at=params.day("expires_at"),
            longest_days=state.settings.token_days,
            description=params.text("description", most=1000),
        )
    today = who.at.astimezone(UTC).date()
    return JSONResponse(schemas.token(row, today=today, secret=secret), status_code=201)


async def _me(state: State, tx: Tx, user: RowMapping) -> dict[str, Any]:
    own = await groups_store.find_of_user(tx, user["id"])
    return schemas.full(state.settings, user, namespace_id=own["id"] if own is not None else None)


def _as(who: Principal, user: RowMapping) -> Principal:
    return Principal(at=who.at, user_id=user["id"], username=user["username"], method="password", ip=who.ip)


def _session_cookie(state: State) -> str:
    return f"__Host-{SESSION_COOKIE}" if state.settings.secure_cookies else SESSION_COOKIE


def _with_cookies(state: State, answer: JSONResponse, opened: sessions.Opened) -> JSONResponse:
    age, secure = state.settings.session_seconds, state.settings.secure_cookies
    answer.set_cookie(
        _session_cookie(state), opened.cookie, max_age=age, path="/", httponly=True, secure=secure, samesite="lax"
    )
    answer.set_cookie(CSRF_COOKIE, opened.csrf, max_age=age, path="/", secure=secure, samesite="lax")
    answer.headers["cache-control"] = "no-store"
    return answer
