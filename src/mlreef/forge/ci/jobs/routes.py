"""Routes of jobs (https://docs.gitlab.com/api/jobs/)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import wire
from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.jobs import schemas, service, store
from mlreef.forge.ci.pipelines import service as pipelines_service
from mlreef.forge.ci.runners import updates
from mlreef.forge.ci.statuses import Status
from mlreef.forge.ci.traces import service as traces
from mlreef.kit import http
from mlreef.kit.db import Tx
from mlreef.kit.errors import invalid

router = APIRouter(prefix="/api/v4", tags=["Jobs"])

READ = {"policy": "reporter"}
RUN = {"policy": "developer"}
MANAGE = {"policy": "maintainer"}
JOB = {"policy": "job_token"}
_NO_SNIFF = {"x-content-type-options": "nosniff"}


@router.get("/projects/{project}/jobs", openapi_extra=READ)
async def list_jobs(request: Request, project: str) -> JSONResponse:
    """Jobs of the project, newest first."""
    return await _list(request, project, None)


@router.get("/projects/{project}/pipelines/{pipeline_id}/jobs", openapi_extra=READ)
async def list_pipeline_jobs(request: Request, project: str, pipeline_id: wire.Id) -> JSONResponse:
    """Jobs of one pipeline."""
    return await _list(request, project, pipeline_id)


@router.get("/projects/{project}/jobs/{job_id}", openapi_extra=READ)
async def get_job(request: Request, project: str, job_id: wire.Id) -> JSONResponse:
    """One job."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "reporter")
    async with db.read() as tx:
        job = await service.get(tx, grant.project_id, job_id)
        return JSONResponse((await schemas.rendered(ci, tx, [job]))[0])


@router.get("/projects/{project}/jobs/{job_id}/trace", openapi_extra=READ)
async def get_trace(request: Request, project: str, job_id: wire.Id) -> Response:
    """The log as plain text, whole or the range asked for."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "reporter")
    async with db.read() as tx:
        job = await service.get(tx, grant.project_id, job_id)
    size = job["trace_size"]
    wanted = http.parse_range(request.headers.get("range"), size)
    headers = {**_NO_SNIFF, "accept-ranges": "bytes"}
    if wanted == (size, size) and request.headers.get("range"):
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{size}"})
    start, end = wanted or (0, size)
    headers["content-length"] = str(end - start)
    if wanted:
        headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    chunks = traces.iter_trace(ci, db, job_id, start, end)
    status = 206 if wanted else 200
    return StreamingResponse(chunks, status_code=status, headers=headers, media_type="text/plain; charset=utf-8")


@router.post("/projects/{project}/jobs/{job_id}/cancel", openapi_extra=RUN, status_code=201)
async def cancel_job(request: Request, project: str, job_id: wire.Id) -> JSONResponse:
    """Cancel a job that has not ended."""

    async def act(ci: Ci, tx: Tx, job: RowMapping) -> int:
        await service.cancel(ci, tx, job)
        return int(job["id"])

    return await _act(request, project, job_id, act, action="developer")


@router.post("/projects/{project}/jobs/{job_id}/retry", openapi_extra=RUN, status_code=201)
async def retry_job(request: Request, project: str, job_id: wire.Id) -> JSONResponse:
    """Start an ended job again: the answer is the new job."""
    return await _act(request, project, job_id, service.retry, action="developer")


@router.post("/projects/{project}/jobs/{job_id}/play", openapi_extra=RUN)
async def play_job(request: Request, project: str, job_id: wire.Id) -> JSONResponse:
    """Start a manual job."""
    try:
        return await _act(request, project, job_id, service.play, action="developer", status=200)
    except service.NotPossible:
        raise invalid("400 Bad request - Unplayable Job") from None


@router.post("/projects/{project}/jobs/{job_id}/erase", openapi_extra=MANAGE, status_code=201)
async def erase_job(request: Request, project: str, job_id: wire.Id) -> JSONResponse:
    """Forget an ended job's log and artifacts."""

    async def act(ci: Ci, tx: Tx, job: RowMapping) -> int:
        await service.erase(ci, tx, job)
        return int(job["id"])

    return await _act(request, project, job_id, act, action="maintainer")


@router.get("/job", openapi_extra=JOB)
async def get_own_job(request: Request) -> JSONResponse:
    """The job whose token asks."""
    ci, db = wire.state(request)
    token = request.headers.get("job-token") or request.query_params.get("job_token")
    token = token or request.headers.get("authorization", "").removeprefix("Bearer ")
    async with db.read() as tx:
        job = await updates.get_by_live_token(tx, token)
        return JSONResponse((await schemas.rendered(ci, tx, [job]))[0])


async def _list(request: Request, project: str, pipeline_id: int | None) -> JSONResponse:
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "reporter")
    page = wire.page(request)
    query = wire.nested(list(request.query_params.multi_items()))
    states = wire.texts(query, "scope")
    unknown = set(states) - {state.value for state in Status} - {"preparing", "scheduled", "waiting_for_resource"}
    if unknown:
        raise invalid("scope does not have a valid value")
    retried = str(query.get("include_retried", "")).lower() in {"true", "1"}
    async with db.read() as tx:
        if pipeline_id is not None:
            await pipelines_service.get(tx, grant.project_id, pipeline_id)
        rows, total = await store.list_page(
            tx, grant.project_id, page, pipeline_id=pipeline_id, states=states, retried=retried
        )
        items = await schemas.rendered(ci, tx, rows)
    return wire.listed(request, items, total, page)


async def _act(
    request: Request,
    project: str,
    job_id: wire.Id,
    carry_out: Callable[[Ci, Tx, RowMapping], Awaitable[int]],
    *,
    action: str,
    status: int = 201,
) -> JSONResponse:
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, action)
    async with db.write() as tx:
        job = await service.get(tx, grant.project_id, job_id)
        shown = await carry_out(ci, tx, job)
        verb = request.url.path.rpartition("/")[2]  # cancel, retry, play or erase
        target = ("job", job_id, f"{job['name']} of project {grant.project_id}")
        await wire.gate(request).record(request, tx, f"job.{verb}", target=target)
    async with db.read() as tx:
        items: list[dict[str, Any]] = await schemas.rendered(ci, tx, [await store.get(tx, shown)])
    return JSONResponse(items[0], status_code=status)
