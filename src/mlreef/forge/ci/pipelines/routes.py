"""Routes of CI pipelines (https://docs.gitlab.com/api/pipelines/) and `ci/lint`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import yaml
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from mlreef.forge.ci import wire
from mlreef.forge.ci.config.errors import ConfigError
from mlreef.forge.ci.config.spec import Plan
from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.pipelines import background, schemas, service, store
from mlreef.kit.db import Tx
from mlreef.kit.errors import Kind, PlatformError, invalid, not_found

router = APIRouter(prefix="/api/v4/projects/{project}", tags=["CI pipelines"])

READ = {"policy": "reporter"}
RUN = {"policy": "developer"}
OWN = {"policy": "owner"}


@router.get("/pipelines", openapi_extra=READ)
async def list_pipelines(request: Request, project: str) -> JSONResponse:
    """The project's pipelines, newest first."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "reporter")
    page = wire.page(request)
    filters = _filters(dict(request.query_params))
    async with db.read() as tx:
        shown = await ci.directory.get_project(tx, grant.project_id)
        rows, total = await store.list_page(tx, grant.project_id, filters, page)
    return wire.listed(request, [schemas.short(row, shown) for row in rows], total, page)


@router.post("/pipeline", openapi_extra=RUN, status_code=201)
async def create_pipeline(request: Request, project: str) -> JSONResponse:
    """Start a pipeline on a branch or tag."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "developer")
    given = await wire.params(request)
    ref = wire.text(given, "ref", required=True)
    wanted = background.Request(
        project_id=grant.project_id,
        user_id=_known(grant),
        ref=ref or "",
        source="api",
        variables=service.parse_variables(given.get("variables")),
    )

    async def note(tx: Tx, number: int) -> None:
        await _record(request, tx, "create", number, grant)

    try:
        pipeline_id = await background.start(ci, db, wanted, note)
    except ConfigError as exc:
        return JSONResponse({"message": {"base": list(exc.faults)}}, status_code=400)
    async with db.read() as tx:
        return JSONResponse(await _full(ci, tx, grant.project_id, pipeline_id), status_code=201)


@router.get("/pipelines/latest", openapi_extra=READ)
async def get_latest_pipeline(request: Request, project: str) -> JSONResponse:
    """The newest pipeline of a ref's newest commit."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "reporter")
    async with db.read() as tx:
        shown = await ci.directory.get_project(tx, grant.project_id)
    name = request.query_params.get("ref") or shown.default_branch
    ref = await ci.repositories.find_ref(grant.project_id, name)
    async with db.read() as tx:
        row = await store.find_latest(tx, grant.project_id, name, ref.sha) if ref else None
        if row is None:
            raise PlatformError(Kind.FORBIDDEN, "403 Forbidden")
        return JSONResponse(await _full(ci, tx, grant.project_id, row["id"]))


@router.get("/pipelines/{pipeline_id}", openapi_extra=READ)
async def get_pipeline(request: Request, project: str, pipeline_id: wire.Id) -> JSONResponse:
    """One pipeline."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "reporter")
    async with db.read() as tx:
        return JSONResponse(await _full(ci, tx, grant.project_id, pipeline_id))


@router.delete("/pipelines/{pipeline_id}", openapi_extra=OWN, status_code=204)
async def delete_pipeline(request: Request, project: str, pipeline_id: wire.Id) -> Response:
    """Delete a pipeline with its jobs, logs and artifacts."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "owner")
    async with db.write() as tx:
        await service.get(tx, grant.project_id, pipeline_id)
        await service.remove(ci, tx, pipeline_id)
        await _record(request, tx, "delete", pipeline_id, grant)
    return Response(status_code=204)


@router.get("/pipelines/{pipeline_id}/variables", openapi_extra=RUN)
async def list_pipeline_variables(request: Request, project: str, pipeline_id: wire.Id) -> JSONResponse:
    """Variables the pipeline was started with."""
    _ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "developer")
    async with db.read() as tx:
        row = await service.get(tx, grant.project_id, pipeline_id)
    return JSONResponse([{"raw": False, **item} for item in row["variables"]])


@router.get("/pipelines/{pipeline_id}/bridges", openapi_extra=READ)
async def list_bridges(request: Request, project: str, pipeline_id: wire.Id) -> JSONResponse:
    """Downstream pipelines: there are none."""
    _ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "reporter")
    async with db.read() as tx:
        await service.get(tx, grant.project_id, pipeline_id)
    return wire.listed(request, [], 0, wire.page(request))


@router.get("/pipelines/{pipeline_id}/test_report", openapi_extra=READ)
async def get_test_report(request: Request, project: str, pipeline_id: wire.Id) -> JSONResponse:
    """Test results of the pipeline: reports are kept as artifacts and not evaluated."""
    _ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "reporter")
    async with db.read() as tx:
        await service.get(tx, grant.project_id, pipeline_id)
    counts = dict.fromkeys(("total_count", "success_count", "failed_count", "skipped_count", "error_count"), 0)
    return JSONResponse({"total_time": 0, **counts, "test_suites": []})


