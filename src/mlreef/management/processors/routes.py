"""HTTP of processors and their publication."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from mlreef.kit import paging
from mlreef.kit.errors import not_found
from mlreef.kit.paging import Paged
from mlreef.management import wire
from mlreef.management.access import guards
from mlreef.management.access.policy import Action
from mlreef.management.access.service import ProjectAccess
from mlreef.management.processors import (
    inspection,
    marketplace_routes,
    publication_store,
    schemas,
    starting,
    version_routes,
)

router = APIRouter(prefix="/api/v1", tags=["processors"])

Reader = Annotated[ProjectAccess, guards.project(Action.READ_CODE)]
Publisher = Annotated[ProjectAccess, guards.project(Action.PUBLISH)]
Number = Annotated[int, Query(ge=1, lt=10**9)]


# -- machine classes


@router.get("/machine-classes", openapi_extra={"policy": "public"})
async def list_machine_classes(state: guards.Resources, page: Number = 1, per_page: Number = 20) -> dict[str, Any]:
    """Kinds of runner capacity and their prices."""
    return _listed([schemas.machine_json(one) for one in state.settings.machine_classes], page, per_page)


def _listed(items: list[dict[str, Any]], number: int, size: int) -> dict[str, Any]:
    page = paging.parse(number, size)
    return wire.paged(Paged(items[page.offset : page.offset + page.size], page, len(items)))


# -- publication


@router.get("/projects/{pid}/processors/entries", openapi_extra={"policy": Action.READ_CODE})
async def list_entries(access: Reader, ref: Annotated[str, Query(min_length=1, max_length=255)]) -> dict[str, Any]:
    """Python files that may be scripts to publish."""
    found = await inspection.list_entries(access.forge, access.project.id, ref)
    items = [{"path": path} for path in found["entries"]]
    shape = {"items": items, "total": len(items), "page": 1, "per_page": max(1, len(items))}
    return {**shape, "commit": found["commit"], "complete": found["complete"]}


@router.post("/projects/{pid}/processors/inspect", openapi_extra={"policy": Action.READ_CODE})
async def inspect(body: schemas.Inspect, access: Reader, state: guards.Resources) -> dict[str, Any]:
    """What publishing a script would find; faults are part of the answer, with line and column."""
    found = await inspection.inspect(
        state, access.forge, access.project.id, body.ref, body.entry, subcommand=body.subcommand
    )
    return found.to_json()


@router.post("/projects/{pid}/publications", status_code=202, openapi_extra={"policy": Action.PUBLISH})
async def publish(
    body: schemas.Publish, access: Publisher, state: guards.Resources, response: Response
) -> dict[str, Any]:
    """Start building an immutable version; refused with all faults at once."""
    started = await starting.publish(state, access, body.order())
    response.headers["location"] = f"/api/v1/publications/{started.id}"
    return schemas.publication_json(started)


@router.get("/projects/{pid}/publications", openapi_extra={"policy": Action.READ_CODE})
async def list_publications(
    access: Reader, state: guards.Resources, page: Number = 1, per_page: Number = 20
) -> dict[str, Any]:
    """Publications of a project, newest first."""
    wanted = paging.parse(page, per_page)
    async with state.db.read() as tx:
        found, total = await publication_store.list_of_project(
            tx, access.project.id, offset=wanted.offset, limit=wanted.size
        )
    return wire.paged(Paged([schemas.publication_json(one) for one in found], wanted, total))


@router.get("/publications/{publication_id}", openapi_extra={"policy": Action.READ_CODE})
async def get_publication(publication_id: str, caller: guards.Visitor, state: guards.Resources) -> dict[str, Any]:
    """How far a publication is."""
    async with state.db.read() as tx:
        found = await publication_store.find(tx, publication_id)
    if found is None:
        raise not_found("Publication")
    await guards.hiding(state.access.project(caller, found.project_id, Action.READ_CODE), "Publication")
    return schemas.publication_json(found)


# -- processors and versions

router.include_router(version_routes.router)
router.include_router(marketplace_routes.router)
