"""The runner protocol over HTTP: what gitlab-runner calls, status by status.

https://docs.gitlab.com/api/runners/ and /development/cicd/ describe it; where they are silent, gitlab-runner's source
decides. 403 always means "stop": it is never the answer to trouble that may pass.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import wire
from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.runners import claims, payload, service, store, updates
from mlreef.forge.ci.traces import service as traces
from mlreef.kit.db import Database
from mlreef.kit.errors import not_found

router = APIRouter(prefix="/api/v4", tags=["Runner protocol"])

RUNNER = {"policy": "runner_token"}
JOB = {"policy": "job_token"}
MAX_RACES = 50
_LAST_UPDATE = "X-GitLab-Last-Update"


@router.post("/runners/verify", openapi_extra=RUNNER)
async def verify_runner(request: Request) -> JSONResponse:
    """Whether a runner's token is valid."""
    ci, db = wire.state(request)
    body = await wire.params(request)
    token = _runner_token(request, body)
    async with db.write() as tx:
        runner = await service.get_by_token(tx, token)
        info = service.clean_info(body.get("info"))
        system = service.system_id(body.get("system_id"))
        await service.contact(tx, runner["id"], system, info, ip=wire.client_ip(request), now=ci.clock.now())
    return JSONResponse({"id": runner["id"], "token": token, "token_expires_at": None})


@router.post("/runners", openapi_extra=RUNNER, status_code=201)
@router.post("/runners/", openapi_extra=RUNNER, status_code=201, include_in_schema=False)
async def register_runner(request: Request) -> JSONResponse:
    """Legacy registration with the instance's registration token."""
    ci, db = wire.state(request)
    body = await wire.params(request)
    given = request.headers.get("runner-token") or body.get("token")
    refused = service.registration_refused(ci.settings.registration_token, given)
    if refused is not None:
        raise refused
    async with db.write() as tx:
        runner_id, token = await service.create(
            ci, tx, body, runner_type="instance_type", owner_id=None, creator_id=None, registration="registration_token"
        )
    return JSONResponse({"id": runner_id, "token": token, "token_expires_at": None}, status_code=201)


@router.delete("/runners", openapi_extra=RUNNER, status_code=204)
async def unregister_runner(request: Request) -> Response:
    """Delete the runner that the token belongs to."""
    _ci, db = wire.state(request)
    body = await wire.params(request)
    async with db.write() as tx:
        runner = await service.get_by_token(tx, _runner_token(request, body))
        await store.remove(tx, runner["id"])
    return Response(status_code=204)


@router.delete("/runners/managers", openapi_extra=RUNNER, status_code=204)
async def unregister_manager(request: Request) -> Response:
    """Forget one manager of a runner."""
    _ci, db = wire.state(request)
    body = await wire.params(request)
    async with db.write() as tx:
        runner = await service.get_by_token(tx, _runner_token(request, body))
        manager = await store.find_manager(tx, runner["id"], service.system_id(body.get("system_id")))
        if manager is None:
            raise not_found("404 Runner")
        await store.remove_manager(tx, manager["id"])
    return Response(status_code=204)


@router.post("/runners/reset_authentication_token", openapi_extra=RUNNER, status_code=201)
async def reset_own_token(request: Request) -> JSONResponse:
    """A runner's new token for its old one."""
    _ci, db = wire.state(request)
    body = await wire.params(request)
    async with db.write() as tx:
        runner = await service.get_by_token(tx, _runner_token(request, body))
        token = await service.reset_token(tx, runner["id"])
    return JSONResponse({"token": token, "token_expires_at": None}, status_code=201)


@router.get("/runners/router/discovery", openapi_extra=RUNNER)
async def discover_router() -> JSONResponse:
    """There is no job router: runners fall back to polling."""
    return JSONResponse({"message": "501 Not Implemented"}, status_code=501)


@router.post("/jobs/request", openapi_extra=RUNNER, status_code=201)
async def request_job(request: Request) -> Response:
    """Hand out a job, or wait a little for one when the runner knows the queue's present version."""
    ci, db = wire.state(request)
    body = await wire.params(request)
    runner, manager_id, info = await _contacted(request, ci, db, body)
    known = body.get("last_update")
    deadline = time.monotonic() + ci.settings.long_poll_seconds
    while True:
        generation = ci.signals.generation
        async with db.read() as tx:
            version = str(await store.version(tx))
            candidates = await claims.waiting(ci, tx, runner)
        if candidates and not await request.is_disconnected():
            claim = await _claim(ci, db, runner, manager_id=manager_id, info=info)
            if claim is not None:
                answer = await _taken(ci, db, claim)
                # So that the runner's next question, for its other slots, can be held at once.
                answer.headers[_LAST_UPDATE] = version
                return answer
        left = deadline - time.monotonic()
        if known != version or left <= 0 or runner["paused"] or ci.signals.stopping:
            return Response(status_code=204, headers={_LAST_UPDATE: version})
        if not await _waited(request, ci, generation, left):
            return Response(status_code=204)
        async with db.read() as tx:  # it may have been paused, changed or deleted while it waited
            runner = await service.get_by_token(tx, _runner_token(request, body))