@router.post("/pipelines/{pipeline_id}/cancel", openapi_extra=RUN, status_code=201)
async def cancel_pipeline(request: Request, project: str, pipeline_id: wire.Id) -> JSONResponse:
    """Cancel all jobs that have not ended."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "developer")
    async with db.write() as tx:
        await service.get(tx, grant.project_id, pipeline_id)
        await service.cancel(ci, tx, pipeline_id)
        await _record(request, tx, "cancel", pipeline_id, grant)
    async with db.read() as tx:
        return JSONResponse(await _full(ci, tx, grant.project_id, pipeline_id), status_code=200)


@router.post("/pipelines/{pipeline_id}/retry", openapi_extra=RUN, status_code=201)
async def retry_pipeline(request: Request, project: str, pipeline_id: wire.Id) -> JSONResponse:
    """Start failed and cancelled jobs again."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "developer")
    async with db.write() as tx:
        await service.get(tx, grant.project_id, pipeline_id)
        await service.retry(ci, tx, pipeline_id)
        await _record(request, tx, "retry", pipeline_id, grant)
    async with db.read() as tx:
        return JSONResponse(await _full(ci, tx, grant.project_id, pipeline_id), status_code=201)


@router.get("/ci/lint", openapi_extra=RUN)
async def lint_project(request: Request, project: str) -> JSONResponse:
    """Check the project's own configuration."""
    given = dict(request.query_params)
    return await _lint(request, project, None, given.get("content_ref") or given.get("ref"))


@router.post("/ci/lint", openapi_extra=RUN)
async def lint_content(request: Request, project: str) -> JSONResponse:
    """Check a given configuration in the project's context."""
    given = await wire.params(request)
    content = wire.text(given, "content", required=True)
    return await _lint(request, project, content, wire.text(given, "ref"))


async def _lint(request: Request, project: str, content: str | None, ref: str | None) -> JSONResponse:
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "developer")
    async with db.read() as tx:
        shown = await ci.directory.get_project(tx, grant.project_id)
    wanted = background.Request(grant.project_id, _known(grant), ref or shown.default_branch, "push")
    try:
        origin, settings = await background.prepare(ci, db, wanted)
        compiled = await service.compile_for(ci, origin, settings, content=content)
    except service.NoConfig:
        return _verdict(["Please provide content of .gitlab-ci.yml"])
    except ConfigError as exc:
        return _verdict(list(exc.faults))
    merged = yaml.safe_dump(compiled.document, sort_keys=False, allow_unicode=True, default_flow_style=False)
    return JSONResponse({
        "valid": True,
        "errors": [],
        "warnings": [],
        "merged_yaml": merged,
        "includes": [dict(item) for item in compiled.included],
        "jobs": _lint_jobs(compiled.plan),
    })  # fmt: skip


def _verdict(faults: list[str]) -> JSONResponse:
    return JSONResponse({"valid": False, "errors": faults, "warnings": [], "merged_yaml": None, "includes": []})


def _lint_jobs(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "name": job.name,
            "stage": job.stage,
            "before_script": job.options.get("before_script", []),
            "script": job.options["script"],
            "after_script": job.options.get("after_script", []),
            "tag_list": list(job.tags),
            "only": None,
            "except": None,
            "environment": None,
            "when": job.when,
            "allow_failure": job.allow_failure,
            "needs": None if job.needs is None else [need.stored() for need in job.needs],
        }
        for job in plan.jobs
    ]


async def _record(request: Request, tx: Tx, verb: str, pipeline_id: int, grant: wire.Grant) -> None:
    target = ("pipeline", pipeline_id, f"project {grant.project_id}")
    await wire.gate(request).record(request, tx, f"pipeline.{verb}", target=target)


async def _full(ci: Ci, tx: Tx, project_id: int, pipeline_id: wire.Id) -> dict[str, Any]:
    row = await store.find(tx, project_id, pipeline_id)
    if row is None:
        raise not_found("404")
    project = await ci.directory.get_project(tx, project_id)
    return schemas.full(row, project, await ci.directory.get_user(tx, row["user_id"]))


def _filters(query: dict[str, str]) -> dict[str, Any]:
    filters: dict[str, Any] = {
        name: query.get(name) for name in ("ref", "sha", "status", "source", "name", "scope", "sort")
    }
    if query.get("order_by"):
        if query["order_by"] not in {"id", "status", "ref", "updated_at", "user_id"}:
            raise invalid("order_by does not have a valid value")
        filters["order_by"] = query["order_by"]
    for name in ("updated_after", "updated_before", "created_after", "created_before"):
        if query.get(name):
            try:
                moment = datetime.fromisoformat(query[name])
            except ValueError:
                raise invalid(f"{name} is invalid") from None
            if moment.tzinfo is None:
                raise invalid(f"{name} needs a time zone, such as Z")
            filters[name] = moment
    return filters


def _known(grant: wire.Grant) -> int:
    if grant.user_id is None:
        raise PlatformError(Kind.UNAUTHENTICATED, "401 Unauthorized")
    return grant.user_id
