"""Branches, tags, protected branches: https://docs.gitlab.com/api/branches/, /tags/ and /protected_branches/."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from mlreef.forge import state as states
from mlreef.forge import wire as forge_wire
from mlreef.forge.access.deps import Caller
from mlreef.forge.access.principal import Principal
from mlreef.forge.params import Params
from mlreef.forge.repos import history, moving, objects, refs, schemas, wire
from mlreef.forge.repos.branches import service
from mlreef.kit import paging
from mlreef.kit.errors import Kind, PlatformError, invalid, not_found

router = APIRouter(prefix="/api/v4/projects/{project}/repository", tags=["Branches and tags"])


@router.api_route("/branches", methods=["GET", "HEAD"], openapi_extra=wire.READ)
async def list_branches(request: Request, who: Caller, project: str, given: Params) -> Response:
    """Branches by name; `search` knows `^begin` and `end$`."""
    entered = await wire.enter(request, who, project, "reporter")
    found = await asyncio.to_thread(objects.list_references, entered.repo, refs.HEADS)
    found = [one for one in found if service.matches(refs.short(one.name), given.text("search"))]
    page = paging.parse(given.number("page"), given.number("per_page"))
    shown = found[page.offset : page.offset + page.size]
    return forge_wire.listed(request, await _branches(entered, shown), len(found), page)


async def _branches(entered: wire.Entered, shown: list[objects.Reference]) -> list[dict[str, Any]]:
    default = objects.head(entered.repo)
    tip = await asyncio.to_thread(objects.find_commit, entered.repo, default)
    merged = await history.reachable_merged(entered.repo, tip, refs.HEADS) if tip else set()
    commits = await asyncio.to_thread(objects.get_commits, entered.repo, [one.commit for one in shown])
    return [
        schemas.branch(
            refs.short(one.name),
            commit,
            entered.web_url,
            default=one.name == default,
            protected=entered.rules.is_protected(one.name),
            merged=one.name in merged and one.name != default,
            can_push=entered.rules.refuse_push(one.name, deletes=False) is None,
        )
        for one, commit in zip(shown, commits, strict=True)
    ]


async def _branch(entered: wire.Entered, name: str) -> objects.Reference:
    found = await asyncio.to_thread(objects.find_reference, entered.repo, refs.HEADS + name)
    if found is None:
        raise not_found("404 Branch")
    return found


@router.api_route("/branches/{branch}", methods=["GET", "HEAD"], openapi_extra=wire.READ)
async def get_branch(request: Request, who: Caller, project: str, branch: str) -> Response:
    """One branch; HEAD answers 204 or 404."""
    entered = await wire.enter(request, who, project, "reporter")
    found = await _branch(entered, branch)
    if request.method == "HEAD":
        return Response(status_code=204)
    return JSONResponse((await _branches(entered, [found]))[0])


@router.post("/branches", openapi_extra=wire.WRITE, status_code=201)
async def create_branch(request: Request, who: Caller, project: str, given: Params) -> JSONResponse:
    """A branch at a ref; an empty repository first gets a README on its default branch."""
    entered = await wire.enter(request, who, project, "developer")
    full, start = refs.branch(given.need("branch")), given.need("ref")
    entered.rules.require_push(full)
    if await asyncio.to_thread(objects.list_references, entered.repo, refs.HEADS) == []:
        made = await service.first_commit(entered.repo, entered.project.name, who, states.of(request).clock.now())
        await wire.moved(request, who, entered, made)
        if made.ref == full:
            return JSONResponse((await _branches(entered, [await _branch(entered, refs.short(full))]))[0], 201)
    commit = await asyncio.to_thread(objects.find_commit, entered.repo, start)
    if commit is None:
        raise invalid("Invalid reference name: " + start[:200])
    if await asyncio.to_thread(objects.find_reference, entered.repo, full) is not None:
        raise invalid("Branch already exists")
    move = moving.Move(full, refs.ZERO, commit)
    await moving.move(entered.repo, [move])
    await wire.moved(request, who, entered, move)
    return JSONResponse((await _branches(entered, [await _branch(entered, refs.short(full))]))[0], 201)


@router.delete("/branches/{branch}", openapi_extra=wire.WRITE, status_code=204)
async def delete_branch(request: Request, who: Caller, project: str, branch: str) -> Response:
    """Remove a branch; the default branch stays."""
    entered = await wire.enter(request, who, project, "developer")
    found = await _branch(entered, branch)
    if found.name == objects.head(entered.repo):
        raise PlatformError(Kind.INVALID, "Cannot remove HEAD branch")
    entered.rules.require_push(found.name, deletes=True)
    await _remove(request, entered, who, found)
    return Response(status_code=204)


async def _remove(request: Request, entered: wire.Entered, who: Principal, found: objects.Reference) -> None:
    move = moving.Move(found.name, found.target, refs.ZERO)
    await moving.move(entered.repo, [move])
    await wire.moved(request, who, entered, move)


@router.delete("/merged_branches", openapi_extra=wire.WRITE, status_code=202)
async def delete_merged_branches(request: Request, who: Caller, project: str) -> JSONResponse:
    """Remove every branch that the default branch contains, except protected ones."""
    entered = await wire.enter(request, who, project, "developer")
    default = objects.head(entered.repo)
    tip = await asyncio.to_thread(objects.find_commit, entered.repo, default)
    merged = await history.reachable_merged(entered.repo, tip, refs.HEADS) if tip else set()
    for name in sorted(merged - {default}):
        found = await asyncio.to_thread(objects.find_reference, entered.repo, name)
        if found is not None and not entered.rules.is_protected(name):
            await _remove(request, entered, who, found)
    return JSONResponse({"message": "202 Accepted"}, status_code=202)


@router.api_route("/tags", methods=["GET", "HEAD"], openapi_extra=wire.READ)
async def list_tags(request: Request, who: Caller, project: str, given: Params) -> Response:
    """Tags, newest commit first unless ordered by name."""
    entered = await wire.enter(request, who, project, "reporter")
    found = await asyncio.to_thread(objects.list_references, entered.repo, refs.TAGS)
    found = [one for one in found if service.matches(refs.short(one.name), given.text("search"))]
    commits = await asyncio.to_thread(objects.get_commits, entered.repo, [one.commit for one in found])
    pairs = list(zip(found, commits, strict=True))
    order = given.choice("order_by", ["updated", "name", "version"]) or "updated"
    pairs.sort(key=service.tag_order(order), reverse=given.choice("sort", ["asc", "desc"]) != "asc")
    page = paging.parse(given.number("page"), given.number("per_page"))
    return wire.listed(request, [schemas.tag(one, commit, entered.web_url) for one, commit in pairs], page)


async def _tag(entered: wire.Entered, name: str) -> objects.Reference:
    found = await asyncio.to_thread(objects.find_reference, entered.repo, refs.TAGS + name)
    if found is None:
        raise not_found("404 Tag")
    return found


async def _shown_tag(entered: wire.Entered, name: str) -> dict[str, Any]:
    found = await _tag(entered, name)
    commit = await asyncio.to_thread(objects.get_commit, entered.repo, found.commit)
    return schemas.tag(found, commit, entered.web_url)


@router.get("/tags/{tag}", openapi_extra=wire.READ)
async def get_tag(request: Request, who: Caller, project: str, tag: str) -> JSONResponse:
    """One tag."""
    return JSONResponse(await _shown_tag(await wire.enter(request, who, project, "reporter"), tag))


@router.post("/tags", openapi_extra=wire.WRITE, status_code=201)
async def create_tag(request: Request, who: Caller, project: str, given: Params) -> JSONResponse:
    """A tag at a ref; annotated when it has a message."""
    entered = await wire.enter(request, who, project, "developer")
    name = given.need("tag_name")
    full, start = refs.tag(name), given.need("ref")
    if await asyncio.to_thread(objects.find_reference, entered.repo, full) is not None:
        raise invalid(f"Tag {name} already exists")
    commit = await asyncio.to_thread(objects.find_commit, entered.repo, start)
    if commit is None:
        raise invalid(f"Target {start[:200]} is invalid")
    message = given.text("message", most=1 << 20)
    target = await _annotated(request, entered, who, (name, commit, message)) if message else commit
    move = moving.Move(full, refs.ZERO, target)
    await moving.move(entered.repo, [move])
    await wire.moved(request, who, entered, move)
    return JSONResponse(await _shown_tag(entered, name), status_code=201)


async def _annotated(request: Request, entered: wire.Entered, who: Principal, tag: tuple[str, str, str]) -> str:
    name, commit, message = tag
    by = service.person(who).line(states.of(request).clock.now())
    return await service.annotate(entered.repo, name, commit, message=message, by=by)


@router.delete("/tags/{tag}", openapi_extra=wire.WRITE, status_code=204)
async def delete_tag(request: Request, who: Caller, project: str, tag: str) -> Response:
    """Remove a tag."""
    entered = await wire.enter(request, who, project, "developer")
    await _remove(request, entered, who, await _tag(entered, tag))
    return Response(status_code=204)