async def _waited(request: Request, ci: Ci, generation: int, seconds: float) -> bool:
    """Wait for a change of the queue; False as soon as the runner has gone: nothing may wait for nobody."""
    gone = asyncio.create_task(_disconnected(request))
    waiting = asyncio.create_task(ci.signals.wait(generation, seconds))
    try:
        await asyncio.wait({gone, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return not gone.done()
    finally:
        gone.cancel()
        waiting.cancel()
        await asyncio.gather(gone, waiting, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


@router.put("/jobs/{job_id}", openapi_extra=JOB)
async def update_job(request: Request, job_id: wire.Id) -> Response:
    """Signs of life and the end of a job."""
    ci, db = wire.state(request)
    body = await wire.params(request)
    token = request.headers.get("job-token") or body.get("token")
    async with db.write() as tx:
        job = await updates.find_by_token(tx, job_id, token)
        answer = await updates.update(ci, tx, job, body)
    return PlainTextResponse(str(answer.status), status_code=answer.status, headers=_job_headers(answer.job_status))


@router.patch("/jobs/{job_id}/trace", openapi_extra=JOB, status_code=202)
async def append_trace(request: Request, job_id: wire.Id) -> Response:
    """One chunk of the log."""
    ci, db = wire.state(request)
    token = request.headers.get("job-token")
    try:
        async with db.read() as tx:
            await updates.get_live(tx, job_id, token)  # before the body: strangers send nothing
        start = traces.start_of(request.headers.get("content-range"))
        data = await wire.body(request, traces.MAX_CHUNK)
        async with db.write() as tx:
            job = await updates.get_live(tx, job_id, token)
            appended = await traces.append(ci, tx, job, start, data)
            if not appended.accepted:
                await updates.touch(ci, tx, job_id)
    except updates.Stale as exc:
        return JSONResponse({"message": exc.message}, status_code=403, headers=_job_headers(exc.job_status))
    if appended.too_large:
        return JSONResponse({"message": "403 Forbidden - trace too large"}, 403, headers=_job_headers("failed"))
    headers = {**_job_headers(job["status"]), "Range": f"0-{appended.size}"}
    if not appended.accepted:
        return PlainTextResponse("416 Range Not Satisfiable", status_code=416, headers=headers)
    return PlainTextResponse("202", status_code=202, headers=headers)


async def _contacted(
    request: Request, ci: Ci, db: Database, body: Mapping[str, Any]
) -> tuple[RowMapping, int, Mapping[str, Any]]:
    """The runner that asks, its manager, and what it can do; written only now and then."""
    info, system = service.clean_info(body.get("info")), service.system_id(body.get("system_id"))
    async with db.read() as tx:
        runner = await service.get_by_token(tx, _runner_token(request, body))
        manager = await store.find_manager(tx, runner["id"], system)
    now = ci.clock.now()
    if manager is not None and not service.contact_due(runner, manager, info, now):
        return runner, manager["id"], info
    async with db.write() as tx:
        manager_id = await service.contact(tx, runner["id"], system, info, ip=wire.client_ip(request), now=now)
    return runner, manager_id, info


async def _claim(
    ci: Ci, db: Database, runner: RowMapping, *, manager_id: int, info: Mapping[str, Any]
) -> claims.Claim | None:
    features = info.get("features", {})
    for _ in range(MAX_RACES):
        async with db.write() as tx:
            found = await claims.claim(ci, tx, runner, manager_id=manager_id, features=features)
        if isinstance(found, claims.Claim):
            return found
        if found == "none":
            return None
    return None


async def _taken(ci: Ci, db: Database, claim: claims.Claim) -> JSONResponse:
    async with db.read() as tx:
        taken = await payload.gather(ci, tx, claim.job_id, claim.token)
    return JSONResponse(await payload.render(ci, taken), status_code=201)


def _runner_token(request: Request, body: Mapping[str, Any]) -> Any:
    return request.headers.get("runner-token") or body.get("token")


def _job_headers(status: str) -> dict[str, str]:
    return {"Job-Status": status, "X-GitLab-Trace-Update-Interval": updates.UPDATE_INTERVAL}
