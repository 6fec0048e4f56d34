"""Projects over the API (https://docs.gitlab.com/api/projects/)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from mlreef.forge import state as states
from mlreef.forge import wire
from mlreef.forge.access import avatars, people
from mlreef.forge.access.deps import Caller
from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import service as groups
from mlreef.forge.groups import store as groups_store
from mlreef.forge.params import ParamList, Params
from mlreef.forge.projects import creation, listing_store, management, removal, schemas, service
from mlreef.forge.projects import wire as project_wire
from mlreef.forge.repos import moving, objects, refs
from mlreef.forge.state import State
from mlreef.kit.errors import invalid, not_found

router = APIRouter(prefix="/api/v4", tags=["Projects"])

PUBLIC = {"policy": "public", "checked": True}
USER = {"policy": "user"}
READ = {"policy": "guest", "job": True, "scopes": ["read_repository"]}
MANAGE = {"policy": "maintainer"}
OWN = {"policy": "owner"}
_BRANCH_LIMIT = 255


@router.get("/projects", openapi_extra=PUBLIC)
async def list_projects(request: Request, who: Caller, params: Params) -> JSONResponse:
    """Projects that the caller may see."""
    return await project_wire.page(request, who, params, [])


@router.get("/users/{user_id}/projects", openapi_extra=PUBLIC)
async def list_user_projects(request: Request, who: Caller, user_id: str, params: Params) -> JSONResponse:
    """Projects in a user's own namespace."""
    return await project_wire.page(request, who, params, await _of_user(request, user_id, starred=False))


@router.get("/users/{user_id}/starred_projects", openapi_extra=PUBLIC)
async def list_starred(request: Request, who: Caller, user_id: str, params: Params) -> JSONResponse:
    """Projects that a user has starred."""
    return await project_wire.page(request, who, params, await _of_user(request, user_id, starred=True))


@router.post("/projects", openapi_extra=USER, status_code=201)
async def create_project(request: Request, who: Caller, params: Params) -> JSONResponse:
    """A project in the caller's namespace, or in that of `namespace_id`."""
    namespace = params.text("namespace_id")
    return await _create(request, who, params, namespace)


@router.post("/projects/user/{user_id}", openapi_extra={"policy": "admin"}, status_code=201)
async def create_project_for(request: Request, who: Caller, user_id: int, params: Params) -> JSONResponse:
    """A project in another user's namespace, made by an administrator."""
    async with states.of(request).db.read() as tx:
        await people.get(tx, user_id)
        own = await groups_store.find_of_user(tx, user_id)
    if own is None:
        raise not_found("404 Namespace")
    return await _create(request, who, params, str(own["id"]))


@router.get("/projects/{project}", openapi_extra=READ)
async def get_project(request: Request, who: Caller, project: str, params: Params) -> JSONResponse:
    """One project with the caller's permissions."""
    state = states.of(request)
    async with state.db.read() as tx:
        found = await service.get_project(tx, who, project)
        shown = await project_wire.entity(state, tx, who, found.row)
        if params.flag("statistics") and found.level >= 20:
            shown["statistics"] = {"commit_count": 0, "storage_size": 0, "repository_size": 0, "lfs_objects_size": 0}
    return JSONResponse(shown)


@router.put("/projects/{project}", openapi_extra=MANAGE)
async def change_project(request: Request, who: Caller, project: str, params: Params) -> JSONResponse:
    """Change a project."""
    state = states.of(request)
    values = await _values(state, params)
    async with state.db.read() as tx:
        found = await service.get_project(tx, who, project, "maintainer")
    if "default_branch" in values and values["default_branch"] != found.default_branch:
        await _set_default(state, found.id, values["default_branch"])
    async with state.db.write() as tx:
        found = await service.get_project(tx, who, project, "maintainer")
        await management.change(tx, who, found, values)
        changed = await service.get_project(tx, who, found.id)
        return JSONResponse(await project_wire.entity(state, tx, who, changed.row))


