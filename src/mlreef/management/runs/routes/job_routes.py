"""What a step's job sends and fetches while it works; `GET jobs/current` and its result are dispatched in `jobs`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from mlreef.kit.errors import not_found
from mlreef.management import bodies
from mlreef.management.access import guards
from mlreef.management.access.identity import JobIdentity
from mlreef.management.experiments import schemas as measurements
from mlreef.management.experiments import service as experiments
from mlreef.management.experiments.writer import Batch
from mlreef.management.runs import assembly, jobs, manifests, store
from mlreef.management.runs.background import StepSubject
from mlreef.management.runs.records import Run, Step
from mlreef.management.runs.transitions import ENDED_STEPS
from mlreef.management.state import State

router = APIRouter(prefix="/jobs/current", tags=["jobs"])


async def _step(state: State, job: JobIdentity) -> tuple[Run, Step]:
    found = await StepSubject(state).find(job)
    if found is None:
        raise not_found("Step")
    return found


MAX_BINDINGS = 10_000


async def _reporting(state: State, job: JobIdentity) -> tuple[str, str, bool]:
    """The run and step of a job that reports, and whether the step still takes reports; one query once bound."""
    bindings = assembly.work(state).bindings
    key = (job.project_id, job.pipeline_id, job.job_id)
    if key not in bindings:
        run, step = await _step(state, job)
        if step.ci_job_id != job.job_id:
            return run.id, step.id, step.status not in ENDED_STEPS
        if len(bindings) >= MAX_BINDINGS:
            bindings.clear()
        bindings[key] = (run.id, step.id)
    run_id, step_id = bindings[key]
    async with state.db.read() as tx:
        status = await store.step_status(tx, step_id)
    return run_id, step_id, status is not None and status not in ENDED_STEPS


async def _body(state: State, request: Request) -> bytes:
    return await bodies.read(request, state.settings.max_job_request_bytes)


@router.get("/manifests/{digest}", openapi_extra={"policy": "job"})
async def get_manifest(state: guards.Resources, job: guards.Job, digest: str) -> Response:
    """The tree manifest of an output that this step reads."""
    run, step = await _step(state, job)
    async with state.db.read() as tx:
        view = await store.get_view(tx, run.id)
        content = await store.find_manifest(tx, run.project_id, digest) if jobs.may_read(view, step, digest) else None
    if content is None:
        raise not_found("Manifest")
    return Response(content, media_type="application/json")


@router.put("/outputs/{name}", openapi_extra={"policy": "job"})
async def put_output(state: guards.Resources, job: guards.Job, name: str, request: Request) -> dict[str, Any]:
    """Record what an output holds; its bytes are in the project's LFS store already."""
    run, step = await _step(state, job)
    manifest = manifests.check(await _body(state, request))
    async with state.db.write() as tx:
        output = await jobs.put_output(tx, run.id, step.name, name, manifest, now=state.clock.now())
    return {"name": output.name, "digest": output.digest, "files": output.files, "bytes": output.bytes}


@router.post("/metrics", openapi_extra={"policy": "job"})
async def add_metrics(state: guards.Resources, job: guards.Job, request: Request) -> dict[str, Any]:
    """Store metric points; the answer comes when they are durable."""
    return await _measure(state, job, "metric", measurements.metrics(await _body(state, request)))


@router.post("/resources", openapi_extra={"policy": "job"})
async def add_resources(state: guards.Resources, job: guards.Job, request: Request) -> dict[str, Any]:
    """Store what the job used."""
    return await _measure(state, job, "resource", measurements.resources(await _body(state, request)))


async def _measure(state: State, job: JobIdentity, family: str, report: measurements.Report) -> dict[str, Any]:
    run_id, step_id, accepted = await _reporting(state, job)
    if accepted:
        await assembly.work(state).writer.put(Batch(run_id, step_id, family, report.points, report.sequence))
    return {"accepted": accepted}


@router.post("/params", openapi_extra={"policy": "job"})
async def add_parameters(state: guards.Resources, job: guards.Job, request: Request) -> dict[str, Any]:
    """Record parameters that the program reports; those of the definition stay."""
    given = measurements.parameters(await _body(state, request))
    run_id, step_id, accepted = await _reporting(state, job)
    if accepted:
        async with state.db.write() as tx:
            await experiments.report_parameters(tx, step_id, given)
            await store.update_run(tx, run_id)
            tx.after_commit(lambda: state.notices.publish(run_id))
    return {"accepted": accepted}
