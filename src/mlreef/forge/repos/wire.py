"""What the routes of git share: entering a project's repository, paging, large bodies, safe headers for users' bytes.

Nothing of a user's repository is ever shown as a page of this origin: it goes out as an attachment in a sandbox, and
only pictures that cannot carry scripts are shown in place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

from fastapi import Request
from fastapi.responses import JSONResponse

from mlreef.forge import audit, params
from mlreef.forge import state as states
from mlreef.forge import wire as forge_wire
from mlreef.forge.access.principal import Principal
from mlreef.forge.projects import service as projects
from mlreef.forge.projects import store as projects_store
from mlreef.forge.repos import context, moving, refs
from mlreef.forge.repos.context import open_repos
from mlreef.forge.repos.protection import rules
from mlreef.forge.repos.protection import store as protection
from mlreef.kit.errors import Kind, PlatformError, invalid
from mlreef.kit.paging import Page

READ: dict[str, Any] = {"policy": "reporter", "job": True, "scopes": ["read_repository"]}
WRITE: dict[str, Any] = {"policy": "developer"}

_ADMIN = 60
_PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".ico": "image/x-icon",
}


@dataclass(frozen=True, slots=True)
class Entered:
    """A project's repository that the caller was let into."""

    project: projects.Project
    repo: Path
    rules: rules.Rules
    web_url: str

    @property
    def id(self) -> int:
        """The project's number."""
        return self.project.id


def install(state: states.State) -> None:
    """Put git's collaborators in place; called once while the application is put together."""
    repos = open_repos(state.settings.repositories_dir)

    async def note_default(project_id: int, branch: str) -> None:
        async with state.db.write() as tx:
            await projects_store.change(tx, project_id, {"default_branch": branch})

    repos.hooks.default_listeners.append(note_default)
    state.parts["repos"] = repos


async def enter(request: Request, who: Principal, wanted: str, action: str) -> Entered:
    """The repository of a project for a caller that may do `action`; raises what the caller must be told."""
    state = states.of(request)
    async with state.db.read() as tx:
        project = await projects.get_project(tx, who, wanted, action)
        rows = await protection.list_rows(tx, project.id)
    level = _ADMIN if who.admin else project.level
    decided = rules.Rules(level, rules.protections(rows, project.default_branch))
    web_url = f"{state.settings.external_url}/{project.full_path}"
    return Entered(project, state.repos.storage.path(project.id), decided, web_url)


def user_of(who: Principal) -> int:
    """The number of a caller that the policy requires to be somebody."""
    if who.user_id is None:
        raise PlatformError(Kind.UNAUTHENTICATED, "401 Unauthorized")
    return who.user_id


def listed(request: Request, items: Sequence[Any], page: Page) -> JSONResponse:
    """One page of a list that is complete in memory."""
    return forge_wire.listed(request, items[page.offset : page.offset + page.size], len(items), page)


def open_ended(request: Request, items: Sequence[Any], page: Page, *, more: bool) -> JSONResponse:
    """One page of a list whose length nobody knows: counting would cost as much as walking it."""
    numbers = {"prev": page.number - 1} if page.number > 1 else {}
    numbers |= {"next": page.number + 1} if more else {}
    links = [
        forge_wire.link(request, name, {"page": str(number), "per_page": str(page.size)})
        for name, number in (numbers | {"first": 1}).items()
    ]
    headers = {
        "x-page": str(page.number),
        "x-per-page": str(page.size),
        "x-next-page": str(numbers.get("next", "")),
        "x-prev-page": str(numbers.get("prev", "")),
        "link": ", ".join(links),
    }
    return JSONResponse(list(items), headers=headers)


async def moved(request: Request, who: Principal, entered: Entered, move: moving.Move) -> None:
    """Note a reference that the API moved in the audit log, and tell the listeners."""
    state = states.of(request)
    await record_moves(state, who, entered, [move])
    await context.moved(state.repos, entered.id, user_of(who), move)


async def record_moves(state: states.State, who: Principal, entered: Entered, moves: Sequence[moving.Move]) -> None:
    """One entry of the audit log per reference that moved; git has moved it durably by now."""
    async with state.db.write() as tx:
        for move in moves:
            created, deleted = move.before == refs.ZERO, move.after == refs.ZERO
            action = "ref.create" if created else "ref.delete" if deleted else "ref.update"
            details = {"before": move.before, "after": move.after}
            await audit.record(tx, who, action, kind="project", id=entered.id, target=move.ref, details=details)


async def large_params(request: Request, limit: int) -> params.ParamList:
    """Parameters of a request whose body may be large: JSON or a form."""
    found = params.nested(list(request.query_params.multi_items()))
    kind = request.headers.get("content-type", "").split(";", maxsplit=1)[0].strip().lower()
    if kind == "multipart/form-data":
        form = await request.form(max_files=0, max_fields=10_000, max_part_size=limit)
        return params.ParamList({**found, **params.nested(list(form.multi_items()))})
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise PlatformError(Kind.TOO_LARGE, f"the body is larger than {limit} bytes; push with git or use LFS")
    if not data.strip():
        return params.ParamList(found)
    if kind == "application/x-www-form-urlencoded":
        pairs = parse_qsl(data.decode(errors="replace"), keep_blank_values=True, max_num_fields=10_000)
        return params.ParamList({**found, **params.nested(pairs)})
    try:
        decoded = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise invalid(f"the body is not valid JSON: {exc}") from exc
    if not isinstance(decoded, dict):
        raise invalid("the body must be a JSON object")
    return params.ParamList({**found, **decoded})


def raw_headers(name: str) -> tuple[str, dict[str, str]]:
    """The media type and headers under which bytes of a user may be sent."""
    media_type = _PICTURES.get(Path(name).suffix.lower())
    disposition = "inline" if media_type else "attachment"
    headers = {
        "content-disposition": f"{disposition}; filename*=UTF-8''{quote(name, safe='')}",
        "content-security-policy": "sandbox; default-src 'none'",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "private, no-cache",
    }
    return media_type or _plain(name), headers


def _plain(name: str) -> str:
    text = Path(name).suffix.lower() in {".txt", ".md", ".csv", ".json", ".py", ".yml", ".yaml", ".log", ".tsv"}
    return "text/plain; charset=utf-8" if text else "application/octet-stream"
