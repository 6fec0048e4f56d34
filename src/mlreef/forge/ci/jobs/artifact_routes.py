"""Routes of artifacts (https://docs.gitlab.com/api/job_artifacts/): uploads by runners, downloads by all who may."""

from __future__ import annotations

import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.engine import RowMapping
from starlette.concurrency import run_in_threadpool

from mlreef.forge.ci import wire
from mlreef.forge.ci.config import keys
from mlreef.forge.ci.config.errors import ConfigError
from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.jobs import schemas, service, store
from mlreef.forge.ci.jobs.uploads import Upload
from mlreef.forge.ci.runners import updates
from mlreef.kit import http
from mlreef.kit.db import Database
from mlreef.kit.errors import Kind, PlatformError, invalid, not_found

router = APIRouter(prefix="/api/v4", tags=["Job artifacts"])

READ = {"policy": "reporter", "job": True}
RUN = {"policy": "developer"}
MANAGE = {"policy": "maintainer"}
JOB = {"policy": "job_token"}
MAX_ENTRY = 1 << 30
_FORMATS = {"zip", "gzip", "raw", "zipzstd", "tarzstd"}


@router.post("/jobs/{job_id}/artifacts", openapi_extra=JOB, status_code=201)
async def upload_artifact(request: Request, job_id: wire.Id) -> JSONResponse:
    """Receive one artifact of a running job."""
    ci, db = wire.state(request)
    token = request.headers.get("job-token")
    async with db.read() as tx:
        await updates.get_live(tx, job_id, token)
    upload = Upload(request.headers.get("content-type", ""))
    limit = ci.settings.maximum_artifact_bytes
    stored = await ci.objects.put(upload.file_chunks(request.stream()), max_size=limit)
    given: dict[str, Any] = {**upload.fields, **request.query_params}
    file_type, file_format = str(given.get("artifact_type") or "archive"), str(given.get("artifact_format") or "zip")
    if file_format not in _FORMATS or not file_type.replace("_", "").isalnum() or len(file_type) > 64:
        raise invalid("artifact_type or artifact_format does not have a valid value")
    now = ci.clock.now()
    async with db.write() as tx:
        job = await updates.get_live(tx, job_id, token)
        values = {
            "job_id": job_id,
            "project_id": job["project_id"],
            "file_type": file_type,
            "file_format": file_format,
            "filename": upload.filename,
            "digest": stored.digest,
            "size": stored.size,
            "created_at": now,
            "expire_at": _expiry(given.get("expire_in"), ci),
        }
        await store.put_artifact(tx, values)
        await updates.touch(ci, tx, job_id)
    return JSONResponse({"message": "201 Created"}, status_code=201)


@router.get("/jobs/{job_id}/artifacts", openapi_extra=JOB)
async def download_dependency(request: Request, job_id: wire.Id) -> Response:
    """An archive for a running job of the same project."""
    ci, db = wire.state(request)
    token = request.headers.get("job-token") or request.query_params.get("token")
    async with db.read() as tx:
        asking = await updates.get_by_live_token(tx, token)
        job = await service.get(tx, asking["project_id"], job_id)
    return await _archive(request, ci, db, job)


@router.get("/projects/{project}/jobs/{job_id}/artifacts", openapi_extra=READ)
async def download_archive(request: Request, project: str, job_id: wire.Id) -> Response:
    """A job's archive."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "reporter")
    async with db.read() as tx:
        job = await service.get(tx, grant.project_id, job_id)
    return await _archive(request, ci, db, job)


@router.get("/projects/{project}/jobs/artifacts/{ref}/download", openapi_extra=READ)
async def download_archive_of_ref(request: Request, project: str, ref: str) -> Response:
    """The archive of the newest successful job of that name on a ref."""
    ci, db = wire.state(request)
    job = await _of_ref(request, db, project, ref)
    return await _archive(request, ci, db, job)


@router.get("/projects/{project}/jobs/artifacts/{ref}/raw/{path:path}", openapi_extra=READ)
async def download_file_of_ref(request: Request, project: str, ref: str, path: str) -> Response:
    """One file of such an archive."""
    ci, db = wire.state(request)
    job = await _of_ref(request, db, project, ref)
    return await _entry(ci, db, job, path)


@router.get("/projects/{project}/jobs/{job_id}/artifacts/{path:path}", openapi_extra=READ)
async def download_file(request: Request, project: str, job_id: wire.Id, path: str) -> Response:
    """One file of a job's archive."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "reporter")
    async with db.read() as tx:
        job = await service.get(tx, grant.project_id, job_id)
    return await _entry(ci, db, job, path)


