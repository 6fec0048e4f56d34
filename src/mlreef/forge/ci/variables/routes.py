"""Routes of CI variables of projects, groups and the instance: the same verbs, three owners."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import wire
from mlreef.forge.ci.variables import service, store
from mlreef.kit.db import Tx

router = APIRouter(prefix="/api/v4", tags=["CI variables"])

MANAGE = {"policy": "maintainer"}
OWN = {"policy": "owner"}
ADMIN = {"policy": "admin"}


@router.get("/projects/{project}/variables", openapi_extra=MANAGE)
async def list_project_variables(request: Request, project: str) -> JSONResponse:
    """Variables of a project."""
    return await _list(request, "project", await _project(request, project))


@router.post("/projects/{project}/variables", openapi_extra=MANAGE, status_code=201)
async def create_project_variable(request: Request, project: str) -> JSONResponse:
    """Add one."""
    return await _create(request, "project", await _project(request, project))


@router.get("/projects/{project}/variables/{key}", openapi_extra=MANAGE)
async def get_project_variable(request: Request, project: str, key: str) -> JSONResponse:
    """One by key."""
    return await _get(request, "project", await _project(request, project), key)


@router.put("/projects/{project}/variables/{key}", openapi_extra=MANAGE)
async def change_project_variable(request: Request, project: str, key: str) -> JSONResponse:
    """Change one."""
    return await _change(request, "project", await _project(request, project), key)


@router.delete("/projects/{project}/variables/{key}", openapi_extra=MANAGE, status_code=204)
async def delete_project_variable(request: Request, project: str, key: str) -> Response:
    """Remove one."""
    return await _delete(request, "project", await _project(request, project), key)


@router.get("/groups/{group}/variables", openapi_extra=OWN)
async def list_group_variables(request: Request, group: str) -> JSONResponse:
    """Variables of a group, which its projects inherit."""
    return await _list(request, "group", await wire.gate(request).group(request, group, "owner"))


@router.post("/groups/{group}/variables", openapi_extra=OWN, status_code=201)
async def create_group_variable(request: Request, group: str) -> JSONResponse:
    """Add one."""
    return await _create(request, "group", await wire.gate(request).group(request, group, "owner"))


@router.get("/groups/{group}/variables/{key}", openapi_extra=OWN)
async def get_group_variable(request: Request, group: str, key: str) -> JSONResponse:
    """One by key."""
    return await _get(request, "group", await wire.gate(request).group(request, group, "owner"), key)


@router.put("/groups/{group}/variables/{key}", openapi_extra=OWN)
async def change_group_variable(request: Request, group: str, key: str) -> JSONResponse:
    """Change one."""
    return await _change(request, "group", await wire.gate(request).group(request, group, "owner"), key)


@router.delete("/groups/{group}/variables/{key}", openapi_extra=OWN, status_code=204)
async def delete_group_variable(request: Request, group: str, key: str) -> Response:
    """Remove one."""
    return await _delete(request, "group", await wire.gate(request).group(request, group, "owner"), key)


@router.get("/admin/ci/variables", openapi_extra=ADMIN)
async def list_instance_variables(request: Request) -> JSONResponse:
    """Variables of every job."""
    return await _list(request, "instance", await _instance(request))


@router.post("/admin/ci/variables", openapi_extra=ADMIN, status_code=201)
async def create_instance_variable(request: Request) -> JSONResponse:
    """Add one."""
    return await _create(request, "instance", await _instance(request))


@router.get("/admin/ci/variables/{key}", openapi_extra=ADMIN)
async def get_instance_variable(request: Request, key: str) -> JSONResponse:
    """One by key."""
    return await _get(request, "instance", await _instance(request), key)


@router.put("/admin/ci/variables/{key}", openapi_extra=ADMIN)
async def change_instance_variable(request: Request, key: str) -> JSONResponse:
    """Change one."""
    return await _change(request, "instance", await _instance(request), key)


@router.delete("/admin/ci/variables/{key}", openapi_extra=ADMIN, status_code=204)
async def delete_instance_variable(request: Request, key: str) -> Response:
    """Remove one."""
    return await _delete(request, "instance", await _instance(request), key)


async def _project(request: Request, project: str) -> int:
    return (await wire.gate(request).project(request, project, "maintainer")).project_id


async def _instance(request: Request) -> int:
    await wire.gate(request).admin(request)
    return 0


async def _list(request: Request, scope: str, owner_id: int) -> JSONResponse:
    _ci, db = wire.state(request)
    page = wire.page(request)
    async with db.read() as tx:
        rows, total = await store.list_page(tx, scope, owner_id, page)
    return wire.listed(request, [service.payload(row) for row in rows], total, page)


async def _create(request: Request, scope: str, owner_id: int) -> JSONResponse:
    _ci, db = wire.state(request)
    given = await wire.params(request)
    try:
        async with db.write() as tx:
            row = await service.create(tx, scope, owner_id, given)
            await _record(request, tx, "create", row)
    except service.Taken as exc:
        return JSONResponse({"message": {"key": [exc.message]}}, status_code=400)
    return JSONResponse(service.payload(row), status_code=201)


async def _get(request: Request, scope: str, owner_id: int, key: str) -> JSONResponse:
    _ci, db = wire.state(request)
    async with db.read() as tx:
        return JSONResponse(service.payload(await service.get(tx, scope, owner_id, key, _environment(request))))


async def _change(request: Request, scope: str, owner_id: int, key: str) -> JSONResponse:
    _ci, db = wire.state(request)
    given = await wire.params(request)
    async with db.write() as tx:
        row = await service.get(tx, scope, owner_id, key, _environment(request))
        await _record(request, tx, "change", row)
        return JSONResponse(service.payload(await service.change(tx, row, given)))


async def _delete(request: Request, scope: str, owner_id: int, key: str) -> Response:
    _ci, db = wire.state(request)
    async with db.write() as tx:
        row = await service.get(tx, scope, owner_id, key, _environment(request))
        await store.remove(tx, row["id"])
        await _record(request, tx, "delete", row)
    return Response(status_code=204)


async def _record(request: Request, tx: Tx, action: str, row: RowMapping) -> None:
    name = f"{row['key']} of {row['scope']} {row['owner_id']}"
    await wire.gate(request).record(request, tx, f"variable.{action}", target=("variable", row["id"], name))


def _environment(request: Request) -> str | None:
    return request.query_params.get("filter[environment_scope]")
