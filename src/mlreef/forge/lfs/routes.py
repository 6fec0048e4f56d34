"""Git LFS: https://github.com/git-lfs/git-lfs/tree/main/docs/api, with GitLab's addresses for objects.

Transfers carry a ticket or a credential and check for themselves, hence the policy `secret` of those routes.
"""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from mlreef.forge import audit
from mlreef.forge import state as states
from mlreef.forge.access.deps import Caller
from mlreef.forge.lfs import bundles, schemas, service, store, wire
from mlreef.kit import http
from mlreef.kit.errors import Kind, PlatformError, invalid

router = APIRouter(tags=["Git LFS"], route_class=wire.LfsRoute, include_in_schema=False)

_TRANSFER = {"policy": "secret"}


def _answer(body: dict[str, Any], status: int = 200) -> JSONResponse:
    return JSONResponse(body, status_code=status, media_type=schemas.MEDIA_TYPE)


@router.post("/{project:path}.git/info/lfs/objects/batch", openapi_extra=wire.READ)
async def batch(request: Request, who: Caller, project: str) -> JSONResponse:
    """Where to send or fetch objects."""
    state = states.of(request)
    wanted = schemas.batch(await wire.body(request))
    async with state.db.read() as tx:
        access = await wire.access(tx, request, who, project)
        if wanted.operation == "upload" and who.anonymous:
            raise PlatformError(Kind.UNAUTHENTICATED, "Credentials needed")
        answer = await service.batch(
            tx,
            access,
            wanted,
            secret=wire.of(state).secret,
            now=state.clock.now(),
            max_size=state.settings.max_lfs_bytes,
        )
    return _answer(answer)


@router.put("/{project:path}.git/gitlab-lfs/objects/{oid}/{size}", openapi_extra=_TRANSFER)
async def upload(request: Request, project: str, oid: str, size: str) -> Response:
    """Receive an object; hashed while it arrives, durable before the answer."""
    state = states.of(request)
    wanted = _size(size)
    access = await wire.transferring(request, project, "upload", service.checked_oid(oid), wanted)
    if not access.may_push:
        raise PlatformError(Kind.FORBIDDEN, "You are not allowed to push LFS objects to this project.")
    if wanted > state.settings.max_lfs_bytes:
        raise PlatformError(Kind.TOO_LARGE, f"larger than the limit of {state.settings.max_lfs_bytes} bytes")
    await state.objects.put(wire.chunks(request), expect=oid, size=wanted)
    await wire.of(state).linker.link(request.state.principal, access.project_id, oid, wanted)
    return Response(status_code=200)


@router.post("/{project:path}.git/gitlab-lfs/bundle", openapi_extra=wire.READ | {"policy": "developer"})
async def upload_bundle(request: Request, who: Caller, project: str) -> Response:
    """Receive many small objects; all are durable before the answer."""
    state = states.of(request)
    async with state.db.read() as tx:
        access = await wire.access(tx, request, who, project)
    if who.anonymous:
        raise PlatformError(Kind.UNAUTHENTICATED, "Credentials needed")
    if not access.may_push:
        raise PlatformError(Kind.FORBIDDEN, "You are not allowed to push LFS objects to this project.")
    items = await bundles.received(wire.chunks(request))
    await bundles.store(state.objects, items)
    linker = wire.of(state).linker
    await asyncio.gather(*(linker.link(who, access.project_id, item.oid, len(item.content)) for item in items))
    return Response(status_code=200)


@router.post("/{project:path}.git/gitlab-lfs/bundle/read", openapi_extra=wire.READ)
async def download_bundle(request: Request, who: Caller, project: str) -> Response:
    """Send many small objects."""
    state = states.of(request)
    wanted = bundles.asked(await wire.body(request))
    async with state.db.read() as tx:
        access = await wire.access(tx, request, who, project)
        held = await store.sizes(tx, access.project_id, wanted)
    return Response(await bundles.packed(state.objects, wanted, held), media_type="application/octet-stream")


def _size(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise invalid("the size in the address must be a number of bytes")
    return int(text)


@router.api_route("/{project:path}.git/gitlab-lfs/objects/{oid}", methods=["GET", "HEAD"], openapi_extra=_TRANSFER)
async def download(request: Request, project: str, oid: str) -> Response:
    """Send an object, with ranges."""
    state = states.of(request)
    access = await wire.transferring(request, project, "download", service.checked_oid(oid), 0)
    async with state.db.read() as tx:
        await service.get_object(tx, access.project_id, oid)
    headers = {
        "content-disposition": "attachment",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    media_type = "application/octet-stream"
    return await http.object_response(request, state.objects, oid, media_type=media_type, headers=headers)


@router.post("/{project:path}.git/info/lfs/locks", openapi_extra=wire.READ)
async def create_lock(request: Request, who: Caller, project: str) -> JSONResponse:
    """Lock a file."""
    state = states.of(request)
    wanted: schemas.LockRequest = schemas.decode(await wire.body(request), schemas.LockRequest)
    async with state.db.write() as tx:
        access = await wire.access(tx, request, who, project)
        made = await service.lock(tx, access, wanted.path, state.clock.now())
        await audit.record(tx, who, "lfs.lock", kind="project", id=access.project_id, target=wanted.path)
    return _answer({"lock": made}, 201)


@router.get("/{project:path}.git/info/lfs/locks", openapi_extra=wire.READ)
async def list_locks(request: Request, who: Caller, project: str) -> JSONResponse:
    """A page of locks."""
    query = request.query_params
    async with states.of(request).db.read() as tx:
        access = await wire.access(tx, request, who, project)
        found = await service.list_locks(
            tx,
            access,
            cursor=query.get("cursor"),
            limit=query.get("limit"),
            path=query.get("path"),
            lock_id=query.get("id"),
        )
    return _answer(found)


@router.post("/{project:path}.git/info/lfs/locks/verify", openapi_extra=wire.READ)
async def verify_locks(request: Request, who: Caller, project: str) -> JSONResponse:
    """Which locks are the caller's, before a push."""
    wanted: schemas.VerifyRequest = schemas.decode(await wire.body(request), schemas.VerifyRequest)
    async with states.of(request).db.read() as tx:
        access = await wire.access(tx, request, who, project)
        found = await service.verify_locks(tx, access, wanted)
    return _answer(found)


@router.post("/{project:path}.git/info/lfs/locks/{lock_id}/unlock", openapi_extra=wire.READ)
async def unlock(request: Request, who: Caller, project: str, lock_id: str) -> JSONResponse:
    """Give a lock back."""
    wanted: schemas.UnlockRequest = schemas.decode(await wire.body(request), schemas.UnlockRequest)
    async with states.of(request).db.write() as tx:
        access = await wire.access(tx, request, who, project)
        found = await service.unlock(tx, access, lock_id, force=wanted.force)
        details = {"force": wanted.force, "owner": found["owner"]["name"]}
        await audit.record(
            tx, who, "lfs.unlock", kind="project", id=access.project_id, target=found["path"], details=details
        )
    return _answer({"lock": found})
