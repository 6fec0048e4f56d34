"""HTTP by which publish jobs find layers that exist already."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from mlreef.management.access import guards
from mlreef.management.layers import service

router = APIRouter(tags=["jobs"])


@router.get("/api/v1/jobs/current/layers/{key}", openapi_extra={"policy": "job"})
async def list_layers(
    key: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")], job: guards.Job, state: guards.Resources
) -> dict[str, Any]:
    """Layers with the packages of a lock, in images that the job's user may read."""
    return {"layers": await service.find(state, job, key)}