@router.delete("/projects/{project}", openapi_extra=OWN, status_code=202)
async def delete_project(request: Request, who: Caller, project: str) -> JSONResponse:
    """Delete a project with everything in it."""
    state = states.of(request)
    async with state.db.write() as tx:
        found = await service.get_project(tx, who, project, "owner")
        await removal.remove(state, tx, who, found.row)
    return JSONResponse({"message": "202 Accepted"}, status_code=202)


async def _create(request: Request, who: Principal, params: ParamList, namespace: str | None) -> JSONResponse:
    state = states.of(request)
    values = await _values(state, params)
    name, path = params.text("name", most=255), params.text("path", most=255)
    if not name and not path:
        raise wire.Refused(400, {"error": "name, path are missing, at least one parameter must be provided"})
    values |= {"name": name or path, "path": path or management.path_from(name or "")}
    branch = values.setdefault("default_branch", "main")
    refs.branch(branch)
    new = management.NewProject(**values)
    async with state.db.write() as tx:
        row = await management.find_namespace(tx, who, namespace)
        project_id = await management.create(tx, who, row, new)
    if params.flag("initialize_with_readme"):
        text = f"# {new.name}\n\n{new.description}\n" if new.description else f"# {new.name}\n"
        await creation.finish(
            state, who, project_id, lambda: creation.with_readme(state, who, project_id, branch, text)
        )
    else:
        await creation.finish(state, who, project_id, lambda: creation.empty(state, project_id, branch))
    async with state.db.read() as tx:
        made = await service.get_project(tx, who, project_id)
        return JSONResponse(await project_wire.entity(state, tx, who, made.row), status_code=201)


async def _values(state: State, params: ParamList) -> dict[str, Any]:
    """What requests may set, as columns; unknown parameters are left alone as GitLab does."""
    if params.text("import_url"):
        raise invalid("import_url is not supported: create the project and push with git")
    values: dict[str, Any] = {}
    for name in ("name", "path"):
        if name in params:
            values[name] = params.need(name, most=255)
    if params.given("description"):
        values["description"] = params.text("description", most=2000) or ""
    if "visibility" in params:
        values["visibility"] = params.choice("visibility", groups.VISIBILITIES)
    elif params.flag("public"):
        values["visibility"] = "public"
    if "default_branch" in params:
        values["default_branch"] = params.need("default_branch", most=_BRANCH_LIMIT)
    if params.given("ci_config_path"):
        values["ci_config_path"] = params.text("ci_config_path", most=2048) or None
    for name in ("topics", "tag_list"):
        if name in params:
            values["topics"] = _topics(params.words(name) or [])
    kept = {**schemas.KEPT, **schemas.ACCESS_LEVELS}
    settings = {name: params.raw(name) for name in kept if isinstance(params.raw(name), bool | str | int)}
    if settings:
        values["settings"] = settings
    picture = await avatars.keep(state.objects, await params.upload("avatar", most=avatars.LIMIT))
    return {**values, "avatar": picture} if picture else values


def _topics(names: list[str]) -> list[str]:
    if any(len(name) > 255 for name in names):
        raise invalid("topics is too long (maximum is 255 characters)")
    return names


async def _set_default(state: State, project_id: int, branch: str) -> None:
    import asyncio

    repo, full = state.repos.storage.path(project_id), refs.branch(branch)
    known = await asyncio.to_thread(objects.list_references, repo, refs.HEADS)
    if known and full not in {reference.name for reference in known}:
        raise wire.validation_failed(default_branch=f"Could not set the default branch: {branch} does not exist")
    await moving.set_default(repo, full)


async def _of_user(request: Request, wanted: str, *, starred: bool) -> listing_store.Where:
    async with states.of(request).db.read() as tx:
        user = await people.find(tx, wanted)
        if user is None:
            raise not_found("404 User")
        if starred:
            return [listing_store.starred_by(user["id"])]
        own = await groups_store.find_of_user(tx, user["id"])
    return listing_store.in_namespace_id(own["id"] if own is not None else 0)
