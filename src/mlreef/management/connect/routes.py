"""`POST /api/v1/projects/{pid}/connect`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter

from mlreef.kit.clock import iso
from mlreef.management.access import guards
from mlreef.management.access.policy import Action
from mlreef.management.access.service import ProjectAccess
from mlreef.management.connect import service, store

router = APIRouter(tags=["connect"])


@router.post("/api/v1/projects/{pid}/connect", openapi_extra={"policy": Action.CONNECT})
async def connect(
    state: guards.Resources, access: Annotated[ProjectAccess, guards.project(Action.CONNECT)]
) -> dict[str, Any]:
    """Let the service work in a project; doing it again repairs what was changed by hand."""
    await service.connect(state, access)
    return {"connected": True}


@router.get("/api/v1/projects/{pid}/connect", openapi_extra={"policy": Action.READ_CODE})
async def connection(
    state: guards.Resources, access: Annotated[ProjectAccess, guards.project(Action.READ_CODE)]
) -> dict[str, Any]:
    """Whether the service may work in a project."""
    async with state.db.read() as tx:
        found = await store.find(tx, access.project.id)
    if found is None:
        return {"connected": False}
    return {"connected": True, "connected_by": found["connected_by"], "connected_at": iso(found["connected_at"])}
