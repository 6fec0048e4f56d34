"""What happens to a run after its start: news of its jobs, results, cancellation, and what follows from each.

Every change goes through `settle`, which skips what can no longer run and gives the run the state its steps make. All
of it runs in the caller's transaction with the run's row locked, so that events may come twice, late or in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mlreef.kit import logs
from mlreef.kit.db import Tx
from mlreef.management.experiments import service as experiments
from mlreef.management.runs import caching, store, transitions
from mlreef.management.runs.records import Run, RunView, Step
from mlreef.management.runs.transitions import ENDED_RUNS, ENDED_STEPS, RunStatus, StepEnd, StepStatus

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class JobNews:
    """What the forge says about a CI job."""

    job_id: int
    name: str
    status: str
    failure_reason: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration: float | None = None


async def began(tx: Tx, view: RunView) -> None:
    """Make the experiments of a new run, so that they are listed from the first moment."""
    if view.run.kind != "experiment":
        return
    for step in view.steps:
        if step.processor_kind == "algorithm":
            await experiments.create(
                tx,
                experiments.New(
                    project_id=step.project_id,
                    run_id=step.run_id,
                    step_id=step.id,
                    source=step.cached_from or step.id,
                    name=view.run.name if _is_only(view, step) else f"{view.run.name} / {step.name}",
                    parameters=step.parameters,
                    created_at=view.run.created_at,
                ),
            )


def _is_only(view: RunView, step: Step) -> bool:
    return all(one is step or one.processor_kind != "algorithm" for one in view.steps)


async def pipeline_recorded(tx: Tx, view: RunView, ci_pipeline_id: int, *, now: datetime) -> None:
    """The forge accepted the CI pipeline; said twice, it changes nothing."""
    run = view.run
    if run.ci_pipeline_id is not None:
        return
    run.ci_pipeline_id = ci_pipeline_id
    if run.status == RunStatus.CREATED:
        run.status = RunStatus.QUEUED
    await store.update_run(tx, run.id, ci_pipeline_id=ci_pipeline_id, status=run.status.value)
    await settle(tx, view, now=now)


async def fail(tx: Tx, view: RunView, reason: str, *, now: datetime) -> None:
    """End a run that cannot go on; its open steps are skipped."""
    if view.run.status in ENDED_RUNS:
        return
    for step in view.steps:
        if step.status not in ENDED_STEPS:
            await end_step(tx, step, StepEnd(StepStatus.SKIPPED, "run_failed", reason), now=now)
    await _end_run(tx, view.run, RunStatus.FAILED, reason, now)


async def job_news(tx: Tx, view: RunView, news: JobNews, *, now: datetime) -> None:
    """Take over what the forge says about one job. Terminal states stay as they are."""
    step = view.step(news.name)
    if step is None or step.status in ENDED_STEPS or step.ci_job_id not in {None, news.job_id}:
        return
    before = (step.status, step.ci_job_id, step.started_at)
    if step.ci_job_id is None:
        step.ci_job_id = news.job_id
    if news.started_at is not None:
        step.started_at = news.started_at
    end = transitions.job_ended(news.status, news.failure_reason, step.reported(), cached=step.cached)
    if end is not None:
        await end_step(tx, step, end, now=news.finished_at or now, duration=news.duration)
        await settle(tx, view, now=now, changed=True)
        return
    step.status = transitions.alive(news.status, step.status)
    if (step.status, step.ci_job_id, step.started_at) == before:
        return
    await store.update_step(tx, step.id, status=step.status.value, ci_job_id=step.ci_job_id, started_at=step.started_at)
    await settle(tx, view, now=now, changed=True)


async def end_step(tx: Tx, step: Step, end: StepEnd, *, now: datetime, duration: float | None = None) -> None:
    """Give a step its terminal state; a success enters the cache."""
    step.status, step.reason, step.message, step.exit_code = end.status, end.reason, end.message, end.exit_code
    step.finished_at = now
    if step.started_at is not None:
        step.duration_s = duration if duration is not None else (now - step.started_at).total_seconds()
    await store.update_step(
        tx,
        step.id,
        status=step.status.value,
        reason=step.reason,
        message=step.message,
        exit_code=step.exit_code,
        ci_job_id=step.ci_job_id,
        started_at=step.started_at,
        finished_at=step.finished_at,
        duration_s=step.duration_s,
    )
    if step.status == StepStatus.SUCCESS:
        await store.put_cached(tx, step, now)


async def settle(tx: Tx, view: RunView, *, now: datetime, changed: bool = False) -> None:
    """Skip what can no longer run and give the run the state its steps make."""
    run = view.run
    for name, why in transitions.to_skip(view.steps).items():
        step = view.step(name)
        if step is not None:
            await end_step(tx, step, StepEnd(StepStatus.SKIPPED, "upstream", why), now=now)
    commits = run.kind == "dataops" and run.target_branch is not None
    status, reason = transitions.run_state(run.status, view.steps, commits=commits)
    values = _begin(run, view, now)
    if status in ENDED_RUNS and run.status not in ENDED_RUNS:
        await _end_run(tx, run, status, reason, now)
    elif status != run.status:
        run.status = status
        await store.update_run(tx, run.id, status=status.value, **values)
    elif changed or values:
        await store.update_run(tx, run.id, **values)


def _begin(run: Run, view: RunView, now: datetime) -> dict[str, object]:
    started = sum(step.ci_job_id is not None and step.started_at is not None for step in view.steps)
    values: dict[str, object] = {}
    if run.started_at is None and any(step.started_at is not None for step in view.steps):
        run.started_at = values["started_at"] = min(one.started_at for one in view.steps if one.started_at is not None)
    if started != run.jobs_started:
        run.jobs_started = values["jobs_started"] = started
    return values


async def _end_run(tx: Tx, run: Run, status: RunStatus, reason: str | None, now: datetime) -> None:
    run.status, run.reason, run.finished_at = status, reason, now
    await store.update_run(
        tx,
        run.id,
        status=status.value,
        reason=reason,
        finished_at=now,
        started_at=run.started_at,
        jobs_started=run.jobs_started,
    )
    log.info("run ended", run=run.id, status=status.value, reason=reason)


async def finished(
    tx: Tx, view: RunView, *, branch: str, path: str, commit: str, files: int, size: int, now: datetime
) -> None:
    """The dataset's commit exists: only now is the run a success."""
    run = view.run
    if run.status != RunStatus.FINISHING:
        return
    run.target_branch, run.target_path, run.dataset_commit = branch, path, commit
    run.dataset_files, run.dataset_bytes = files, size
    await store.update_run(
        tx,
        run.id,
        target_branch=branch,
        target_path=path,
        dataset_commit=commit,
        dataset_files=files,
        dataset_bytes=size,
    )
    await _end_run(tx, run, RunStatus.SUCCESS, None, now)


