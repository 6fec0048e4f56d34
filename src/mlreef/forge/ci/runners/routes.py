"""Routes by which people manage runners (https://docs.gitlab.com/api/runners/)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import wire
from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.jobs import schemas as job_schemas
from mlreef.forge.ci.jobs import store as jobs_store
from mlreef.forge.ci.runners import schemas, service, store
from mlreef.kit.db import Tx
from mlreef.kit.errors import forbidden, invalid

router = APIRouter(prefix="/api/v4", tags=["Runners"])

USER = {"policy": "user", "scopes": ["manage_runner"]}
CREATE = {"policy": "user", "scopes": ["create_runner"]}
ADMIN = {"policy": "admin"}
MANAGE = {"policy": "maintainer"}


@router.post("/user/runners", openapi_extra=CREATE, status_code=201)
async def create_runner(request: Request) -> JSONResponse:
    """Create a runner and answer its token, this once."""
    ci, db = wire.state(request)
    given = await wire.params(request)
    kind = wire.text(given, "runner_type", required=True) or ""
    owner_id, user_id = await _owner(request, kind, given)
    async with db.write() as tx:
        runner_id, token = await service.create(ci, tx, given, runner_type=kind, owner_id=owner_id, creator_id=user_id)
        await wire.gate(request).record(request, tx, "runner.create", target=("runner", runner_id, kind))
    return JSONResponse({"id": runner_id, "token": token, "token_expires_at": None}, status_code=201)


@router.get("/runners", openapi_extra=USER)
async def list_own_runners(request: Request) -> JSONResponse:
    """Runners the caller made."""
    user_id = await wire.gate(request).user(request)
    return await _list(request, creator_id=user_id)


@router.get("/runners/all", openapi_extra=ADMIN)
async def list_all_runners(request: Request) -> JSONResponse:
    """All runners, for administrators."""
    await wire.gate(request).admin(request)
    return await _list(request)


@router.get("/runners/{runner_id}", openapi_extra=USER)
async def get_runner(request: Request, runner_id: wire.Id) -> JSONResponse:
    """One runner."""
    ci, db = wire.state(request)
    await _allowed(request, runner_id)
    async with db.read() as tx:
        return JSONResponse(await _full(ci, tx, await service.get(tx, runner_id)))


@router.put("/runners/{runner_id}", openapi_extra=USER)
async def change_runner(request: Request, runner_id: wire.Id) -> JSONResponse:
    """Change a runner."""
    ci, db = wire.state(request)
    await _allowed(request, runner_id)
    given = await wire.params(request)
    async with db.write() as tx:
        await service.change(ci, tx, await service.get(tx, runner_id), given)
        await wire.gate(request).record(request, tx, "runner.change", target=("runner", runner_id, ""))
        return JSONResponse(await _full(ci, tx, await service.get(tx, runner_id)))


@router.delete("/runners/{runner_id}", openapi_extra=USER, status_code=204)
async def delete_runner(request: Request, runner_id: wire.Id) -> Response:
    """Delete a runner; its token is dead at once."""
    _ci, db = wire.state(request)
    await _allowed(request, runner_id)
    async with db.write() as tx:
        await store.remove(tx, runner_id)
        await wire.gate(request).record(request, tx, "runner.delete", target=("runner", runner_id, ""))
    return Response(status_code=204)


@router.get("/runners/{runner_id}/jobs", openapi_extra=USER)
async def list_runner_jobs(request: Request, runner_id: wire.Id) -> JSONResponse:
    """Jobs a runner took."""
    ci, db = wire.state(request)
    await _allowed(request, runner_id)
    page = wire.page(request)
    status = request.query_params.get("status")
    async with db.read() as tx:
        rows, total = await jobs_store.list_page(tx, 0, page, runner_id=runner_id, states=[status] if status else [])
        items = await job_schemas.rendered(ci, tx, rows)
    return wire.listed(request, items, total, page)


@router.get("/runners/{runner_id}/managers", openapi_extra=USER)
async def list_managers(request: Request, runner_id: wire.Id) -> JSONResponse:
    """The processes that speak for a runner."""
    ci, db = wire.state(request)
    await _allowed(request, runner_id)
    async with db.read() as tx:
        rows = await store.managers_of(tx, runner_id)
    now = ci.clock.now()
    return JSONResponse([schemas.manager(row, now) for row in rows])


@router.post("/runners/{runner_id}/reset_authentication_token", openapi_extra=USER, status_code=201)
async def reset_runner_token(request: Request, runner_id: wire.Id) -> JSONResponse:
    """A new token; the old one is dead at once."""
    _ci, db = wire.state(request)
    await _allowed(request, runner_id)
    async with db.write() as tx:
        token = await service.reset_token(tx, runner_id)
        await wire.gate(request).record(request, tx, "runner.reset_token", target=("runner", runner_id, ""))
    return JSONResponse({"token": token, "token_expires_at": None}, status_code=201)


@router.get("/projects/{project}/runners", openapi_extra=MANAGE)
async def list_project_runners(request: Request, project: str) -> JSONResponse:
    """Runners available to the project."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "maintainer")
    async with db.read() as tx:
        shown = await ci.directory.get_project(tx, grant.project_id)
    return await _list(request, project_id=grant.project_id, group_ids=shown.group_ids)


