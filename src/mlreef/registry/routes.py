"""The OCI distribution endpoints (specification 1.1, "API"). Repository names contain slashes: see `name:path`."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from mlreef.kit import http
from mlreef.kit.errors import Kind
from mlreef.kit.objects import Stored
from mlreef.registry import manifests, store, uploads
from mlreef.registry.state import State, of
from mlreef.registry.wire import RegistryError, blob_unknown, digest_hex, repository_name

router = APIRouter()
Here = Annotated[State, Depends(of)]

_VERSION = {"docker-distribution-api-version": "registry/2.0"}
_MAX_TAGS = 1000


async def _authorise(state: State, request: Request, name: str, *actions: str) -> str:
    """The repository's name, when the caller's token grants every action on it."""
    repository_name(name)
    granted = await state.tokens.granted(request.headers.get("authorization"), name)
    if granted is None or not ("*" in granted or granted.issuperset(actions)):
        raise state.tokens.challenge(f"repository:{name}:{','.join(actions)}")
    return name


@router.get("/v2/", openapi_extra={"policy": "registry.login"})
async def base(request: Request, state: Here) -> Response:
    """Whether the caller holds a valid token: what `podman login` asks."""
    if await state.tokens.granted(request.headers.get("authorization"), None) is None:
        raise state.tokens.challenge(None)
    return JSONResponse({}, headers=_VERSION)


@router.post("/v2/{name:path}/blobs/uploads/", openapi_extra={"policy": "registry.push"})
async def start_upload(
    request: Request,
    state: Here,
    name: str,
    digest: str | None = None,
    mount: str | None = None,
    source: Annotated[str | None, Query(alias="from")] = None,
) -> Response:
    """Start an upload, take a whole blob, or mount one from a repository that the caller may pull."""
    await _authorise(state, request, name, "pull", "push")
    if mount is not None and source is not None:
        mounted = await _mounted(state, request, name, mount, source)
        if mounted is not None:
            return _created(name, mounted)
    if digest is not None:
        return _created(name, await uploads.monolithic(state, name, digest_hex(digest), request.stream()))
    return _accepted(name, await uploads.start(state, name), 0)


@router.get("/v2/{name:path}/blobs/uploads/{upload}", openapi_extra={"policy": "registry.push"})
async def upload_status(request: Request, state: Here, name: str, upload: str) -> Response:
    """How much of an upload has arrived."""
    await _authorise(state, request, name, "pull", "push")
    received = sum(chunk["size"] for chunk in await uploads.progress(state, name, upload))
    return _accepted(name, upload, received, status=204)


@router.patch("/v2/{name:path}/blobs/uploads/{upload}", openapi_extra={"policy": "registry.push"})
async def append_chunk(request: Request, state: Here, name: str, upload: str) -> Response:
    """Receive the next chunk."""
    await _authorise(state, request, name, "pull", "push")
    content_range = request.headers.get("content-range")
    received = await uploads.append(state, name, upload, request.stream(), content_range)
    return _accepted(name, upload, received)


@router.put("/v2/{name:path}/blobs/uploads/{upload}", openapi_extra={"policy": "registry.push"})
async def finish_upload(request: Request, state: Here, name: str, upload: str, digest: str) -> Response:
    """Receive the last bytes and check the whole."""
    await _authorise(state, request, name, "pull", "push")
    stored = await uploads.finish(state, name, upload, digest_hex(digest), request.stream())
    return _created(name, stored)


@router.delete("/v2/{name:path}/blobs/uploads/{upload}", openapi_extra={"policy": "registry.push"})
async def cancel_upload(request: Request, state: Here, name: str, upload: str) -> Response:
    """Give an upload up."""
    await _authorise(state, request, name, "pull", "push")
    await uploads.cancel(state, name, upload)
    return Response(status_code=204)


@router.api_route("/v2/{name:path}/blobs/{digest}", methods=["GET", "HEAD"], openapi_extra={"policy": "registry.pull"})
async def get_blob(request: Request, state: Here, name: str, digest: str) -> Response:
    """A blob of this repository, with ranges."""
    await _authorise(state, request, name, "pull")
    wanted = digest_hex(digest)
    async with state.db.read() as tx:
        repository = await store.find_repository(tx, name)
        known = repository is not None and await store.find_blob(tx, repository, wanted) is not None
    if not known:
        raise blob_unknown(digest)
    headers = {"docker-content-digest": digest, **_VERSION}
    media_type = "application/octet-stream"
    return await http.object_response(request, state.objects, wanted, media_type=media_type, headers=headers)


@router.delete("/v2/{name:path}/blobs/{digest}", openapi_extra={"policy": "registry.delete"})
async def delete_blob(request: Request, state: Here, name: str, digest: str) -> Response:
    """Take a blob out of this repository."""
    await _authorise(state, request, name, "delete")
    async with state.db.write() as tx:
        repository = await store.find_repository(tx, name)
        if repository is None or not await store.unlink_blob(tx, repository, digest_hex(digest)):
            raise blob_unknown(digest)
    return Response(status_code=202)


@router.put("/v2/{name:path}/manifests/{reference}", openapi_extra={"policy": "registry.push"})
async def put_manifest(request: Request, state: Here, name: str, reference: str) -> Response:
    """Keep a manifest."""
    await _authorise(state, request, name, "pull", "push")
    body = await _bounded(request, state.settings.max_manifest_bytes)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip()
    accepted = await manifests.put(state, name, reference, media_type, body)
    headers = {
        "location": f"/v2/{name}/manifests/sha256:{accepted.digest}",
        "docker-content-digest": f"sha256:{accepted.digest}",
        **_VERSION,
    }
    if accepted.subject is not None:
        headers["oci-subject"] = f"sha256:{accepted.subject}"
    return Response(status_code=201, headers=headers)


@router.api_route(
    "/v2/{name:path}/manifests/{reference}", methods=["GET", "HEAD"], openapi_extra={"policy": "registry.pull"}
)
async def get_manifest(request: Request, state: Here, name: str, reference: str) -> Response:
    """A manifest by tag or digest."""
    await _authorise(state, request, name, "pull")
    found = await manifests.get(state, name, reference)
    headers = {"docker-content-digest": f"sha256:{found['digest']}", "etag": f'"sha256:{found["digest"]}"', **_VERSION}
    body = bytes(found["body"])
    if request.method == "HEAD":
        headers["content-length"] = str(len(body))
        body = b""
    return Response(body, media_type=found["media_type"], headers=headers)


@router.delete("/v2/{name:path}/manifests/{reference}", openapi_extra={"policy": "registry.delete"})
async def delete_manifest(request: Request, state: Here, name: str, reference: str) -> Response:
    """Forget a tag or a manifest."""
    await _authorise(state, request, name, "delete")
    await manifests.delete(state, name, reference)
    return Response(status_code=202)


@router.get("/v2/{name:path}/tags/list", openapi_extra={"policy": "registry.pull"})
async def list_tags(
    request: Request, state: Here, name: str, n: Annotated[int, Query(ge=0)] = _MAX_TAGS, last: str | None = None
) -> Response:
    """Tag names in lexical order, paged by `n` and `last`."""
    await _authorise(state, request, name, "pull")
    limit = min(n, _MAX_TAGS)
    async with state.db.read() as tx:
        repository = await store.find_repository(tx, name)
        if repository is None:
            raise RegistryError(Kind.NOT_FOUND, "NAME_UNKNOWN", f"repository name not known: {name}")
        names = await store.list_tags(tx, repository, last, limit + 1)
    page, headers = names[:limit], {}
    if len(names) > limit and page:
        headers["link"] = f'</v2/{name}/tags/list?n={limit}&last={quote(page[-1])}>; rel="next"'
    return JSONResponse({"name": name, "tags": page}, headers=headers)


@router.get("/v2/{name:path}/referrers/{digest}", openapi_extra={"policy": "registry.pull"})
async def list_referrers(
    request: Request,
    state: Here,
    name: str,
    digest: str,
    artifact_type: Annotated[str | None, Query(alias="artifactType")] = None,
) -> Response:
    """What refers to a manifest: signatures, bills of materials, provenance."""
    await _authorise(state, request, name, "pull")
    index = await manifests.referrers(state, name, digest, artifact_type)
    headers = {"oci-filters-applied": "artifactType"} if artifact_type is not None else {}
    return JSONResponse(index, media_type=manifests.OCI_INDEX, headers=headers)


async def _mounted(state: State, request: Request, name: str, digest: str, source: str) -> Stored | None:
    """The blob shared from `source`, or None: then the client must send the bytes."""
    granted = await state.tokens.granted(request.headers.get("authorization"), repository_name(source))
    if granted is None or not granted & {"pull", "*"}:
        return None
    wanted = digest_hex(digest)
    async with state.db.read() as tx:
        repository = await store.find_repository(tx, source)
        size = None if repository is None else await store.find_blob(tx, repository, wanted)
    if size is None:
        return None
    stored = Stored(wanted, size)
    await uploads.link(state, name, stored, None)
    return stored


async def _bounded(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise RegistryError(Kind.TOO_LARGE, "SIZE_INVALID", f"manifest larger than {limit} bytes")
    return bytes(body)


def _created(name: str, stored: Stored) -> Response:
    digest = f"sha256:{stored.digest}"
    headers = {"location": f"/v2/{name}/blobs/{digest}", "docker-content-digest": digest, **_VERSION}
    return Response(status_code=201, headers=headers)


def _accepted(name: str, upload: str, received: int, *, status: int = 202) -> Response:
    headers: dict[str, Any] = {
        "location": f"/v2/{name}/blobs/uploads/{upload}",
        "docker-upload-uuid": upload,
        "range": f"0-{max(0, received - 1)}",
        **_VERSION,
    }
    return Response(status_code=status, headers=headers)
