"""Runs without anybody's request: reconciliation, dataset commits, webhooks, and what jobs are for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from mlreef.clients.forge_models import Job
from mlreef.kit.errors import Kind, PlatformError, not_found, unavailable
from mlreef.kit.tasks import Loop
from mlreef.management.access.identity import JobIdentity
from mlreef.management.hooks.dispatch import JOB, PIPELINE, Event, Handler
from mlreef.management.processors import service as processors
from mlreef.management.runs import assembly, forge_side, jobs, store
from mlreef.management.runs.progress import JobNews
from mlreef.management.runs.records import Run, Step
from mlreef.management.state import State

RECORD_WAIT = 1.0


def loops(state: State) -> list[Loop]:
    """The loops of runs."""
    work = assembly.work(state)
    return [work.reconciler, work.finisher, work.measurements]


def handlers(state: State) -> list[Handler]:
    """Webhooks about jobs and CI pipelines."""
    upkeep = assembly.work(state).upkeep

    async def hear(event: Event) -> None:
        if event.kind == JOB and event.pipeline_id is not None:
            news = _job_news(event.body)
            if news is not None:
                await upkeep.hear(event.project_id, event.pipeline_id, news)
        elif event.kind == PIPELINE and event.pipeline_id is not None:
            told = event.body.get("object_attributes") or {}
            config = forge_side.config_hash(told.get("variables") or [])
            await upkeep.hear_pipeline(event.project_id, event.pipeline_id, config, str(told.get("status")))

    return [hear]


def _job_news(body: Mapping[str, Any]) -> JobNews | None:
    try:
        duration = body.get("build_duration")
        return JobNews(
            job_id=int(body["build_id"]),
            name=str(body["build_name"]),
            status=str(body["build_status"]),
            failure_reason=body.get("build_failure_reason"),
            started_at=forge_side.parse_time(body.get("build_started_at")),
            finished_at=forge_side.parse_time(body.get("build_finished_at")),
            duration=float(duration) if duration is not None else None,
        )
    except (KeyError, TypeError, ValueError):
        return None


def subjects(state: State) -> list[StepSubject]:
    """Steps are what jobs of runs are for."""
    return [StepSubject(state)]


class StepSubject:
    """Jobs that carry out steps; see `jobs.dispatch.Subject`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def find(self, job: JobIdentity) -> tuple[Run, Step] | None:
        """The run and step of a job, bound by CI pipeline and name; None for jobs of something else."""
        run = await self._run(job)
        if run is None:
            return None
        async with self._state.db.read() as tx:
            step = await jobs.bind(tx, run, job.job_id, None)
        if step is None:
            name = (await self._forge_job(job)).name
            async with self._state.db.read() as tx:
                step = await jobs.bind(tx, run, job.job_id, name)
        if step is None:
            raise not_found("Step")
        return run, step

    async def _forge_job(self, job: JobIdentity) -> Job:
        """The signed identity has no name; the forge knows it."""
        try:
            found = await self._state.bot.get_job(job.project_id, job.job_id)
        except PlatformError as exc:
            if exc.kind in {Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.NOT_FOUND}:
                raise unavailable(f"the service account cannot read the job: {exc.message}") from exc
            raise
        if found.pipeline_id not in {None, job.pipeline_id}:
            raise not_found("Step")
        return found

    async def _run(self, job: JobIdentity) -> Run | None:
        # A quick runner asks before the answer to "create this CI pipeline" has been recorded.
        deadline = asyncio.get_running_loop().time() + RECORD_WAIT
        while True:
            async with self._state.db.read() as tx:
                run = await store.find_run_by_ci_pipeline(tx, job.project_id, job.pipeline_id)
                waiting = [] if run is not None else await store.list_unrecorded(tx, job.project_id)
            if run is not None or not waiting:
                return run
            if asyncio.get_running_loop().time() > deadline:
                assembly.work(self._state).reconciler.wake()
                raise unavailable("the run of this CI pipeline is not recorded yet; ask again")
            await asyncio.sleep(0.1)

    async def current(self, job: JobIdentity) -> Mapping[str, Any] | None:
        """The step's specification."""
        found = await self.find(job)
        if found is None:
            return None
        run, step = found
        state = self._state
        async with state.db.write() as tx:
            view, begun = await jobs.begin(tx, run.id, step.name, job.job_id, now=state.clock.now())
            contents = await store.list_manifests(tx, run.project_id, jobs.small_inputs(view, begun))
            wanted = (await processors.asked(tx, [begun.version_id]))[begun.version_id]
            tx.after_commit(lambda: state.notices.publish(run.id))
        return jobs.specification(
            view,
            begun,
            capacity=assembly.capacity(state, begun.machine, wanted),
            forge=jobs.Forge(state.settings.public_forge_url),
            manifests=contents,
        )

    async def result(self, job: JobIdentity, body: Any) -> Mapping[str, Any] | None:
        """Record how the processor ended."""
        found = await self.find(job)
        if found is None:
            return None
        run, step = found
        result = jobs.parse_result(body)
        async with self._state.db.write() as tx:
            answer = await jobs.put_result(tx, run.id, step.name, result, now=self._state.clock.now())
            tx.after_commit(lambda: self._state.notices.publish(run.id))
        return answer
