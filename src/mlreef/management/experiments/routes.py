"""Experiments: lists in any order, one, its curves and resources, several side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response

from mlreef.kit import paging
from mlreef.kit.errors import invalid, not_found
from mlreef.management import wire
from mlreef.management.access import guards
from mlreef.management.access.policy import Action
from mlreef.management.access.service import Caller, ProjectAccess
from mlreef.management.experiments import service, views
from mlreef.management.experiments.stores import experiments as store
from mlreef.management.runs.routes.finding import is_id
from mlreef.management.state import State

router = APIRouter(prefix="/api/v1", tags=["experiments"])

MAX_COMPARED = 50
_STEP_STATUSES = {
    "queued": ("waiting", "queued"),
    "running": ("running",),
    "success": ("success", "cached"),
    "failed": ("failed",),
    "canceled": ("canceled",),
    "skipped": ("skipped",),
}
_SORTS = {"number", "name", "created_at", "duration"}


@router.get("/projects/{pid}/experiments", openapi_extra={"policy": "read_code"})
async def list_experiments(
    state: guards.Resources,
    access: Annotated[ProjectAccess, guards.project(Action.READ_CODE)],
    *,
    sort: Annotated[str, Query(max_length=300)] = "-number",
    status: str | None = None,
    search: Annotated[str, Query(max_length=200)] = "",
    page: Annotated[int, Query(ge=1)] = 1,
    per_page: Annotated[int, Query(ge=1)] = 20,
) -> dict[str, Any]:
    """Experiments of a project; `sort=metric:accuracy` puts the greatest last value first, `-` turns an order round."""
    key, descending = _sort(sort)
    if status is not None and status not in _STEP_STATUSES:
        raise invalid(f"status must be one of {', '.join(_STEP_STATUSES)}")
    async with state.db.read() as tx:
        found = await store.list_page(
            tx,
            access.project.id,
            sort=key,
            descending=descending,
            statuses=_STEP_STATUSES[status] if status else (),
            search=search.replace("\x00", ""),
            page=paging.parse(page, per_page),
        )
        items = await views.present(tx, found.items)
    return {**wire.paged(found), "items": items}


def _sort(text: str) -> tuple[tuple[str, str], bool]:
    turned = text.startswith("-")
    kind, _colon, name = text.removeprefix("-").partition(":")
    if kind in {"metric", "parameter"} and name:
        # The best usually is the greatest, so that comes first unless it is turned round.
        return (kind, name), not turned
    if kind not in _SORTS:
        raise invalid(f"sort must be metric:<name>, parameter:<name> or one of {', '.join(sorted(_SORTS))}")
    return (kind, ""), turned


@router.get("/experiments/compare", openapi_extra={"policy": "read_code"})
async def compare(
    state: guards.Resources, caller: guards.Visitor, ids: Annotated[str, Query(max_length=5000)]
) -> dict[str, Any]:
    """Several experiments side by side, in the order named; they may be of different projects."""
    wanted = list(dict.fromkeys(one for one in ids.split(",") if is_id(one)))
    if not 1 <= len(wanted) <= MAX_COMPARED:
        raise invalid(f"ids must name 1 to {MAX_COMPARED} experiments, separated by commas")
    async with state.db.read() as tx:
        rows = await store.list_by_ids(tx, wanted)
    ordered = [await _allowed(state, caller, rows.get(one)) for one in wanted]
    async with state.db.read() as tx:
        return service.compare(await views.present(tx, ordered))


async def _allowed(state: State, caller: Caller, row: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if row is None or not await state.access.allows(caller, row["project_id"], Action.READ_CODE):
        raise not_found("Experiment")
    return row


async def _find(state: State, caller: Caller, experiment_id: str) -> Mapping[str, Any]:
    async with state.db.read() as tx:
        row = await store.find(tx, experiment_id) if is_id(experiment_id) else None
    return await _allowed(state, caller, row)


@router.get("/experiments/{experiment_id}", openapi_extra={"policy": "read_code"})
async def get_experiment(state: guards.Resources, caller: guards.Visitor, experiment_id: str) -> dict[str, Any]:
    """One experiment."""
    row = await _find(state, caller, experiment_id)
    async with state.db.read() as tx:
        return (await views.present(tx, [row]))[0]


@router.get("/experiments/{experiment_id}/metrics", openapi_extra={"policy": "read_code"})
async def get_metrics(
    state: guards.Resources,
    caller: guards.Visitor,
    experiment_id: str,
    *,
    keys: Annotated[str | None, Query(max_length=5000)] = None,
    points: Annotated[int, Query(ge=4, le=100_000)] = 1000,
) -> Response:
    """Curves as columns, thinned so that every extreme stays visible."""
    row = await _find(state, caller, experiment_id)
    wanted = keys.split(",") if keys else None
    return await _curves(state, row, "metric", keys=wanted, points=points)


@router.get("/experiments/{experiment_id}/resources", openapi_extra={"policy": "read_code"})
async def get_resources(
    state: guards.Resources,
    caller: guards.Visitor,
    experiment_id: str,
    *,
    points: Annotated[int, Query(ge=4, le=100_000)] = 1000,
) -> Response:
    """What the job used over time."""
    row = await _find(state, caller, experiment_id)
    return await _curves(state, row, "resource", keys=None, points=points)


async def _curves(
    state: State, row: Mapping[str, Any], family: str, *, keys: Sequence[str] | None, points: int
) -> Response:
    async with state.db.read() as tx:
        found = await views.curves(tx, row["source"], family, keys=keys, points=points)
    return Response(msgspec.json.encode({"keys": found}), media_type="application/json")