async def canceled(tx: Tx, view: RunView, *, now: datetime, by: str) -> bool:
    """Record that a run shall end; steps without a job end at once. Returns whether anything was to cancel."""
    run = view.run
    if run.status in ENDED_RUNS:
        return False
    run.cancel_requested = True
    await store.update_run(tx, run.id, cancel_requested=True)
    if run.ci_pipeline_id is None or run.status in {RunStatus.CREATED, RunStatus.FINISHING}:
        for step in view.steps:
            if step.status not in ENDED_STEPS:
                await end_step(tx, step, StepEnd(StepStatus.CANCELED, "canceled", f"canceled by {by}"), now=now)
        await _end_run(tx, run, RunStatus.CANCELED, f"canceled by {by}", now)
    return True


async def early_cutoff(tx: Tx, view: RunView, step: Step, *, now: datetime) -> bool:
    """When a job asks for its work, its inputs are known: take a hit then. Returns whether it was one."""
    if step.cached:
        return True
    key = caching.key_of(step, view.digests())
    if key is None:
        return False
    hit = await caching.take_hit(tx, step, key) if view.run.use_cache else None
    step.cache_key = key
    await store.update_step(
        tx,
        step.id,
        cache_key=key,
        cache_reason=step.cache_reason,
        cached=step.cached,
        cached_from=step.cached_from,
        result=step.result,
    )
    if hit is None:
        return False
    view.outputs[step.id] = hit
    view.run.cached_steps += 1
    await store.update_run(tx, view.run.id, cached_steps=view.run.cached_steps)
    if step.cached_from is not None:
        await experiments.repoint(tx, step.id, step.cached_from)
    return True
