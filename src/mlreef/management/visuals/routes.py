"""A project's visualizations with their pictures, and its datasets with where they come from."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from mlreef.kit import clock, paging
from mlreef.management import wire
from mlreef.management.access import guards
from mlreef.management.access.policy import Action
from mlreef.management.access.service import ProjectAccess
from mlreef.management.runs import schemas, store
from mlreef.management.runs.records import RunView
from mlreef.management.visuals import gallery

router = APIRouter(prefix="/api/v1", tags=["visualizations", "datasets"])

Reader = Annotated[ProjectAccess, guards.project(Action.READ_CODE)]


@router.get("/projects/{pid}/visualizations", openapi_extra={"policy": "read_code"})
async def list_visualizations(
    state: guards.Resources,
    access: Reader,
    page: Annotated[int, Query(ge=1)] = 1,
    per_page: Annotated[int, Query(ge=1)] = 20,
) -> dict[str, Any]:
    """Visualization runs, newest first, with what they show."""
    async with state.db.read() as tx:
        found = await store.list_runs(tx, access.project.id, kind="visualization", page=paging.parse(page, per_page))
        views = await store.views(tx, found.items)
        shown = [{**_summary(view), "files": await gallery.files_of(tx, view)} for view in views]
    return {**wire.paged(found), "items": shown}


@router.get("/projects/{pid}/datasets", openapi_extra={"policy": "read_code"})
async def list_datasets(
    state: guards.Resources,
    access: Reader,
    page: Annotated[int, Query(ge=1)] = 1,
    per_page: Annotated[int, Query(ge=1)] = 20,
) -> dict[str, Any]:
    """Datasets that data operations made, newest first, each with its commit and what went in."""
    async with state.db.read() as tx:
        found = await store.list_runs(
            tx, access.project.id, kind="dataops", status="success", page=paging.parse(page, per_page)
        )
        views = await store.views(tx, found.items)
    items = [{**_summary(view), "dataset": schemas.dataset_json(view.run)} for view in views]
    return {**wire.paged(found), "items": items}


def _summary(view: RunView) -> dict[str, Any]:
    run = view.run
    sources = [one["source"] for step in view.steps for one in step.inputs if one["source"]["type"] == "git"]
    return {
        "run_id": run.id,
        "number": run.number,
        "name": run.name,
        "status": run.status.value,
        "reason": run.reason,
        "project_id": run.project_id,
        "created_at": clock.iso(run.created_at),
        "finished_at": clock.iso(run.finished_at),
        "created_by": {"id": run.user_id, "username": run.username},
        "steps": [{"name": one.name, "processor": f"{one.slug}@{one.version}"} for one in view.steps],
        "inputs": [{key: one.get(key) for key in ("branch", "commit", "path")} for one in sources],
    }
