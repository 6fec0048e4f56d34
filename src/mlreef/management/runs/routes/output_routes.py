"""Logs and output files of steps, read through the caller's own rights.

Output files are users' content: they are sent as attachments under a sandbox policy; only types that cannot carry
script are shown inline, and only when asked.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse, StreamingResponse

from mlreef.kit import paging
from mlreef.kit.errors import not_found
from mlreef.management import wire
from mlreef.management.access import guards
from mlreef.management.access.policy import Action
from mlreef.management.access.service import Caller, ProjectAccess
from mlreef.management.runs import files, forge_side, manifests, store
from mlreef.management.runs.routes.finding import run_for, step_of
from mlreef.management.state import State

router = APIRouter(prefix="/runs/{run_id}/steps/{name}", tags=["runs"])

INLINE = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "txt": "text/plain; charset=utf-8",
    "log": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "json": "application/json",
}
HEADERS = {
    "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


@router.get("/log", openapi_extra={"policy": "read_code"}, response_class=PlainTextResponse)
async def get_log(
    state: guards.Resources,
    caller: guards.Visitor,
    run_id: str,
    name: str,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> PlainTextResponse:
    """The log of a step's job from a byte on; `X-Log-Offset` says where to go on."""
    view, access = await run_for(state, caller, run_id, Action.READ_CODE)
    step = step_of(view, name)
    content = b""
    if step.ci_job_id is not None:
        content = await forge_side.ForgeTraces(access.forge).read(view.run.project_id, step.ci_job_id, offset)
    headers = {"x-log-offset": str(offset + len(content)), "x-content-type-options": "nosniff"}
    return PlainTextResponse(content, headers={**headers, "cache-control": "no-store"})


@router.get("/outputs/{output}", openapi_extra={"policy": "read_code"})
async def list_entries(
    state: guards.Resources,
    caller: guards.Visitor,
    run_id: str,
    *,
    name: str,
    output: str,
    page: Annotated[int, Query(ge=1)] = 1,
    per_page: Annotated[int, Query(ge=1)] = 20,
) -> dict[str, Any]:
    """The files of an output, by path."""
    entries, _access = await _entries(state, caller, run_id, name, output)
    wanted = paging.parse(page, per_page)
    shown = [
        {"path": one.path, "size": one.size, "oid": one.oid, "mode": one.mode}
        for one in entries[wanted.offset : wanted.offset + wanted.size]
    ]
    return wire.paged(paging.Paged(shown, wanted, len(entries)))


async def _entries(
    state: State, caller: Caller, run_id: str, name: str, output: str
) -> tuple[list[manifests.Entry], ProjectAccess]:
    view, access = await run_for(state, caller, run_id, Action.READ_CODE)
    step = step_of(view, name)
    found = next((one for one in view.outputs.get(step.id, []) if one.name == output), None)
    if found is None:
        raise not_found("Output")
    async with state.db.read() as tx:
        content = await store.find_manifest(tx, view.run.project_id, found.digest)
    if content is None:
        raise not_found("Output")
    return manifests.entries_of(content), access


@router.get(
    "/outputs/{output}/files/{path:path}", openapi_extra={"policy": "read_code"}, response_class=StreamingResponse
)
async def get_file(
    state: guards.Resources,
    caller: guards.Visitor,
    run_id: str,
    *,
    name: str,
    output: str,
    path: str,
    inline: bool = False,
) -> StreamingResponse:
    """One file's bytes."""
    entries, access = await _entries(state, caller, run_id, name, output)
    entry = next((one for one in entries if one.path == path), None)
    if entry is None:
        raise not_found("File")
    # Rights are decided; the bytes come through the service's own account, which every kind of login can use.
    stored = files.Stored(access.project.path, entry.oid, entry.size)
    content = await files.opened(state.http, state.settings, stored)
    return StreamingResponse(content, headers=headers_of(entry, inline=inline), media_type=_type(path, inline=inline))


def _type(path: str, *, inline: bool) -> str:
    kind = INLINE.get(path.rpartition(".")[2].lower()) if inline else None
    return kind or "application/octet-stream"


def headers_of(entry: manifests.Entry, *, inline: bool) -> dict[str, str]:
    """Headers under which a user's file can do no harm."""
    shown = inline and entry.path.rpartition(".")[2].lower() in INLINE
    name = quote(entry.path.rpartition("/")[2], safe="")
    disposition = f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{name}"
    return {
        **HEADERS,
        "content-disposition": disposition,
        "content-length": str(entry.size),
        "etag": f'"{entry.oid}"',
        "cache-control": "private, max-age=300",
    }
