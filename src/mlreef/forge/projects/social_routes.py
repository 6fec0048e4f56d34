"""Stars, forks, archiving, moving, and who is in a project (https://docs.gitlab.com/api/projects/)."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from mlreef.forge import state as states
from mlreef.forge import wire
from mlreef.forge.access import schemas as access_schemas
from mlreef.forge.access.deps import Caller
from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import members
from mlreef.forge.groups import service as groups
from mlreef.forge.groups import store as groups_store
from mlreef.forge.params import Params
from mlreef.forge.projects import creation, listing_store, management, service, store
from mlreef.forge.projects import wire as project_wire
from mlreef.kit.clock import iso
from mlreef.kit.errors import conflict

router = APIRouter(prefix="/api/v4/projects/{project}", tags=["Projects"])

READ = {"policy": "guest"}
CODE = {"policy": "reporter"}
SEEN = {"policy": "guest", "login": True}
OWN = {"policy": "owner"}


@router.post("/star", openapi_extra=SEEN, status_code=201)
async def star(request: Request, who: Caller, project: str) -> Response:
    """Star a project; 304 when it was starred."""
    return await _star(request, who, project, starred=True)


@router.post("/unstar", openapi_extra=SEEN, status_code=201)
async def unstar(request: Request, who: Caller, project: str) -> Response:
    """Take the star away; 304 when there was none."""
    return await _star(request, who, project, starred=False)


@router.get("/starrers", openapi_extra=READ)
async def list_starrers(request: Request, who: Caller, project: str) -> JSONResponse:
    """Who starred a project."""
    state, page = states.of(request), wire.page(request)
    async with state.db.read() as tx:
        found = await service.get_project(tx, who, project)
        rows, total = await store.list_starrers(tx, found.id, page)
    items = [
        {"starred_since": iso(row["starred_since"]), "user": access_schemas.basic(state.settings, row)} for row in rows
    ]
    return wire.listed(request, items, total, page)


@router.post("/fork", openapi_extra={"policy": "reporter", "login": True}, status_code=201)
async def fork(request: Request, who: Caller, project: str, params: Params) -> JSONResponse:
    """A copy in another namespace that remembers where it comes from."""
    state = states.of(request)
    wanted = params.text("namespace_id") or params.text("namespace_path") or params.text("namespace")
    async with state.db.write() as tx:
        source = await service.get_project(tx, who, project, "reporter")
        namespace = await management.find_namespace(tx, who, wanted)
        path = params.text("path", most=255) or source.path
        outer = namespace["visibility"] if namespace["kind"] == "group" else "public"
        limits = [params.choice("visibility", groups.VISIBILITIES) or source.visibility, source.visibility, outer]
        new = management.NewProject(
            name=params.text("name", most=255) or source.name,
            path=path,
            visibility=min(limits, key=groups.VISIBILITIES.index),
            description=params.text("description", most=2000) or source.description,
            default_branch=source.default_branch,
            ci_config_path=source.ci_config_path,
            avatar=source.row["avatar"],
            forked_from_id=source.id,
        )
        project_id = await management.create(tx, who, namespace, new)
    await creation.finish(state, who, project_id, lambda: creation.forked(state, source.id, project_id))
    async with state.db.read() as tx:
        made = await service.get_project(tx, who, project_id)
        return JSONResponse(await project_wire.entity(state, tx, who, made.row), status_code=201)


@router.get("/forks", openapi_extra=READ)
async def list_forks(request: Request, who: Caller, project: str, params: Params) -> JSONResponse:
    """Forks that the caller may see."""
    async with states.of(request).db.read() as tx:
        found = await service.get_project(tx, who, project)
    return await project_wire.page(request, who, params, listing_store.forks_of(found.id))


@router.post("/archive", openapi_extra=OWN, status_code=201)
async def archive(request: Request, who: Caller, project: str) -> JSONResponse:
    """Make a project read-only."""
    return await _archive(request, who, project, archived=True)


@router.post("/unarchive", openapi_extra=OWN, status_code=201)
async def unarchive(request: Request, who: Caller, project: str) -> JSONResponse:
    """Make a project writable again."""
    return await _archive(request, who, project, archived=False)


@router.put("/transfer", openapi_extra=OWN)
async def transfer(request: Request, who: Caller, project: str, params: Params) -> JSONResponse:
    """Move a project to another namespace."""
    state = states.of(request)
    wanted = params.need("namespace")
    async with state.db.write() as tx:
        found = await service.get_project(tx, who, project, "owner")
        await management.transfer(tx, who, found, wanted)
        row = await store.find_by_id(tx, found.id)
        if row is None:
            raise conflict("409 Conflict")
        return JSONResponse(await project_wire.entity(state, tx, who, row))


@router.get("/users", openapi_extra=READ)
async def list_users(request: Request, who: Caller, project: str, params: Params) -> JSONResponse:
    """Users with access."""
    state, page = states.of(request), wire.page(request)
    async with state.db.read() as tx:
        found = await service.get_project(tx, who, project)
        place = members.Place("project", found.id, found.full_path, found.group_ids, found.level)
        rows = list(await members.list_all(tx, who, place, params.text("search"), inherited=True))
    shown = rows[page.offset : page.offset + page.size]
    items = [access_schemas.basic(state.settings, {**dict(row), "id": row["user_id"]}) for row in shown]
    return wire.listed(request, items, len(rows), page)


@router.get("/groups", openapi_extra=READ)
async def list_groups(request: Request, who: Caller, project: str) -> JSONResponse:
    """The groups that a project lies in."""
    state, page = states.of(request), wire.page(request)
    async with state.db.read() as tx:
        found = await service.get_project(tx, who, project)
        known = await groups_store.by_ids(tx, found.group_ids)
        rows = [known[one] for one in found.group_ids if one in known]
        names = await groups.full_names(tx, rows)
    items = [
        {
            "id": row["id"],
            "web_url": f"{state.settings.external_url}/groups/{row['full_path']}",
            "name": row["name"],
            "avatar_url": access_schemas.avatar_url(state.settings, "group", row["id"], row["avatar"]),
            "full_name": names[row["id"]],
            "full_path": row["full_path"],
        }
        for row in rows
    ]
    return wire.listed(request, items, len(items), page)


async def _star(request: Request, who: Principal, project: str, *, starred: bool) -> Response:
    state = states.of(request)
    async with state.db.write() as tx:
        found = await service.get_project(tx, who, project)
        changed = await management.star(tx, who, found, starred=starred)
        row = await store.find_by_id(tx, found.id)
        if not changed or row is None:
            return Response(status_code=304)
        return JSONResponse(await project_wire.entity(state, tx, who, row), status_code=201)


async def _archive(request: Request, who: Principal, project: str, *, archived: bool) -> JSONResponse:
    state = states.of(request)
    async with state.db.write() as tx:
        found = await service.get_project(tx, who, project, "owner")
        await management.archive(tx, who, found, archived=archived)
        changed = await service.get_project(tx, who, found.id)
        return JSONResponse(await project_wire.entity(state, tx, who, changed.row), status_code=201)
