"""Endpoints for manifests, tags and referrers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from mlreef.kit.errors import Kind
from mlreef.registry import documents, guards, manifest_store, manifests, store
from mlreef.registry.state import State, of
from mlreef.registry.wire import VERSION, RegistryError, digest_hex, is_unchanged, name_unknown, next_page

router = APIRouter()
Here = Annotated[State, Depends(of)]
_PLACE = "/v2/{name:path}/manifests/{reference}"
_MOST_TAGS = 1000
_MOST_REFERRERS = 200


@router.put(_PLACE, openapi_extra={"policy": "registry.push"})
async def put_manifest(request: Request, state: Here, name: str, reference: str) -> Response:
    """end-7: keep a manifest."""
    grant = await guards.repository(state, request, name, "pull", "push")
    body = await _bounded(request, state.settings.max_manifest_bytes)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip()
    accepted = await manifests.put(state, name, reference, media_type, body, grant=grant)
    headers = {
        "location": f"/v2/{name}/manifests/sha256:{accepted.digest}",
        "docker-content-digest": f"sha256:{accepted.digest}",
        **VERSION,
    }
    if accepted.subject is not None:
        headers["oci-subject"] = f"sha256:{accepted.subject}"
    return Response(status_code=201, headers=headers)


@router.api_route(_PLACE, methods=["GET", "HEAD"], openapi_extra={"policy": "registry.pull"})
async def get_manifest(request: Request, state: Here, name: str, reference: str) -> Response:
    """end-3: a manifest by tag or digest."""
    await guards.repository(state, request, name, "pull")
    found = await manifests.get(state, name, reference)
    digest = f"sha256:{found['digest']}"
    headers = {"docker-content-digest": digest, "etag": f'"{digest}"', **VERSION}
    if is_unchanged(request, digest):
        return Response(status_code=304, headers=headers)
    body = bytes(found["body"])
    if request.method == "HEAD":
        headers["content-length"] = str(len(body))
        body = b""
    return Response(body, media_type=found["media_type"], headers=headers)


@router.delete(_PLACE, openapi_extra={"policy": "registry.delete"})
async def delete_manifest(request: Request, state: Here, name: str, reference: str) -> Response:
    """end-9: forget a tag or a manifest."""
    grant = await guards.repository(state, request, name, "delete")
    await manifests.delete(state, name, reference, grant=grant)
    return Response(status_code=202, headers=VERSION)


@router.get("/v2/{name:path}/tags/list", openapi_extra={"policy": "registry.pull"})
async def list_tags(
    request: Request, state: Here, name: str, n: Annotated[int, Query(ge=0)] = _MOST_TAGS, last: str = ""
) -> Response:
    """end-8a, end-8b: tag names in lexical order, paged by `n` and `last`."""
    await guards.repository(state, request, name, "pull")
    limit = min(n, _MOST_TAGS)
    async with state.db.read() as tx:
        repository = await store.find_repository(tx, name)
        if repository is None:
            raise name_unknown(name)
        names = await manifest_store.list_tags(tx, repository.id, last, limit + 1)
    page = names[:limit]
    more = next_page(f"/v2/{name}/tags/list", n=limit, last=page[-1]) if len(names) > limit and page else {}
    return JSONResponse({"name": name, "tags": page}, headers={**VERSION, **more})


@router.get("/v2/{name:path}/referrers/{digest}", openapi_extra={"policy": "registry.pull"})
async def list_referrers(
    request: Request,
    state: Here,
    name: str,
    digest: str,
    artifact_type: Annotated[str | None, Query(alias="artifactType")] = None,
    last: str = "",
) -> Response:
    """end-12a, end-12b: what refers to a manifest: signatures, bills of materials, provenance."""
    await guards.repository(state, request, name, "pull")
    index, more = await manifests.referrers(
        state, name, digest, artifact_type, after=digest_hex(last) if last else "", limit=_MOST_REFERRERS
    )
    headers = {**VERSION, **({"oci-filters-applied": "artifactType"} if artifact_type is not None else {})}
    if more is not None:
        rest = {"last": f"sha256:{more}", **({"artifactType": artifact_type} if artifact_type is not None else {})}
        headers |= next_page(f"/v2/{name}/referrers/{digest}", **rest)
    return JSONResponse(index, media_type=documents.OCI_INDEX, headers=headers)


async def _bounded(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise RegistryError(Kind.TOO_LARGE, "MANIFEST_INVALID", f"manifest larger than {limit} bytes")
    return bytes(body)
