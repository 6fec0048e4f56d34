"""The usage of a project, for those who maintain it."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from fastapi import APIRouter, Query

from mlreef.kit import clock, paging
from mlreef.management import wire
from mlreef.management.access import guards
from mlreef.management.access.policy import Action
from mlreef.management.usage import service, store

_MEASURED = tuple(field.name for field in dataclasses.fields(service.Measured))

router = APIRouter(prefix="/api/v1", tags=["usage"])


@router.get("/usage", openapi_extra={"policy": "read_usage"})
async def list_usage(
    state: guards.Resources,
    caller: guards.Visitor,
    project_id: Annotated[int, Query(ge=1, lt=2**62)],
    *,
    page: Annotated[int, Query(ge=1)] = 1,
    per_page: Annotated[int, Query(ge=1)] = 20,
) -> dict[str, Any]:
    """What jobs of a project used, newest first."""
    access = await state.access.project(caller, project_id, Action.READ_USAGE)
    async with state.db.read() as tx:
        found = await store.list_page(tx, [access.project.id], paging.parse(page, per_page))
    items = [
        {
            "job_id": row["job_id"],
            "job_name": row["job_name"],
            "user": {"id": row["user_id"], "username": row["username"]},
            "project_id": row["project_id"],
            "project_path": row["project_path"],
            "machine_class": row["machine_class"],
            "outcome": row["outcome"],
            "seconds": row["seconds"],
            **{name: row[name] for name in _MEASURED},
            "started_at": clock.iso(row["started_at"]),
            "finished_at": clock.iso(row["finished_at"]),
            "run_id": row["run_id"],
        }
        for row in found.items
    ]
    return {**wire.paged(found), "items": items}
