"""All routes of the registry, and the base endpoint. Repository names contain slashes: see `name:path`.

The OCI distribution specification 1.1 numbers its endpoints; the routes name theirs.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from mlreef.registry import admin_routes, blob_routes, guards, manifest_routes, store, upload_routes
from mlreef.registry.state import State, of
from mlreef.registry.wire import VERSION, next_page

router = APIRouter()
Here = Annotated[State, Depends(of)]

_MOST_LISTED = 1000


@router.api_route("/v2/", methods=["GET", "HEAD"], openapi_extra={"policy": "registry.login"})
async def base(request: Request, state: Here) -> Response:
    """end-1: whether the caller holds a valid token, which `podman login` asks."""
    await guards.anybody(state, request)
    return JSONResponse({}, headers=VERSION)


@router.get("/v2/_catalog", openapi_extra={"policy": "registry.admin"})
async def catalog(
    request: Request, state: Here, n: Annotated[int, Query(ge=0)] = _MOST_LISTED, last: str = ""
) -> Response:
    """Names of all repositories, for administrators."""
    await guards.administrator(state, request)
    limit = min(n, _MOST_LISTED)
    async with state.db.read() as tx:
        names = await store.list_repositories(tx, last, limit + 1)
    page = names[:limit]
    headers = {**VERSION, **(next_page("/v2/_catalog", n=limit, last=page[-1]) if len(names) > limit and page else {})}
    return JSONResponse({"repositories": page}, headers=headers)


for _part in (admin_routes.router, upload_routes.router, blob_routes.router, manifest_routes.router):
    router.include_router(_part)
