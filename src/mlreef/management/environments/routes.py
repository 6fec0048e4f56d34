"""HTTP of environments: everybody sees them, administrators change them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from mlreef.kit import paging
from mlreef.kit.errors import not_found
from mlreef.kit.paging import Paged
from mlreef.management import wire
from mlreef.management.access import guards
from mlreef.management.environments import schemas, service
from mlreef.management.processors import environments

router = APIRouter(prefix="/api/v1", tags=["environments"])

Number = Annotated[int, Query(ge=1, lt=10**9)]


@router.get("/environments", openapi_extra={"policy": "public"})
async def list_environments(state: guards.Resources, page: Number = 1, per_page: Number = 20) -> dict[str, Any]:
    """Base images that processors are built on."""
    async with state.db.read() as tx:
        found = await environments.list_all(tx)
    wanted = paging.parse(page, per_page)
    shown = [schemas.environment_json(one) for one in found[wanted.offset : wanted.offset + wanted.size]]
    return wire.paged(Paged(shown, wanted, len(found)))


@router.get("/environments/{environment}", openapi_extra={"policy": "public"})
async def get_environment(environment: str, state: guards.Resources) -> dict[str, Any]:
    """One environment."""
    async with state.db.read() as tx:
        found = await environments.find(tx, environment)
    if found is None:
        raise not_found("Environment")
    return schemas.environment_json(found)


@router.post("/environments", status_code=201, openapi_extra={"policy": "admin"})
async def register_environment(body: schemas.Register, caller: guards.User, state: guards.Resources) -> dict[str, Any]:
    """Make an image selectable, or give an environment another image; versions that exist keep theirs."""
    user = state.access.administer(caller)
    return schemas.environment_json(await service.register(state, caller, body, user.username))


@router.delete("/environments/{environment}", status_code=204, openapi_extra={"policy": "admin"})
async def remove_environment(environment: str, caller: guards.User, state: guards.Resources) -> Response:
    """Let an environment not be chosen any more; versions that exist keep their image."""
    state.access.administer(caller)
    async with state.db.write() as tx:
        if not await environments.remove(tx, environment):
            raise not_found("Environment")
    return Response(status_code=204)
