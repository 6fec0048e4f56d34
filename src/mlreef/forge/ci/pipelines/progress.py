"""How a CI pipeline moves on: states of its jobs follow from one another, and the pipeline's from theirs.

Whoever changes a job locks its pipeline first, changes the job by compare-and-set, and calls `advance` in the same
transaction; webhooks are written there too, so that what they tell is true.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import statuses
from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.jobs import store as jobs_store
from mlreef.forge.ci.pipelines import events, store
from mlreef.forge.ci.runners import store as runners_store
from mlreef.forge.ci.statuses import Status
from mlreef.forge.hooks import outbox
from mlreef.kit.db import Tx


async def change_job(
    ci: Ci, tx: Tx, job_id: int, start: Collection[Status], end: Status, *, values: Mapping[str, Any] | None = None
) -> bool:
    """Move a job from one of `start` to `end` and tell the hooks; False when it was in another state."""
    allowed = [state for state in start if statuses.may(state, end)]
    now = ci.clock.now()
    stamped = {**(values or {}), "status": end.value, "updated_at": now}
    if end is Status.PENDING:
        stamped.setdefault("queued_at", now)
    if end in statuses.TERMINAL:
        stamped.setdefault("finished_at", now)
    if not await jobs_store.change(tx, job_id, allowed, stamped):
        return False
    if end is Status.PENDING:
        await wake_runners(ci, tx)
    if end in statuses.TERMINAL:
        tx.after_commit(lambda: ci.signals.wake("archive"))
    await tell_job(ci, tx, job_id)
    return True


async def wake_runners(ci: Ci, tx: Tx) -> None:
    """There may be work: change the queue's version and wake who waits, after the commit."""
    await runners_store.bump(tx)
    tx.after_commit(lambda: ci.signals.wake("queue"))


async def advance(ci: Ci, tx: Tx, pipeline_id: int) -> None:
    """Let jobs whose time has come begin, and set the pipeline's state to what its jobs say."""
    rows = await jobs_store.states(tx, pipeline_id)
    moves = statuses.advance([state_of(row) for row in rows])
    for job_id, status in moves.items():
        await change_job(ci, tx, job_id, [Status.CREATED], status)
    if moves:
        rows = await jobs_store.states(tx, pipeline_id)
    await _settle(ci, tx, pipeline_id, rows)


async def _settle(ci: Ci, tx: Tx, pipeline_id: int, rows: Sequence[RowMapping]) -> None:
    pipeline = await store.get(tx, pipeline_id)
    status = statuses.pipeline_status(state_of(row) for row in rows)
    if status.value == pipeline["status"]:
        return
    now = ci.clock.now()
    finished = now if status in statuses.TERMINAL else None
    started = pipeline["started_at"]
    if started is None and (status is Status.RUNNING or any(row["started_at"] for row in rows)):
        started = now
    await store.change(
        tx,
        pipeline_id,
        {"status": status.value, "updated_at": now, "started_at": started, "finished_at": finished},
    )
    await tell_pipeline(ci, tx, pipeline_id)


async def tell_job(ci: Ci, tx: Tx, job_id: int) -> None:
    """Write a Job Hook for those who listen."""
    job = await jobs_store.get(tx, job_id)
    if not await outbox.wants(tx, job["project_id"], "job_events"):
        return
    pipeline = await store.get(tx, job["pipeline_id"])
    project = await ci.directory.get_project(tx, job["project_id"])
    user = await ci.directory.get_user(tx, job["user_id"])
    runner = await runners_store.find(tx, job["runner_id"]) if job["runner_id"] else None
    payload = events.job_event(job, pipeline, project, user, runner)
    await outbox.put(tx, project.id, "job_events", payload, now=ci.clock.now(), branch=pipeline["ref"])
    tx.after_commit(lambda: ci.signals.wake("hooks"))


async def tell_pipeline(ci: Ci, tx: Tx, pipeline_id: int) -> None:
    """Write a Pipeline Hook for those who listen."""
    pipeline = await store.get(tx, pipeline_id)
    if not await outbox.wants(tx, pipeline["project_id"], "pipeline_events"):
        return
    project = await ci.directory.get_project(tx, pipeline["project_id"])
    user = await ci.directory.get_user(tx, pipeline["user_id"])
    payload = events.pipeline_event(pipeline, await jobs_store.newest(tx, pipeline_id), project, user)
    await outbox.put(tx, project.id, "pipeline_events", payload, now=ci.clock.now(), branch=pipeline["ref"])
    tx.after_commit(lambda: ci.signals.wake("hooks"))


def state_of(row: RowMapping) -> statuses.JobState:
    """A row as the state machine sees it."""
    needs = row["needs"]
    return statuses.JobState(
        id=row["id"],
        name=row["name"],
        stage_index=row["stage_index"],
        status=Status(row["status"]),
        when=row["when"],
        allow_failure=row["allow_failure"],
        needs=None if needs is None else tuple(need["name"] for need in needs),
    )
