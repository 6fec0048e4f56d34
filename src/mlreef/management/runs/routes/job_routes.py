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
    run, step = await _step(state, job)
    report = measurements.metrics(await _body(state, request))
    return await _measure(state, run, step, "metric", report)


@router.post("/resources", openapi_extra={"policy": "job"})
async def add_resources(state: guards.Resources, job: guards.Job, request: Request) -> dict[str, Any]:
    """Store what the job used."""
    run, step = await _step(state, job)
    report = measurements.resources(await _body(state, request))
    return await _measure(state, run, step, "resource", report)


async def _measure(state: State, run: Run, step: Step, family: str, report: measurements.Report) -> dict[str, Any]:
    accepted = step.status not in ENDED_STEPS
    if accepted:
        await assembly.work(state).writer.put(Batch(run.id, step.id, family, report.points, report.sequence))
    return {"accepted": accepted}


@router.post("/params", openapi_extra={"policy": "job"})
async def add_parameters(state: guards.Resources, job: guards.Job, request: Request) -> dict[str, Any]:
    """Record parameters that the program reports; those of the definition stay."""
    run, step = await _step(state, job)
    given = measurements.parameters(await _body(state, request))
    accepted = step.status not in ENDED_STEPS
    if accepted:
        async with state.db.write() as tx:
            await experiments.report_parameters(tx, step.id, given)
            await store.update_run(tx, run.id)
            tx.after_commit(lambda: state.notices.publish(run.id))
    return {"accepted": accepted}
