"""Trees, blobs, archives, comparisons and files: https://docs.gitlab.com/api/repositories/ and repository_files/."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from mlreef.forge import state as states
from mlreef.forge import wire as forge_wire
from mlreef.forge.access.deps import Caller
from mlreef.forge.lfs import pointers
from mlreef.forge.lfs import store as lfs
from mlreef.forge.params import Params
from mlreef.forge.repos import archives, diffs, history, objects, paths, schemas, wire
from mlreef.forge.repos.contents import service
from mlreef.kit import http, paging
from mlreef.kit.errors import Kind, PlatformError, invalid, not_found

router = APIRouter(prefix="/api/v4/projects/{project}/repository", tags=["Repositories"])

_MAX_COMPARED = 1000


@router.api_route("/tree", methods=["GET", "HEAD"], openapi_extra=wire.READ)
async def list_tree(request: Request, who: Caller, project: str, given: Params) -> Response:
    """Files and folders at a ref, paged by offset or keyset."""
    entered = await wire.enter(request, who, project, "reporter")
    found = await service.get_commit(entered.repo, given.text("ref"), "Tree")
    prefix = paths.below(given.text("path") or "")
    entry = await asyncio.to_thread(objects.find_entry, entered.repo, found, prefix)
    if entry is None or entry.type != "tree":
        raise not_found("404 invalid revision or path") if prefix else not_found("404 Tree")
    listings = states.of(request).repos.listings
    recursive = bool(given.flag("recursive"))
    entries = await listings.list_tree(entered.repo, entry.id, prefix, recursive=recursive)
    page = paging.parse(given.number("page"), given.number("per_page"))
    if given.text("pagination") != "keyset":
        shown = entries[page.offset : page.offset + page.size]
        return forge_wire.listed(request, [schemas.entry(one) for one in shown], len(entries), page)
    shown, token = service.page_after(entries, given.text("page_token"), page.size)
    return forge_wire.keyset(request, [schemas.entry(one) for one in shown], {"page_token": token} if token else None)


@router.get("/blobs/{sha}", openapi_extra=wire.READ)
async def get_blob(request: Request, who: Caller, project: str, sha: str) -> JSONResponse:
    """A blob as JSON."""
    entered = await wire.enter(request, who, project, "reporter")
    size = await _blob_size(entered, sha)
    content = await _encoded(entered, sha, size)
    return JSONResponse({"size": size, "encoding": "base64", "content": content, "sha": sha})


@router.get("/blobs/{sha}/raw", openapi_extra=wire.READ)
async def get_raw_blob(request: Request, who: Caller, project: str, sha: str) -> Response:
    """A blob's bytes."""
    entered = await wire.enter(request, who, project, "reporter")
    _, headers = wire.raw_headers("blob")
    size = await _blob_size(entered, sha)
    headers["content-length"] = str(size)
    body = service.read(entered.repo, sha, size)
    return StreamingResponse(body, media_type="application/octet-stream", headers=headers)


async def _blob_size(entered: wire.Entered, sha: str) -> int:
    if len(sha) != 40 or not set(sha) <= set("0123456789abcdef"):
        raise not_found("404 Blob")
    return await asyncio.to_thread(objects.blob_size, entered.repo, sha)


async def _encoded(entered: wire.Entered, sha: str, size: int) -> str:
    if size > service.MAX_JSON_BYTES:
        raise PlatformError(Kind.TOO_LARGE, f"the file has {size} bytes; read it raw")
    data = b"".join([part async for part in service.read(entered.repo, sha, size)])
    return base64.b64encode(data).decode()


@router.get("/archive", openapi_extra=wire.READ)
async def get_archive(request: Request, who: Caller, project: str, given: Params) -> Response:
    """A commit as tar.gz."""
    return await _archive(request, who, project, given, given.text("format") or "tar.gz")


@router.get("/archive.{suffix}", openapi_extra=wire.READ)
async def get_archive_as(request: Request, who: Caller, project: str, suffix: str, given: Params) -> Response:
    """A commit as tar, tar.gz, tar.bz2 or zip."""
    return await _archive(request, who, project, given, suffix)


async def _archive(request: Request, who: Caller, project: str, given: Params, suffix: str) -> Response:
    if suffix not in archives.FORMATS:
        raise invalid(f"format does not have a valid value: {', '.join(archives.FORMATS)}")
    entered = await wire.enter(request, who, project, "reporter")
    ref = service.shown_ref(entered.repo, given.text("sha"))
    found = await service.get_commit(entered.repo, ref, "File")
    path = paths.below(given.text("path") or "")
    if await asyncio.to_thread(objects.find_entry, entered.repo, found, path) is None:
        raise not_found("404 File")
    parts = [entered.project.path, ref, found, *([path] if path else [])]
    prefix = "-".join(part.replace("/", "-") for part in parts)
    state = states.of(request)

    with_lfs = given.flag("include_lfs_blobs") is not False

    async def content(pointer: pointers.Pointer) -> AsyncIterator[bytes] | None:
        if not with_lfs:
            return None
        async with state.db.read() as tx:
            held = await lfs.sizes(tx, entered.id, [pointer.oid])
        return state.objects.open(pointer.oid) if held.get(pointer.oid) == pointer.size else None

    body = archives.stream(entered.repo, found, prefix=prefix, path=path, suffix=suffix, content=content)
    _, headers = wire.raw_headers(f"{prefix}.{suffix}")
    return StreamingResponse(body, media_type=archives.FORMATS[suffix], headers=headers)


