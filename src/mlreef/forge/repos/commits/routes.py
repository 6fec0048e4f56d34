"""History and committing: https://docs.gitlab.com/api/commits/ and the writing half of repository_files/."""

from __future__ import annotations

import asyncio
from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from mlreef.forge import state as states
from mlreef.forge.access.deps import Caller
from mlreef.forge.access.principal import Principal
from mlreef.forge.params import ParamList, Params
from mlreef.forge.repos import committing, context, diffs, edits, history, objects, paths, refs, schemas, wire
from mlreef.forge.repos.commits import requests
from mlreef.forge.repos.contents import service as contents
from mlreef.kit import paging
from mlreef.kit.errors import invalid, not_found

router = APIRouter(prefix="/api/v4/projects/{project}/repository", tags=["Commits"])


@router.api_route("/commits", methods=["GET", "HEAD"], openapi_extra=wire.READ)
async def list_commits(request: Request, who: Caller, project: str, given: Params) -> Response:
    """Commits of a branch, newest first."""
    entered = await wire.enter(request, who, project, "reporter")
    page = paging.parse(given.number("page"), given.number("per_page"))
    walk = history.Walk(
        path=paths.below(given.text("path") or ""),
        since=_instant(given, "since"),
        until=_instant(given, "until"),
        author=given.text("author"),
        first_parent=bool(given.flag("first_parent")),
        topological=given.choice("order", ["default", "topo"]) == "topo",
        every_ref=bool(given.flag("all")),
    )
    name = given.text("ref_name")
    if name is None and await asyncio.to_thread(objects.find_commit, entered.repo, "HEAD") is None:
        return wire.listed(request, [], page)
    tips = [] if walk.every_ref else await _tips(entered, name)
    shas = await history.list_commits(entered.repo, tips, walk, skip=page.offset, limit=page.size + 1)
    found = await asyncio.to_thread(objects.get_commits, entered.repo, shas[: page.size])
    with_stats = bool(given.flag("with_stats"))
    items = [schemas.commit(one, entered.web_url, await _stats(entered, one) if with_stats else None) for one in found]
    return wire.open_ended(request, items, page, more=len(shas) > page.size)


async def _tips(entered: wire.Entered, name: str | None) -> list[str]:
    """What to walk from: one ref, or `from..to`."""
    first, dots, last = (name or "").partition("..")
    if dots and first and last:
        start = await contents.get_commit(entered.repo, first)
        return [await contents.get_commit(entered.repo, last.lstrip(".")), f"^{start}"]
    return [await contents.get_commit(entered.repo, name)]


def _instant(given: ParamList, name: str) -> datetime | None:
    text = given.text(name, most=40)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"{name} is invalid: use ISO 8601") from None
    return found.astimezone()


async def _stats(entered: wire.Entered, one: objects.Commit) -> diffs.Stats:
    return await asyncio.to_thread(diffs.stats, entered.repo, next(iter(one.parents), None), one.id)


async def _get(entered: wire.Entered, name: str) -> objects.Commit:
    sha = await contents.get_commit(entered.repo, name)
    return await asyncio.to_thread(objects.get_commit, entered.repo, sha)


@router.post("/commits", openapi_extra=wire.WRITE, status_code=201)
async def create_commit(request: Request, who: Caller, project: str) -> JSONResponse:
    """Commit many changes at once."""
    given = await wire.large_params(request, context.MAX_COMMIT_BYTES)
    entered = await wire.enter(request, who, project, "developer")
    actions = await asyncio.to_thread(requests.actions, given)
    made = await _commit(request, entered, who, given, actions)
    one = await asyncio.to_thread(objects.get_commit, entered.repo, made)
    stats = await _stats(entered, one) if given.flag("stats") is not False else None
    return JSONResponse(schemas.commit_detail(one, entered.web_url, stats), status_code=201)


