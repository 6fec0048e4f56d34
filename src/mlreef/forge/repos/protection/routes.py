"""Protected branches: https://docs.gitlab.com/api/protected_branches/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from mlreef.forge import audit
from mlreef.forge import state as states
from mlreef.forge.access.deps import Caller
from mlreef.forge.access.principal import Principal
from mlreef.forge.params import ParamList, Params
from mlreef.forge.repos import refs, wire
from mlreef.forge.repos.protection import rules, store
from mlreef.kit import paging
from mlreef.kit.errors import conflict, invalid, not_found

router = APIRouter(prefix="/api/v4/projects/{project}/protected_branches", tags=["Protected branches"])

_WRITE = {"policy": "maintainer"}


def _find(entered: wire.Entered, name: str) -> rules.Protection:
    for one in entered.rules.protections:
        if one.name == name:
            return one
    raise not_found("404 ProtectedBranch")


def _level(given: ParamList, name: str, present: int) -> int:
    found = given.number(name)
    if found is None:
        return present
    if found not in rules.LEVELS:
        raise invalid(f"{name} does not have a valid value")
    return found


def _values(given: ParamList, base: rules.Protection) -> dict[str, Any]:
    force = given.flag("allow_force_push")
    return {
        "push_level": _level(given, "push_access_level", base.push_level),
        "merge_level": _level(given, "merge_access_level", base.merge_level),
        "allow_force_push": base.allow_force_push if force is None else force,
        "active": True,
    }


@router.get("", openapi_extra=wire.READ)
async def list_protected(request: Request, who: Caller, project: str, given: Params) -> Response:
    """All protected branches and wildcards."""
    entered = await wire.enter(request, who, project, "reporter")
    search = given.text("search")
    found = [one.wire() for one in entered.rules.protections if not search or search in one.name]
    return wire.listed(request, found, paging.parse(given.number("page"), given.number("per_page")))


@router.get("/{name}", openapi_extra=wire.READ)
async def get_protected(request: Request, who: Caller, project: str, name: str) -> JSONResponse:
    """One protected branch or wildcard."""
    return JSONResponse(_find(await wire.enter(request, who, project, "reporter"), name).wire())


@router.post("", openapi_extra=_WRITE, status_code=201)
async def protect(request: Request, who: Caller, project: str, given: Params) -> JSONResponse:
    """Protect a branch or wildcard."""
    entered = await wire.enter(request, who, project, "maintainer")
    name = given.need("name", most=255)
    if any(one.name == name and one.id for one in entered.rules.protections):
        raise conflict(f"Protected branch '{name}' already exists")
    refs.branch(name.replace("*", "x"))
    await _save(request, who, entered, name, _values(given, rules.Protection(0, name)), "protect")
    return JSONResponse(_find(await wire.enter(request, who, project, "maintainer"), name).wire(), status_code=201)


@router.patch("/{name}", openapi_extra=_WRITE)
async def change_protected(request: Request, who: Caller, project: str, name: str, given: Params) -> JSONResponse:
    """Change levels or force pushes of a protected branch."""
    entered = await wire.enter(request, who, project, "maintainer")
    await _save(request, who, entered, name, _values(given, _find(entered, name)), "change_protection")
    return JSONResponse(_find(await wire.enter(request, who, project, "maintainer"), name).wire())


@router.delete("/{name}", openapi_extra=_WRITE, status_code=204)
async def unprotect(request: Request, who: Caller, project: str, name: str) -> Response:
    """Lift a protection, that of the default branch too."""
    entered = await wire.enter(request, who, project, "maintainer")
    _find(entered, name)
    levels = {"push_level": 40, "merge_level": 40, "allow_force_push": False, "active": False}
    await _save(request, who, entered, name, levels, "unprotect")
    return Response(status_code=204)


async def _save(
    request: Request, who: Principal, entered: wire.Entered, name: str, values: Mapping[str, Any], action: str
) -> None:
    async with states.of(request).db.write() as tx:
        await store.save(tx, entered.id, name, values)
        await audit.record(
            tx, who, f"branch.{action}", kind="project", id=entered.id, target=name, details=dict(values)
        )
