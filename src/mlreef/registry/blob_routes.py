"""Endpoints that give blobs out and take them away."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from mlreef.kit import http
from mlreef.registry import blobs, guards
from mlreef.registry.state import State, of
from mlreef.registry.wire import VERSION, digest_hex, is_unchanged

router = APIRouter()
Here = Annotated[State, Depends(of)]
_SMALL = 64 << 10
"""Sent in one piece: a stream costs more than so many bytes."""
_PLACE = "/v2/{name:path}/blobs/{digest}"


@router.api_route(_PLACE, methods=["GET", "HEAD"], openapi_extra={"policy": "registry.pull"})
async def get_blob(request: Request, state: Here, name: str, digest: str) -> Response:
    """end-2: a blob of this repository, with ranges."""
    grant = await guards.repository(state, request, name, "pull")
    wanted = digest_hex(digest)
    # A client that pushes asks with HEAD first, and leaves out what is here.
    counted_on = request.method == "HEAD" and grant.allows(name, "push")
    found = await blobs.find(state, name, wanted, counted_on=counted_on)
    headers = {"docker-content-digest": digest, "cache-control": "private, max-age=31536000, immutable", **VERSION}
    if is_unchanged(request, wanted):
        return Response(status_code=304, headers={**headers, "etag": f'"{wanted}"'})
    media_type = "application/octet-stream"
    if request.method == "GET" and found["size"] <= _SMALL and "range" not in request.headers:
        data = b"".join([piece async for piece in state.objects.open(wanted)])
        headers |= {"accept-ranges": "bytes", "etag": f'"{wanted}"'}
        return Response(data, media_type=media_type, headers=headers)
    return await http.object_response(request, state.objects, wanted, media_type=media_type, headers=headers)


@router.delete(_PLACE, openapi_extra={"policy": "registry.delete"})
async def delete_blob(request: Request, state: Here, name: str, digest: str) -> Response:
    """end-10: take a blob out of this repository."""
    await guards.repository(state, request, name, "delete")
    await blobs.delete(state, name, digest_hex(digest))
    return Response(status_code=202, headers=VERSION)
