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
    marketplace,
    publication_store,
    schemas,
    starting,
    store,
)

router = APIRouter(prefix="/api/v1", tags=["processors"])

Reader = Annotated[ProjectAccess, guards.project(Action.READ_CODE)]
Publisher = Annotated[ProjectAccess, guards.project(Action.PUBLISH)]
Number = Annotated[int, Query(ge=1, lt=10**9)]
Text = Annotated[str | None, Query(max_length=255)]


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


# -- processors


@router.get("/projects/{pid}/processors", openapi_extra={"policy": Action.READ_PROJECT})
async def list_project_processors(
    access: Annotated[ProjectAccess, guards.project(Action.READ_PROJECT)],
    state: guards.Resources,
    page: Number = 1,
    per_page: Number = 20,
) -> dict[str, Any]:
    """Processors that were published from a project."""
    return _page(await marketplace.of_project(state.db, access.project.id, paging.parse(page, per_page)))


@router.get("/processors", openapi_extra={"policy": "visible"})
async def search_processors(
    caller: guards.Visitor,
    state: guards.Resources,
    search: Text = None,
    kind: Text = None,
    environment: Text = None,
    owner: Text = None,
    sort: Text = None,
    page: Number = 1,
    per_page: Number = 20,
) -> dict[str, Any]:
    """The marketplace: processors of all projects that the caller may see."""
    query = marketplace.Query(search or None, kind or None, environment or None, owner or None, sort or "recent")
    return _page(await marketplace.search(state.db, state.access, caller, query, paging.parse(page, per_page)))


def _page(found: marketplace.Found) -> dict[str, Any]:
    shown = [schemas.processor_json(one, found.latest.get(one.latest_version_id or "")) for one in found.page.items]
    return wire.paged(Paged(shown, found.page.page, found.page.total))


@router.get("/processors/{processor:path}", openapi_extra={"policy": Action.READ_PROJECT})
async def get_processor(processor: str, caller: guards.Visitor, state: guards.Resources) -> dict[str, Any]:
    """A processor with all its versions, by id or slug (`group/project/name`)."""
    async with state.db.read() as tx:
        find = store.find_by_slug if "/" in processor else store.find_processor
        found = await find(tx, processor)
        versions = await store.list_versions(tx, found.id) if found is not None else []
    if found is None:
        raise not_found("Processor")
    await guards.hiding(state.access.project(caller, found.project_id, Action.READ_PROJECT), "Processor")
    latest = next((one for one in versions if one.id == found.latest_version_id), None)
    return schemas.processor_json(found, latest, versions)


@router.get("/processor-versions/{version_id}", openapi_extra={"policy": Action.READ_PROJECT})
async def get_version(version_id: str, caller: guards.Visitor, state: guards.Resources) -> dict[str, Any]:
    """One immutable version."""
    async with state.db.read() as tx:
        version = await store.find_version(tx, version_id)
        processor = await store.find_processor(tx, version.processor_id) if version is not None else None
    if version is None or processor is None:
        raise not_found("Processor version")
    await guards.hiding(state.access.project(caller, processor.project_id, Action.READ_PROJECT), "Processor version")
    return schemas.version_json(version, slug=processor.slug)
