"""Starting, listing, reading, canceling and repeating runs.

How a run is started, `launching` tells.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from mlreef.kit import paging
from mlreef.kit.errors import Kind, PlatformError, conflict, invalid
from mlreef.management import wire
from mlreef.management.access import guards
from mlreef.management.access.policy import Action
from mlreef.management.access.service import ProjectAccess
from mlreef.management.definitions import routes as definition_routes
from mlreef.management.definitions.model import Kind as PipelineKind
from mlreef.management.runs import assembly, launching, progress, schemas, store
from mlreef.management.runs.routes.finding import run_for
from mlreef.management.runs.transitions import RunStatus

router = APIRouter(tags=["runs"])


class Start(BaseModel):
    """What is to be run: a definition (object, or YAML text) or a saved data pipeline."""

    model_config = ConfigDict(extra="forbid")

    definition: Any = None
    pipeline_id: str | None = None
    use_cache: bool = True


@router.post("/projects/{pid}/runs", status_code=201, openapi_extra={"policy": "run"})
async def start(
    state: guards.Resources, access: Annotated[ProjectAccess, guards.project(Action.RUN)], body: Start
) -> dict[str, Any]:
    """Start a run; what an earlier run did already is not done again."""
    if (body.definition is None) == (body.pipeline_id is None):
        raise invalid("name either definition or pipeline_id")
    document = body.definition
    if body.pipeline_id is not None:
        saved = await definition_routes.find(state, access.caller, body.pipeline_id)
        document = saved["definition"]
    return schemas.run_json(await launching.launch(state, access, document, use_cache=body.use_cache, rerun_of=None))


@router.get("/projects/{pid}/runs", openapi_extra={"policy": "read_code"})
async def list_runs(
    state: guards.Resources,
    access: Annotated[ProjectAccess, guards.project(Action.READ_CODE)],
    *,
    kind: PipelineKind | None = None,
    status: RunStatus | None = None,
    page: Annotated[int, Query(ge=1)] = 1,
    per_page: Annotated[int, Query(ge=1)] = 20,
) -> dict[str, Any]:
    """Runs of a project, newest first."""
    wanted = paging.parse(page, per_page)
    async with state.db.read() as tx:
        found = await store.list_runs(
            tx,
            access.project.id,
            kind=kind.value if kind else None,
            status=status.value if status else None,
            page=wanted,
        )
        views = await store.views(tx, found.items)
    return {**wire.paged(found), "items": [schemas.run_json(view) for view in views]}


@router.get("/runs/{run_id}", openapi_extra={"policy": "read_code"})
async def get_run(state: guards.Resources, caller: guards.Visitor, run_id: str) -> dict[str, Any]:
    """One run with its steps."""
    view, _access = await run_for(state, caller, run_id, Action.READ_CODE)
    return schemas.run_json(view)


@router.post("/runs/{run_id}/cancel", openapi_extra={"policy": "run"})
async def cancel(state: guards.Resources, caller: guards.Visitor, run_id: str) -> dict[str, Any]:
    """Stop a run; its running jobs are told, and its end is recorded when they have ended."""
    view, access = await run_for(state, caller, run_id, Action.RUN)
    if view.run.status is RunStatus.FINISHING:
        raise conflict("all steps have ended and the dataset is being committed: there is nothing left to cancel")
    async with state.db.write() as tx:
        fresh = await store.get_view(tx, run_id, lock=True)
        open_before = await progress.canceled(tx, fresh, now=state.clock.now(), by=access.user.username)
        tx.after_commit(lambda: state.notices.publish(run_id))
    if not open_before:
        raise conflict(f"the run has ended as {fresh.run.status.value}")
    if fresh.run.ci_pipeline_id is not None:
        try:
            await access.forge.cancel_pipeline(fresh.run.project_id, fresh.run.ci_pipeline_id)
        except PlatformError as exc:
            if exc.kind not in {Kind.UNAVAILABLE, Kind.CONFLICT, Kind.NOT_FOUND}:
                raise
        assembly.work(state).reconciler.wake()
    return schemas.run_json(await launching.read(state, run_id))


class Rerun(BaseModel):
    """How to repeat a run."""

    model_config = ConfigDict(extra="forbid")

    use_cache: bool = True
    versions: Literal["same", "latest"] = "same"


@router.post("/runs/{run_id}/rerun", status_code=201, openapi_extra={"policy": "run"})
async def rerun(
    state: guards.Resources, caller: guards.Visitor, run_id: str, body: Rerun | None = None
) -> dict[str, Any]:
    """Run the same again: the same commits and processor versions, unless the latest versions are asked for."""
    view, access = await run_for(state, caller, run_id, Action.RUN)
    options = body or Rerun()
    document = view.run.definition if options.versions == "latest" else schemas.pinned(view)
    # What a run used stays usable for it, even when nobody else may choose it any more.
    kept = frozenset(step.version_id for step in view.steps)
    started = await launching.launch(state, access, document, use_cache=options.use_cache, rerun_of=run_id, kept=kept)
    return schemas.run_json(started)
