"""Keeping runs true: what webhooks tell, what lost webhooks would have told, and the commits that end `dataops` runs.

Webhooks are hints that make things quick. The truth is asked of the forge again and again for every run that has not
ended, with the service's own credential, so a lost, late or forged hint can delay nothing for long and falsify nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from mlreef.kit import logs
from mlreef.kit.clock import Clock
from mlreef.kit.db import Database, Tx
from mlreef.kit.errors import Kind, PlatformError
from mlreef.management.runs import datasets, progress, store
from mlreef.management.runs.progress import JobNews
from mlreef.management.runs.records import Run, RunView
from mlreef.management.runs.transitions import ENDED_RUNS, ENDED_STEPS, RunStatus
from mlreef.management.usage import service as usage

log = logs.get(__name__)

ADOPT_AFTER = timedelta(seconds=5)
LOST_AFTER = timedelta(days=1)
GIVE_UP_AFTER = timedelta(minutes=5)
MAX_FINISH_ATTEMPTS = 20
FINISH_LEASE = timedelta(minutes=2)
Change = Callable[[Tx, RunView], Awaitable[object]]
_DEAD_PIPELINES = {"success", "failed", "canceled", "skipped"}


@dataclass(frozen=True, slots=True)
class PipelineNews:
    """What the forge says about a CI pipeline and all its jobs."""

    status: str
    jobs: Sequence[JobNews]


class CiPipelines(Protocol):
    """What upkeep asks of the forge."""

    async def find_pipeline(self, project_id: int, pipeline_id: int) -> PipelineNews | None:
        """A CI pipeline with its jobs; None when there is none any more."""
        ...

    async def find_started(self, run: Run, job_names: set[str]) -> int | None:
        """The CI pipeline that was made for a run whose start was cut off."""
        ...

    async def cancel(self, project_id: int, pipeline_id: int) -> None:
        """Cancel what still runs."""
        ...


@dataclass
class Upkeep:
    """One per process; safe to have in several."""

    db: Database
    clock: Clock
    ci: CiPipelines
    branches: Callable[[Run], datasets.Branches]
    notify: Callable[[str], None]
    wake_finisher: Callable[[], None] = lambda: None
    _attempts: dict[str, int] = field(default_factory=dict)

    async def reconcile(self) -> None:
        """Ask the forge about every run that has not ended."""
        async with self.db.read() as tx:
            runs = await store.list_open_runs(tx)
        for run in runs:
            try:
                await self.refresh(run)
            except PlatformError as exc:
                log.warning("run could not be refreshed", run=run.id, error=exc.message)
                await self._lost(run, exc)

    async def _lost(self, run: Run, error: PlatformError) -> None:
        """A project that was deleted, or closed to the service, will not tell how its jobs ended."""
        gone = error.kind in {Kind.NOT_FOUND, Kind.FORBIDDEN, Kind.GONE}
        if gone and self.now() - run.created_at > LOST_AFTER:
            reason = f"the forge no longer shows its project to this service: {error.message}"
            await self._change(run.id, lambda tx, view: progress.fail(tx, view, reason, now=self.now()))

    async def refresh(self, run: Run) -> None:
        """Ask the forge about one run."""
        if run.status == RunStatus.FINISHING:
            self.wake_finisher()
        elif run.ci_pipeline_id is None:
            await self._adopt(run)
        else:
            await self._take_over(run, run.ci_pipeline_id)

    async def _adopt(self, run: Run) -> None:
        """A start that was cut off between the forge's answer and our record of it."""
        age = self.clock.now() - run.created_at
        if age < ADOPT_AFTER:
            return
        async with self.db.read() as tx:
            view = await store.get_view(tx, run.id)
        names = {step.name for step in view.steps if step.status not in ENDED_STEPS}
        found = await self.ci.find_started(run, names)
        if found is not None:
            log.info("run adopted its CI pipeline", run=run.id, ci_pipeline=found)
            await self._change(run.id, lambda tx, view: progress.pipeline_recorded(tx, view, found, now=self.now()))
        elif age > GIVE_UP_AFTER:
            reason = "the forge did not create its CI pipeline"
            await self._change(run.id, lambda tx, view: progress.fail(tx, view, reason, now=self.now()))

    async def _take_over(self, run: Run, pipeline_id: int) -> None:
        news = await self.ci.find_pipeline(run.project_id, pipeline_id)
        if news is None:
            reason = "its CI pipeline is gone"
            await self._change(run.id, lambda tx, view: progress.fail(tx, view, reason, now=self.now()))
            return
        if run.cancel_requested and news.status not in _DEAD_PIPELINES:
            await self.ci.cancel(run.project_id, pipeline_id)
        for job in news.jobs:
            await self._change(run.id, functools.partial(self.job, news=job))
        if news.status in _DEAD_PIPELINES:
            await self._change(run.id, self._orphans)

    async def _orphans(self, tx: Tx, view: RunView) -> None:
        """The CI pipeline is over, so a step still open has no job that could end it."""
        if view.run.status in {RunStatus.CREATED, RunStatus.QUEUED, RunStatus.RUNNING}:
            await progress.fail(tx, view, "its CI pipeline ended without running every step", now=self.now())

    async def job(self, tx: Tx, view: RunView, news: JobNews) -> None:
        """Take over news of a job, and meter it when it has ended."""
        step = view.step(news.name)
        await progress.job_news(tx, view, news, now=self.now())
        if step is None or news.finished_at is None or step.ci_job_id != news.job_id:
            return
        run = view.run
        record = usage.FinishedJob(
            job_id=news.job_id,
            job_name=news.name,
            project_id=run.project_id,
            project_path=run.project_path,
            user_id=run.user_id,
            username=run.username,
            machine_class=step.machine,
            outcome=news.status,
            started_at=news.started_at,
            finished_at=news.finished_at,
            run_id=run.id,
            measured=usage.Measured(**((step.result or {}).get("usage") or {})),
        )
        await usage.record(tx, record, now=self.now())

    async def hear(self, project_id: int, pipeline_id: int, news: JobNews) -> bool:
        """A job's webhook; returns whether the job is one of a run."""
        async with self.db.read() as tx:
            run = await store.find_run_by_ci_pipeline(tx, project_id, pipeline_id)
        if run is None:
            return False
        await self._change(run.id, lambda tx, view: self.job(tx, view, news))
        return True

    async def hear_pipeline(self, project_id: int, pipeline_id: int, config_hash: str | None, status: str) -> bool:
        """A CI pipeline's webhook: a run that does not know it yet adopts it; when it is over, all jobs are asked."""
        async with self.db.read() as tx:
            run = await store.find_run_by_ci_pipeline(tx, project_id, pipeline_id)
            if run is None and config_hash is not None:
                run = await store.find_run_by_config(tx, config_hash)
                if run is not None and run.project_id != project_id:
                    run = None
        if run is None:
            return False
        if run.ci_pipeline_id is None:
            await self._change(
                run.id, lambda tx, view: progress.pipeline_recorded(tx, view, pipeline_id, now=self.now())
            )
        if status in _DEAD_PIPELINES and run.status not in ENDED_RUNS:
            await self._take_over(run, pipeline_id)
        return True

    def now(self) -> datetime:
        """The present instant."""
        return self.clock.now()

    async def _change(self, run_id: str, change: Change) -> RunView:
        async with self.db.write() as tx:
            view = await store.get_view(tx, run_id, lock=True)
            await change(tx, view)
            tx.after_commit(lambda: self.changed(view))
        return view

    def changed(self, view: RunView) -> None:
        """Tell watchers of a run, and the finisher when it is its turn."""
        self.notify(view.run.id)
        if view.run.status == RunStatus.FINISHING:
            self.wake_finisher()

    async def finish(self) -> None:
        """Commit the datasets of all runs that only lack it."""
        async with self.db.read() as tx:
            runs = await store.list_open_runs(tx, RunStatus.FINISHING)
        for run in runs:
            async with self.db.write() as tx:
                claimed = await store.claim_finish(tx, run.id, now=self.now(), until=self.now() + FINISH_LEASE)
            if not claimed:
                continue
            try:
                await self._finish(run)
                self._attempts.pop(run.id, None)
            except PlatformError as exc:
                await self._retry_or_fail(run, exc)
                async with self.db.write() as tx:
                    await store.release_finish(tx, run.id)

    async def _finish(self, run: Run) -> None:
        async with self.db.read() as tx:
            view = await store.get_view(tx, run.id)
            known = await store.find_dataset(tx, run.project_id, datasets.identity(view))
            needed = {out.digest for step in datasets.sinks(view) for out in view.outputs.get(step.id, [])}
            contents = {digest: await store.find_manifest(tx, run.project_id, digest) or b"" for digest in needed}
        tree = datasets.tree_of(view, contents)
        branches = self.branches(run)
        all_cached = run.cached_steps == len(view.steps)
        written = None
        if known is not None and all_cached and await branches.find_head(known["branch"]) is not None:
            written = datasets.Written(known["branch"], known["path"], known["commit"], len(tree.files), tree.size)
        written = written or await datasets.write(view, tree, branches)
        await self._change(run.id, lambda tx, view: self._finished(tx, view, written))

    async def _finished(self, tx: Tx, view: RunView, written: datasets.Written) -> None:
        await progress.finished(
            tx,
            view,
            branch=written.branch,
            path=written.path,
            commit=written.commit,
            files=written.files,
            size=written.size,
            now=self.now(),
        )
        values = {"branch": written.branch, "path": written.path, "commit": written.commit, "run_id": view.run.id}
        place = {"project_id": view.run.project_id, "tree": datasets.identity(view), "created_at": self.now()}
        await store.put_dataset(tx, {**place, **values})

    async def _retry_or_fail(self, run: Run, error: PlatformError) -> None:
        tries = self._attempts[run.id] = self._attempts.get(run.id, 0) + 1
        transient = error.kind in {Kind.UNAVAILABLE, Kind.RATE_LIMITED, Kind.CONFLICT}
        log.warning("dataset could not be committed", run=run.id, error=error.message, attempt=tries)
        if tries < (MAX_FINISH_ATTEMPTS if transient else 3):
            return
        self._attempts.pop(run.id, None)
        reason = f"the dataset could not be committed: {error.message}"
        await self._change(run.id, lambda tx, view: progress.fail(tx, view, reason, now=self.now()))