@router.post("/projects/{project}/runners", openapi_extra=MANAGE, status_code=201)
async def enable_runner(request: Request, project: str) -> JSONResponse:
    """Let a project runner work for another project of the caller."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "maintainer")
    given = await wire.params(request)
    runner_id = _number(given, "runner_id")
    await _allowed(request, runner_id)
    async with db.write() as tx:
        runner = await service.get(tx, runner_id)
        if runner["runner_type"] != "project_type" or runner["locked"]:
            raise forbidden("403 Forbidden - Runner is locked or not a project runner")
        await store.attach_project(tx, runner_id, grant.project_id)
        return JSONResponse(schemas.short(runner, ci.clock.now()), status_code=201)


@router.delete("/projects/{project}/runners/{runner_id}", openapi_extra=MANAGE, status_code=204)
async def disable_runner(request: Request, project: str, runner_id: wire.Id) -> Response:
    """End that."""
    _ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "maintainer")
    async with db.write() as tx:
        await service.get(tx, runner_id)
        if len(await store.project_ids(tx, runner_id)) < 2:
            raise forbidden(
                "403 Forbidden - Only one project associated with the runner. Please remove the runner instead"
            )
        await store.detach_project(tx, runner_id, grant.project_id)
    return Response(status_code=204)


async def _owner(request: Request, kind: str, given: dict[str, Any]) -> tuple[int | None, int]:
    gate = wire.gate(request)
    if kind == "instance_type":
        return None, await gate.admin(request)
    if kind == "group_type":
        owner = await gate.group(request, wire.text(given, "group_id", required=True) or "", "owner")
        return owner, await gate.user(request)
    if kind == "project_type":
        grant = await gate.project(request, wire.text(given, "project_id", required=True) or "", "maintainer")
        return grant.project_id, await gate.user(request)
    raise invalid("runner_type does not have a valid value")


async def _allowed(request: Request, runner_id: wire.Id) -> None:
    """Administrators, the maker, and maintainers of a project it works for."""
    _ci, db = wire.state(request)
    gate = wire.gate(request)
    user_id = await gate.user(request)
    async with db.read() as tx:
        runner = await service.get(tx, runner_id)
        projects = await store.project_ids(tx, runner_id)
    if runner["creator_id"] == user_id and runner["runner_type"] == "project_type" and not projects:
        return
    if await gate.is_admin(request):
        return
    for project_id in projects:
        await gate.project(request, str(project_id), "maintainer")
        return
    raise forbidden("403 Forbidden - No access granted")


async def _list(
    request: Request,
    *,
    project_id: int | None = None,
    group_ids: tuple[int, ...] = (),
    creator_id: int | None = None,
) -> JSONResponse:
    ci, db = wire.state(request)
    page = wire.page(request)
    query = request.query_params
    paused = query.get("paused")
    filters = {
        "type": query.get("type"),
        "paused": None if paused is None else service.boolean(paused, "paused"),
    }
    async with db.read() as tx:
        rows, total = await store.list_page(
            tx, page, filters=filters, project_id=project_id, group_ids=group_ids, creator_id=creator_id
        )
    now = ci.clock.now()
    return wire.listed(request, [schemas.short(row, now) for row in rows], total, page)


async def _full(ci: Ci, tx: Tx, runner: RowMapping) -> dict[str, Any]:
    managers = await store.managers_of(tx, runner["id"])
    projects = []
    for project_id in await store.project_ids(tx, runner["id"]):
        project = await ci.directory.get_project(tx, project_id)
        projects.append({"id": project.id, "name": project.name, "path_with_namespace": project.full_path})
    return schemas.full(runner, managers, ci.clock.now(), projects=projects)


def _number(given: dict[str, Any], name: str) -> int:
    value = wire.text(given, name, required=True) or ""
    if not value.isdecimal():
        raise invalid(f"{name} is invalid")
    return int(value)