@router.get("/compare", openapi_extra=wire.READ)
async def compare(request: Request, who: Caller, project: str, given: Params) -> JSONResponse:
    """What came from one ref to another; from their common ancestor unless `straight`."""
    entered = await wire.enter(request, who, project, "reporter")
    names = given.need("from"), given.need("to")
    first, last = [await service.get_commit(entered.repo, name, "Ref") for name in names]
    start: str | None = first
    if not given.flag("straight"):
        start = await asyncio.to_thread(objects.merge_base, entered.repo, [first, last])
    tips = [last, f"^{first}"]
    shas = await history.list_commits(entered.repo, tips, history.Walk(), skip=0, limit=_MAX_COMPARED)
    commits = await asyncio.to_thread(objects.get_commits, entered.repo, shas[::-1])
    found = await asyncio.to_thread(diffs.between, entered.repo, start, last)
    return JSONResponse(schemas.comparison(commits, found, entered.web_url, names))


@router.get("/merge_base", openapi_extra=wire.READ)
async def get_merge_base(request: Request, who: Caller, project: str, given: Params) -> JSONResponse:
    """The best common ancestor of refs."""
    entered = await wire.enter(request, who, project, "reporter")
    names = given.words("refs") or []
    if len(names) < 2:
        raise invalid("Provide at least 2 refs")
    commits = [await service.get_commit(entered.repo, name, "Ref") for name in names]
    found = await asyncio.to_thread(objects.merge_base, entered.repo, commits)
    if found is None:
        raise not_found("404 Merge Base")
    return JSONResponse(schemas.commit(await _commit(entered, found), entered.web_url))


async def _commit(entered: wire.Entered, sha: str) -> objects.Commit:
    return await asyncio.to_thread(objects.get_commit, entered.repo, sha)


@router.get("/contributors", openapi_extra=wire.READ)
async def list_contributors(
    request: Request, who: Caller, project: str, ref: Annotated[str | None, Query()] = None
) -> JSONResponse:
    """Who committed how often."""
    entered = await wire.enter(request, who, project, "reporter")
    tip = await service.get_commit(entered.repo, ref, "Repository")
    people = await history.contributors(entered.repo, tip)
    items = [{"name": n, "email": e, "commits": c, "additions": 0, "deletions": 0} for n, e, c in people]
    return wire.listed(request, items, paging.parse(request.query_params.get("page"), None))


@router.api_route("/files/{file_path}/raw", methods=["GET", "HEAD"], openapi_extra=wire.READ)
async def get_raw_file(request: Request, who: Caller, project: str, file_path: str, given: Params) -> Response:
    """A file's bytes; `lfs=true` gives what a pointer stands for."""
    entered = await wire.enter(request, who, project, "reporter")
    file = await service.get_file(entered.repo, given.text("ref"), file_path)
    media_type, headers = wire.raw_headers(file.name)
    headers |= {"x-gitlab-blob-id": file.blob_id, "x-gitlab-commit-id": file.commit}
    headers |= {"x-gitlab-file-name": _ascii(file.name), "x-gitlab-file-path": _ascii(file.path)}
    pointer = await service.find_pointer(entered.repo, file) if given.flag("lfs") else None
    if pointer is not None:
        state = states.of(request)
        async with state.db.read() as tx:
            held = await lfs.sizes(tx, entered.id, [pointer.oid])
        if pointer.oid not in held:
            raise not_found("404 LFS Object")
        return await http.object_response(request, state.objects, pointer.oid, media_type=media_type, headers=headers)
    headers |= {"x-gitlab-size": str(file.size), "content-length": str(file.size)}
    if request.method == "HEAD":
        return Response(headers=headers, media_type=media_type)
    body = service.read(entered.repo, file.blob_id, file.size)
    return StreamingResponse(body, media_type=media_type, headers=headers)


@router.get("/files/{file_path}", openapi_extra=wire.READ)
async def get_file(request: Request, who: Caller, project: str, file_path: str, given: Params) -> JSONResponse:
    """A file with its content in base64."""
    entered = await wire.enter(request, who, project, "reporter")
    file = await service.get_file(entered.repo, given.text("ref"), file_path)
    content = await _encoded(entered, file.blob_id, file.size)
    described = await _described(entered, file, given.text("ref"))
    return JSONResponse(described | {"content": content})


@router.head("/files/{file_path}", openapi_extra=wire.READ)
async def head_file(request: Request, who: Caller, project: str, file_path: str, given: Params) -> Response:
    """A file's description as headers."""
    entered = await wire.enter(request, who, project, "reporter")
    file = await service.get_file(entered.repo, given.text("ref"), file_path)
    described = await _described(entered, file, given.text("ref"))
    described["execute_filemode"] = str(described["execute_filemode"]).lower()
    headers = {f"x-gitlab-{name.replace('_', '-')}": _ascii(str(value)) for name, value in described.items()}
    return Response(headers=headers, media_type="application/json")


async def _described(entered: wire.Entered, file: service.File, ref: str | None) -> dict[str, Any]:
    return {
        "file_name": file.name,
        "file_path": file.path,
        "size": file.size,
        "encoding": "base64",
        "content_sha256": await service.sha256(entered.repo, file),
        "ref": ref or service.shown_ref(entered.repo, None),
        "blob_id": file.blob_id,
        "commit_id": file.commit,
        "last_commit_id": await history.last_commit(entered.repo, file.commit, file.path),
        "execute_filemode": file.mode == objects.EXECUTABLE,
    }


def _ascii(text: str) -> str:
    """Header values are Latin-1; other letters are escaped."""
    return text.encode("ascii", "backslashreplace").decode().replace("\r", "").replace("\n", "")
