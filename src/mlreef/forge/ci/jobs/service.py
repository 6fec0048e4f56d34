"""What may happen to a job: it ends, is cancelled, retried, played or erased.

A job's row reaches one terminal state and keeps it; retrying makes a new row that counts in the old one's place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import statuses
from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.jobs import store
from mlreef.forge.ci.pipelines import progress
from mlreef.forge.ci.pipelines import store as pipelines_store
from mlreef.forge.ci.statuses import Status
from mlreef.forge.ci.traces import store as traces_store
from mlreef.kit.db import Tx
from mlreef.kit.errors import forbidden, not_found

SYSTEM_FAILURES = frozenset({"runner_system_failure", "stuck_or_timeout_failure"})
RETRYABLE = frozenset({Status.SUCCESS, Status.FAILED, Status.CANCELED})
_CARRIED = (
    "pipeline_id", "project_id", "user_id", "name", "stage", "stage_index", "when", "allow_failure", "options",
    "variables", "needs", "dependencies", "tags", "timeout", "protected",
)  # fmt: skip


class NotPossible(Exception):
    """The job's state forbids it."""


async def get(tx: Tx, project_id: int, job_id: int) -> RowMapping:
    """A job of the project; hidden and missing answer alike."""
    job = await store.find_in_project(tx, project_id, job_id)
    if job is None:
        raise not_found("404")
    return job


def blank(values: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A new job's row: what is given, and the start values of everything else."""
    return {
        "status": Status.CREATED.value,
        "attempt": 1,
        "retried": False,
        "system_retries": 0,
        "cancel_gracefully": False,
        "acknowledged": False,
        "trace_size": 0,
        "trace_crc": 0,
        "checksum_faults": 0,
        "created_at": now,
        "updated_at": now,
        **values,
    }


async def finish(
    ci: Ci, tx: Tx, job_id: int, reported: Status, *, reason: str | None = None, exit_code: int | None = None
) -> bool:
    """End a job that a runner holds; False when it had ended already, which changes nothing."""
    job = await store.get(tx, job_id)
    await pipelines_store.lock(tx, job["pipeline_id"])
    job = await store.get(tx, job_id)
    start = Status(job["status"])
    end = statuses.finished_as(start, reported)
    values: dict[str, Any] = {"exit_code": exit_code}
    if end is Status.FAILED:
        values["failure_reason"] = reason or "unknown_failure"
        if exit_code is not None and exit_code in job["options"].get("allow_failure_exit_codes", ()):
            values["allow_failure"] = True
    if start not in statuses.ALIVE or not await progress.change_job(ci, tx, job_id, [start], end, values=values):
        return False
    if end is Status.FAILED and await _retries_itself(ci, tx, job, values["failure_reason"], exit_code):
        system = values["failure_reason"] in SYSTEM_FAILURES
        await _again(ci, tx, job, system_retries=job["system_retries"] + int(system))
    await progress.advance(ci, tx, job["pipeline_id"])
    return True


async def cancel(ci: Ci, tx: Tx, job: RowMapping) -> None:
    """Cancel what has not ended: at once, or gracefully when the runner knows how."""
    await pipelines_store.lock(tx, job["pipeline_id"])
    await cancel_locked(ci, tx, job["id"])
    await progress.advance(ci, tx, job["pipeline_id"])


async def cancel_locked(ci: Ci, tx: Tx, job_id: int) -> None:
    """The same while the pipeline is locked and without advancing it."""
    job = await store.get(tx, job_id)
    status = Status(job["status"])
    if status is Status.RUNNING and job["cancel_gracefully"]:
        await progress.change_job(ci, tx, job_id, [Status.RUNNING], Status.CANCELING)
    elif status is Status.RUNNING or status in statuses.UNSTARTED:
        await progress.change_job(ci, tx, job_id, [status], Status.CANCELED)


async def retry(ci: Ci, tx: Tx, job: RowMapping) -> int:
    """Start a job again as a new row and return its id; jobs skipped because of it get their chance again."""
    await pipelines_store.lock(tx, job["pipeline_id"])
    job = await store.get(tx, job["id"])
    if job["retried"] or Status(job["status"]) not in RETRYABLE:
        raise forbidden("Job is not retryable")
    new_id = await renew(ci, tx, job)
    await progress.advance(ci, tx, job["pipeline_id"])
    return new_id


async def play(ci: Ci, tx: Tx, job: RowMapping) -> int:
    """Start a manual job and return the id of the job that runs: a new one when it had ended before."""
    await pipelines_store.lock(tx, job["pipeline_id"])
    if await progress.change_job(ci, tx, job["id"], [Status.MANUAL], Status.PENDING):
        await progress.advance(ci, tx, job["pipeline_id"])
        return int(job["id"])
    if job["when"] == "manual" and Status(job["status"]) in RETRYABLE:
        return await retry(ci, tx, job)
    raise NotPossible


async def erase(ci: Ci, tx: Tx, job: RowMapping) -> None:
    """Forget an ended job's trace and artifacts."""
    if Status(job["status"]) not in statuses.TERMINAL or job["erased_at"] is not None:
        raise forbidden("Job is not erasable!")
    await traces_store.drop(tx, job["id"])
    await store.drop_artifacts(tx, job["id"])
    values = {"erased_at": ci.clock.now(), "trace_digest": None, "trace_size": 0, "trace_crc": 0}
    await store.change(tx, job["id"], [Status(job["status"])], values)


async def renew(ci: Ci, tx: Tx, job: RowMapping) -> int:
    """A new row for the job, and for those after it that were skipped; the pipeline is locked."""
    new_id = await _again(ci, tx, job)
    rows = await store.newest(tx, job["pipeline_id"])
    after = _after(job, rows)
    for row in rows:
        if row["name"] in after and row["status"] == Status.SKIPPED.value:
            await _clone(ci, tx, row)
    return new_id


def _after(job: RowMapping, rows: Sequence[RowMapping]) -> set[str]:
    reached = {job["name"]}
    while True:
        more = {row["name"] for row in rows if _follows(row, reached, job["stage_index"])} - reached
        if not more:
            return reached - {job["name"]}
        reached |= more


def _follows(row: RowMapping, reached: set[str], stage_index: int) -> bool:
    if row["needs"] is None:
        return bool(row["stage_index"] > stage_index)
    return any(need["name"] in reached for need in row["needs"])


async def _again(ci: Ci, tx: Tx, job: RowMapping, *, system_retries: int = 0) -> int:
    new_id = await _clone(ci, tx, job, system_retries=system_retries)
    await progress.change_job(ci, tx, new_id, [Status.CREATED], Status.PENDING)
    return new_id


async def _clone(ci: Ci, tx: Tx, job: RowMapping, *, system_retries: int = 0) -> int:
    await store.mark_retried(tx, job["id"])
    values = {key: job[key] for key in _CARRIED}
    more = {"attempt": job["attempt"] + 1, "system_retries": system_retries}
    return await store.insert_job(tx, blank({**values, **more}, ci.clock.now()))


async def _retries_itself(ci: Ci, tx: Tx, job: RowMapping, reason: str, exit_code: int | None) -> bool:
    if reason in SYSTEM_FAILURES and job["system_retries"] < ci.settings.system_retries:
        return True
    wanted = job["options"].get("retry")
    if not wanted or await store.retries(tx, job["pipeline_id"], job["name"]) >= wanted["max"]:
        return False
    if exit_code is not None and exit_code in wanted["exit_codes"]:
        return True
    listed = wanted["when"]
    return reason in listed or ("always" in listed and not wanted["exit_codes"])