@router.post("/projects/{project}/jobs/{job_id}/artifacts/keep", openapi_extra=RUN)
async def keep_artifacts(request: Request, project: str, job_id: wire.Id) -> JSONResponse:
    """Let a job's artifacts never expire."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "developer")
    async with db.write() as tx:
        job = await service.get(tx, grant.project_id, job_id)
        await store.keep_artifacts(tx, job_id)
        return JSONResponse((await schemas.rendered(ci, tx, [job]))[0])


@router.delete("/projects/{project}/jobs/{job_id}/artifacts", openapi_extra=MANAGE, status_code=204)
async def delete_artifacts(request: Request, project: str, job_id: wire.Id) -> Response:
    """Forget a job's artifacts."""
    _ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "maintainer")
    async with db.write() as tx:
        await service.get(tx, grant.project_id, job_id)
        await store.drop_artifacts(tx, job_id)
    return Response(status_code=204)


async def _of_ref(request: Request, db: Database, project: str, ref: str) -> RowMapping:
    grant = await wire.gate(request).project(request, project, "reporter")
    name = request.query_params.get("job")
    if not name:
        raise invalid("job is missing")
    async with db.read() as tx:
        job = await store.find_successful(tx, grant.project_id, ref, name)
    if job is None:
        raise not_found("404")
    return job


async def _found(db: Database, job: RowMapping) -> RowMapping:
    async with db.read() as tx:
        held = await store.artifacts_of(tx, [job["id"]])
    for item in held[job["id"]]:
        if item["file_type"] == "archive":
            return item
    raise not_found("404")


async def _archive(request: Request, ci: Ci, db: Database, job: RowMapping) -> Response:
    item = await _found(db, job)
    return await http.object_response(
        request,
        ci.objects,
        item["digest"],
        media_type="application/zip" if item["file_format"] == "zip" else "application/octet-stream",
        headers=_headers(item["filename"]),
    )


async def _entry(ci: Ci, db: Database, job: RowMapping, path: str) -> Response:
    item = await _found(db, job)
    local = ci.objects.local_path(item["digest"])
    if local is None:
        raise PlatformError(Kind.UNAVAILABLE, "single files need the artifact on this machine; download the archive")
    content = await run_in_threadpool(_read_entry, local, path)
    return Response(content, media_type="application/octet-stream", headers=_headers(Path(path).name))


def _read_entry(archive: Path, path: str) -> bytes:
    try:
        with zipfile.ZipFile(archive) as opened:
            info = opened.getinfo(path)
            if info.is_dir() or info.file_size > MAX_ENTRY:
                raise not_found("404")
            with opened.open(info) as entry:
                content = entry.read(MAX_ENTRY + 1)
    except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as exc:
        raise not_found("404") from exc
    if len(content) > MAX_ENTRY:
        raise not_found("404")
    return content


def _headers(filename: str) -> dict[str, str]:
    plain = "".join(char if char.isascii() and char.isprintable() and char not in '"\\' else "_" for char in filename)
    return {
        "content-disposition": f'attachment; filename="{plain}"',
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox",
    }


def _expiry(expire_in: Any, ci: Ci) -> Any:
    if not expire_in or expire_in == "never":
        return None
    try:
        return ci.clock.now() + timedelta(seconds=keys.duration(str(expire_in), "expire_in"))
    except ConfigError as exc:
        raise invalid("expire_in is invalid") from exc
