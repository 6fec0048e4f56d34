"""Saved data pipelines, and checking a definition before anything is saved or run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi.responses import PlainTextResponse

from mlreef.kit import clock, ids, paging
from mlreef.kit.errors import not_found
from mlreef.management import wire
from mlreef.management.access import guards
from mlreef.management.access.policy import Action
from mlreef.management.access.service import Caller, ProjectAccess
from mlreef.management.definitions import service, store, yaml_form
from mlreef.management.definitions.lookups import ProcessorVersion
from mlreef.management.runs import starting
from mlreef.management.state import State

router = APIRouter(prefix="/api/v1", tags=["data pipelines"])

Runner = Annotated[ProjectAccess, guards.project(Action.RUN)]
Reader = Annotated[ProjectAccess, guards.project(Action.READ_CODE)]


@router.post("/projects/{pid}/pipelines/validate", openapi_extra={"policy": "read_code"})
async def validate(
    state: guards.Resources,
    access: Reader,
    definition: Annotated[Any, Body(embed=True)],
    use_cache: Annotated[bool, Body(embed=True)] = True,
) -> dict[str, Any]:
    """Everything that is wrong with a definition, or what a run of it would do."""
    parsed, faults = service.parse(definition)
    plan = None
    if parsed is not None:
        plan, faults = await service.resolve(parsed, access, db=state.db, rights=state.access, settings=state.settings)
    if plan is None:
        return {"valid": False, "errors": [wire.detail_json(one) for one in faults], "warnings": [], "plan": []}
    async with state.db.read() as tx:
        forecast = await starting.forecast(tx, plan, access.project.id, use_cache=use_cache, now=state.clock.now())
    versions = {one.name: one.version for one in plan.steps}
    asked = {one.name: one.version for one in parsed.steps} if parsed is not None else {}
    steps = [
        {**_priced(state, one), "processor": _chosen(versions[one["step"]], asked.get(one["step"], ""))}
        for one in forecast
    ]
    return {"valid": True, "errors": [], "warnings": [wire.detail_json(one) for one in plan.warnings()], "plan": steps}


def _chosen(version: ProcessorVersion, asked: str) -> dict[str, Any]:
    """Which version a step gets, and what it asked for."""
    named = {"slug": version.slug, "version": version.version, "version_id": version.id, "asked": asked}
    return {**named, "status": version.status}


def _priced(state: State, step: dict[str, Any]) -> dict[str, Any]:
    machine = state.settings.find_machine(step["machine"])
    if machine is None or not machine.price_per_hour:
        return step
    # Nobody knows how long a program takes: the forecast is the most it can cost, until its time limit.
    most = 0.0 if step["cached"] else machine.price_per_hour * step["timeout"] / 3600
    return {**step, "price_forecast": {"at_most": round(most, 4), "currency": machine.currency}}


@router.post("/projects/{pid}/pipelines", status_code=201, openapi_extra={"policy": "run"})
async def save(state: guards.Resources, access: Runner, definition: Annotated[Any, Body(embed=True)]) -> dict[str, Any]:
    """Save a definition; it must be well formed, but what it names may come later."""
    parsed = service.required(*service.parse(definition))
    row = {
        "id": ids.new_id("dpl"),
        "project_id": access.project.id,
        "name": parsed.name,
        "kind": parsed.kind.value,
        "definition": parsed.to_json(),
        "user_id": access.user.id,
        "username": access.user.username,
        "created_at": state.clock.now(),
    }
    async with state.db.write() as tx:
        await store.add(tx, row)
    return _pipeline(row)


@router.get("/projects/{pid}/pipelines", openapi_extra={"policy": "read_code"})
async def list_pipelines(
    state: guards.Resources,
    access: Reader,
    page: Annotated[int, Query(ge=1)] = 1,
    per_page: Annotated[int, Query(ge=1)] = 20,
) -> dict[str, Any]:
    """Saved data pipelines, newest first."""
    async with state.db.read() as tx:
        found = await store.list_page(tx, access.project.id, paging.parse(page, per_page))
    return {**wire.paged(found), "items": [_pipeline(row) for row in found.items]}


@router.get("/pipelines/{pipeline_id}.mlreef.yaml", openapi_extra={"policy": "read_code"})
async def get_yaml(state: guards.Resources, caller: guards.Visitor, pipeline_id: str) -> PlainTextResponse:
    """The definition as the file to keep in a repository."""
    row = await find(state, caller, pipeline_id)
    return PlainTextResponse(yaml_form.dump(row["definition"]), media_type="application/yaml")


@router.get("/pipelines/{pipeline_id}", openapi_extra={"policy": "read_code"})
async def get_pipeline(state: guards.Resources, caller: guards.Visitor, pipeline_id: str) -> dict[str, Any]:
    """One saved data pipeline."""
    return _pipeline(await find(state, caller, pipeline_id))


async def find(state: State, caller: Caller, pipeline_id: str) -> dict[str, Any]:
    """A saved data pipeline that the caller may see."""
    async with state.db.read() as tx:
        row = await store.find(tx, pipeline_id) if pipeline_id.isascii() and pipeline_id.isprintable() else None
    if row is None or not await state.access.allows(caller, row["project_id"], Action.READ_CODE):
        raise not_found("Data pipeline")
    return dict(row)


def _pipeline(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "project_id": row["project_id"],
        "name": row["name"],
        "kind": row["kind"],
        "definition": row["definition"],
        "created_by": {"id": row["user_id"], "username": row["username"]},
        "created_at": clock.iso(row["created_at"]),
    }
