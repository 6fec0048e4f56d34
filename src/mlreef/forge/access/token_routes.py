"""Personal access tokens over the API (https://docs.gitlab.com/api/personal_access_tokens/)."""

from __future__ import annotations

from datetime import UTC, date

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from mlreef.forge import state as states
from mlreef.forge import wire
from mlreef.forge.access import people, schemas, store, tokens
from mlreef.forge.access.deps import Caller
from mlreef.forge.access.principal import Principal
from mlreef.forge.params import Params
from mlreef.kit.errors import forbidden

router = APIRouter(prefix="/api/v4", tags=["Personal access tokens"])

USER = {"policy": "user"}
OWN = {"policy": "user", "scopes": ["read_user", "self_rotate", "read_repository", "write_repository"]}
ADMIN = {"policy": "admin"}


@router.get("/personal_access_tokens", openapi_extra=USER)
async def list_tokens(request: Request, who: Caller, params: Params) -> JSONResponse:
    """One's own tokens; administrators see everybody's."""
    state, page = states.of(request), wire.page(request)
    user_id = params.number("user_id")
    if not who.admin:
        if user_id is not None and user_id != who.user_id:
            raise forbidden("403 Forbidden")
        user_id = who.user_id
    filters = {
        "user_id": user_id,
        "search": params.text("search"),
        "revoked": params.flag("revoked"),
        "state": params.choice("state", ("active", "inactive")),
        "today": _today(who),
    }
    async with state.db.read() as tx:
        rows, total = await store.list_tokens(tx, filters, page)
    return wire.listed(request, [schemas.token(row, today=_today(who)) for row in rows], total, page)


@router.get("/personal_access_tokens/{token}", openapi_extra=OWN)
async def get_token(request: Request, who: Caller, token: str) -> JSONResponse:
    """One token, by number or `self`."""
    async with states.of(request).db.read() as tx:
        return JSONResponse(schemas.token(await tokens.get_own(tx, who, token), today=_today(who)))


@router.post("/personal_access_tokens/{token}/rotate", openapi_extra=OWN)
async def rotate_token(request: Request, who: Caller, token: str, params: Params) -> JSONResponse:
    """A new secret for a token; the old one is dead at once."""
    state = states.of(request)
    if token != "self" and not who.has_scope("api"):  # noqa: S105 - a word in the path, not a secret
        raise forbidden("403 Forbidden")
    if token == "self" and not who.has_scope("api", "self_rotate"):  # noqa: S105
        raise forbidden("403 Forbidden")
    async with state.db.write() as tx:
        old = await tokens.get_own(tx, who, token)
        if old["revoked"]:
            raise forbidden("403 Forbidden - the token was revoked")
        await tokens.revoke(tx, who, old)
        row, secret = await tokens.create(
            tx,
            who,
            await people.get(tx, old["user_id"]),
            name=old["name"],
            scopes=old["scopes"],
            expires_at=params.day("expires_at"),
            longest_days=state.settings.token_days,
            description=old["description"],
        )
    return JSONResponse(schemas.token(row, today=_today(who), secret=secret))


@router.delete("/personal_access_tokens/{token}", openapi_extra=OWN, status_code=204)
async def revoke_token(request: Request, who: Caller, token: str) -> Response:
    """Revoke a token for ever."""
    if token != "self" and not who.has_scope("api"):  # noqa: S105 - a word in the path, not a secret
        raise forbidden("403 Forbidden")
    async with states.of(request).db.write() as tx:
        await tokens.revoke(tx, who, await tokens.get_own(tx, who, token))
    return Response(status_code=204)


@router.post("/users/{user_id}/personal_access_tokens", openapi_extra=ADMIN, status_code=201)
async def create_token_for(request: Request, who: Caller, user_id: int, params: Params) -> JSONResponse:
    """A token for any user, made by an administrator."""
    state = states.of(request)
    async with state.db.write() as tx:
        row, secret = await tokens.create(
            tx,
            who,
            await people.get(tx, user_id),
            name=params.need("name", most=255),
            scopes=params.words("scopes") or [],
            expires_at=params.day("expires_at"),
            longest_days=state.settings.token_days,
            description=params.text("description", most=1000),
        )
    return JSONResponse(schemas.token(row, today=_today(who), secret=secret), status_code=201)


def _today(who: Principal) -> date:
    return who.at.astimezone(UTC).date()