async def _commit(
    request: Request, entered: wire.Entered, who: Principal, given: ParamList, actions: list[edits.Action]
) -> str:
    change = requests.change(given, who, states.of(request).clock.now(), actions)
    full = refs.branch(change.branch)
    entered.rules.require_push(full)
    if change.force and not entered.rules.may_rewrite(full):
        raise invalid("You are not allowed to force push code to a protected branch on this project.")
    move = await committing.commit(entered.repo, change)
    await wire.moved(request, who, entered, move)
    return move.after


@router.get("/commits/{sha}", openapi_extra=wire.READ)
async def get_commit(request: Request, who: Caller, project: str, sha: str, given: Params) -> JSONResponse:
    """One commit by id, branch or tag."""
    entered = await wire.enter(request, who, project, "reporter")
    one = await _get(entered, sha)
    stats = None if given.flag("stats") is False else await _stats(entered, one)
    return JSONResponse(schemas.commit_detail(one, entered.web_url, stats))


@router.get("/commits/{sha}/diff", openapi_extra=wire.READ)
async def get_commit_diff(request: Request, who: Caller, project: str, sha: str, given: Params) -> Response:
    """What a commit changed."""
    entered = await wire.enter(request, who, project, "reporter")
    one = await _get(entered, sha)
    found = await asyncio.to_thread(diffs.between, entered.repo, next(iter(one.parents), None), one.id)
    page = paging.parse(given.number("page"), given.number("per_page"))
    return wire.listed(request, [schemas.diff(file) for file in found], page)


@router.get("/commits/{sha}/refs", openapi_extra=wire.READ)
async def list_commit_refs(request: Request, who: Caller, project: str, sha: str, given: Params) -> Response:
    """Branches and tags that hold a commit."""
    entered = await wire.enter(request, who, project, "reporter")
    one = await _get(entered, sha)
    kind = given.choice("type", ["branch", "tag", "all"]) or "all"
    items = []
    for word, prefix in (("branch", refs.HEADS), ("tag", refs.TAGS)):
        if kind in {word, "all"}:
            names = await history.references_with(entered.repo, one.id, prefix)
            items += [{"type": word, "name": refs.short(name)} for name in names]
    return wire.listed(request, items, paging.parse(given.number("page"), given.number("per_page")))


@router.get("/commits/{sha}/sequence", openapi_extra=wire.READ)
async def get_commit_sequence(request: Request, who: Caller, project: str, sha: str) -> JSONResponse:
    """How many commits lead to this one."""
    entered = await wire.enter(request, who, project, "reporter")
    one = await _get(entered, sha)
    return JSONResponse({"count": await history.count_commits(entered.repo, [one.id])})


@router.get("/commits/{sha}/signature", openapi_extra=wire.READ)
async def get_commit_signature(request: Request, who: Caller, project: str, sha: str) -> JSONResponse:
    """Signatures are not verified here, which GitLab says like this."""
    await _get(await wire.enter(request, who, project, "reporter"), sha)
    raise not_found("404 Signature")


@router.post("/files/{file_path}", openapi_extra=wire.WRITE, status_code=201)
async def create_file(request: Request, who: Caller, project: str, file_path: str) -> JSONResponse:
    """A new file."""
    return await _change_file(request, who, project, "create", file_path)


@router.put("/files/{file_path}", openapi_extra=wire.WRITE)
async def update_file(request: Request, who: Caller, project: str, file_path: str) -> JSONResponse:
    """New content for a file."""
    return await _change_file(request, who, project, "update", file_path)


@router.delete("/files/{file_path}", openapi_extra=wire.WRITE, status_code=204)
async def delete_file(request: Request, who: Caller, project: str, file_path: str) -> Response:
    """Remove a file."""
    await _change_file(request, who, project, "delete", file_path)
    return Response(status_code=204)


async def _change_file(request: Request, who: Principal, project: str, verb: str, path: str) -> JSONResponse:
    given = await wire.large_params(request, context.MAX_COMMIT_BYTES)
    entered = await wire.enter(request, who, project, "developer")
    action = await asyncio.to_thread(requests.file_action, verb, path, given)
    await _commit(request, entered, who, given, [action])
    status = 201 if verb == "create" else 200
    return JSONResponse({"file_path": path, "branch": given.text("branch")}, status_code=status)
