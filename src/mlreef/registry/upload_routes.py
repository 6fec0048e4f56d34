"""Endpoints that receive blobs (distribution specification 1.1, "Pushing blobs")."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from mlreef.kit.objects import Stored
from mlreef.registry import blobs, guards, uploads
from mlreef.registry.state import State, of
from mlreef.registry.tokens import Grant
from mlreef.registry.wire import VERSION, digest_hex, repository_name

router = APIRouter()
Here = Annotated[State, Depends(of)]
_SMALL = 256 << 10
_PUSH = {"policy": "registry.push"}
_SESSION = "/v2/{name:path}/blobs/uploads/{upload}"


@router.post("/v2/{name:path}/blobs/uploads/", openapi_extra=_PUSH)
async def start_upload(
    request: Request,
    state: Here,
    name: str,
    digest: str | None = None,
    mount: str | None = None,
    source: Annotated[str | None, Query(alias="from")] = None,
) -> Response:
    """end-4a, end-4b, end-11: start an upload, take a whole blob, or mount one that the caller may pull."""
    grant = await guards.repository(state, request, name, "pull", "push")
    if mount is not None:
        stored = await blobs.mount(state, name, digest_hex(mount), _sources(grant, name, source))
        if stored is not None:
            return _created(name, stored)
    if digest is not None:
        return _created(name, await uploads.monolithic(state, name, digest_hex(digest), request.stream()))
    return _session(name, uploads.start(state, name), 0)


@router.get(_SESSION, openapi_extra=_PUSH)
async def upload_status(request: Request, state: Here, name: str, upload: str) -> Response:
    """end-13: how much of an upload has arrived."""
    await guards.repository(state, request, name, "pull", "push")
    return _session(name, upload, (await uploads.progress(state, name, upload)).received, status=204)


@router.patch(_SESSION, openapi_extra=_PUSH)
async def append_chunk(request: Request, state: Here, name: str, upload: str) -> Response:
    """end-5: receive the next chunk."""
    await guards.repository(state, request, name, "pull", "push")
    content_range = request.headers.get("content-range")
    return _session(name, upload, await uploads.append(state, name, upload, request.stream(), content_range))


@router.put(_SESSION, openapi_extra=_PUSH)
async def finish_upload(request: Request, state: Here, name: str, upload: str, digest: str) -> Response:
    """end-6: receive the last bytes and check the whole."""
    await guards.repository(state, request, name, "pull", "push")
    wanted, content_range = digest_hex(digest), request.headers.get("content-range")
    body: AsyncIterator[bytes] = request.stream()
    if content_range is None and _is_small(request):
        data = await request.body()
        stored = await uploads.finish_small(state, name, upload, data, digest=wanted)
        if stored is not None:
            return _created(name, stored)
        body = uploads.once(data)
    stored = await uploads.finish(state, name, upload, body, digest=wanted, content_range=content_range)
    return _created(name, stored)


@router.delete(_SESSION, openapi_extra=_PUSH)
async def cancel_upload(request: Request, state: Here, name: str, upload: str) -> Response:
    """Give an upload up."""
    await guards.repository(state, request, name, "pull", "push")
    await uploads.cancel(state, name, upload)
    return Response(status_code=204, headers=VERSION)


def _sources(grant: Grant, name: str, source: str | None) -> list[str]:
    """Where a blob may be taken from: the repository named, else every one that the token lets the caller pull."""
    if source is not None:
        return [repository_name(source)] if grant.allows(source, "pull") else []
    return [name, *(one for one in sorted(grant.repositories) if one != name and grant.allows(one, "pull"))]


def _is_small(request: Request) -> bool:
    """Whether the body is announced, not empty, and small enough to be held in memory."""
    length = request.headers.get("content-length", "")
    is_announced = length.isdecimal() and "transfer-encoding" not in request.headers
    return is_announced and 0 < int(length[:12]) <= _SMALL


def _created(name: str, stored: Stored) -> Response:
    digest = f"sha256:{stored.digest}"
    headers = {"location": f"/v2/{name}/blobs/{digest}", "docker-content-digest": digest, **VERSION}
    return Response(status_code=201, headers=headers)


def _session(name: str, upload: str, received: int, *, status: int = 202) -> Response:
    headers = {
        "location": f"/v2/{name}/blobs/uploads/{upload}",
        "docker-upload-uuid": upload,
        "range": f"0-{max(0, received - 1)}",
        **VERSION,
    }
    return Response(status_code=status, headers=headers)
