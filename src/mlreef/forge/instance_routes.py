"""What the forge says of itself, the pictures it serves, and the answer for addresses it does not know."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from mlreef import __version__
from mlreef.forge import state as states
from mlreef.forge.access import avatars
from mlreef.forge.projects import store as projects_store
from mlreef.forge.settings import GITLAB_VERSION
from mlreef.kit.errors import not_found

router = APIRouter(tags=["Instance"])

USER = {"policy": "user", "scopes": ["read_user"]}
PUBLIC = {"policy": "public"}


@router.get("/api/v4/version", openapi_extra=USER)
async def get_version() -> JSONResponse:
    """The GitLab version whose protocol is spoken; the revision names MLReef's own."""
    return JSONResponse({"version": GITLAB_VERSION, "revision": f"mlreef-{__version__}"})


@router.get("/api/v4/metadata", openapi_extra=USER)
async def get_metadata() -> JSONResponse:
    """The version with what clients look for beside it."""
    kas = {"enabled": False, "externalUrl": None, "externalK8sProxyUrl": None, "version": None}
    revision = f"mlreef-{__version__}"
    return JSONResponse({"version": GITLAB_VERSION, "revision": revision, "kas": kas, "enterprise": False})


@router.get("/uploads/-/system/{kind}/avatar/{owner_id}/{name}", openapi_extra=PUBLIC)
async def get_avatar(request: Request, kind: str, owner_id: int, name: str) -> Response:
    """A picture; whoever holds its address may see it."""
    state = states.of(request)
    async with state.db.read() as tx:
        digest = await projects_store.find_avatar(tx, kind, owner_id)
    if not digest or len(name) != 16 or not digest.startswith(name):
        raise not_found("404")
    data = b"".join([chunk async for chunk in state.objects.open(digest)])
    headers = {
        "content-security-policy": "sandbox; default-src 'none'",
        "x-content-type-options": "nosniff",
        "cache-control": "public, max-age=86400",
    }
    return Response(data, media_type=avatars.kind_of(data) or "application/octet-stream", headers=headers)
