"""The states of jobs and CI pipelines, and every decision about them, free of database and HTTP.

A job moves created -> pending -> running -> one terminal state and never leaves that; retrying makes a new row. A
pipeline's state is derived from its newest jobs exactly as GitLab composes it
(https://docs.gitlab.com/ci/jobs/#available-job-statuses).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """A job's or CI pipeline's state on the wire."""

    CREATED = "created"
    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELING = "canceling"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    MANUAL = "manual"


TERMINAL = frozenset({Status.SUCCESS, Status.FAILED, Status.CANCELED, Status.SKIPPED})
ALIVE = frozenset({Status.RUNNING, Status.CANCELING})
"""A runner holds the job and its token is valid."""
UNSTARTED = frozenset({Status.CREATED, Status.PENDING, Status.MANUAL})

TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.CREATED: frozenset({Status.PENDING, Status.MANUAL, Status.SKIPPED, Status.CANCELED}),
    Status.MANUAL: frozenset({Status.PENDING, Status.CANCELED, Status.SKIPPED}),
    Status.PENDING: frozenset({Status.RUNNING, Status.CANCELED, Status.FAILED}),
    # Back to pending only when the runner never acknowledged the job: nobody runs it.
    Status.RUNNING: frozenset(
        {Status.SUCCESS, Status.FAILED, Status.CANCELED, Status.CANCELING, Status.PENDING},
    ),
    Status.CANCELING: frozenset({Status.CANCELED}),
    Status.SUCCESS: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELED: frozenset(),
    Status.SKIPPED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class JobState:
    """What deciding needs to know of a job."""

    id: int
    name: str
    stage_index: int
    status: Status
    when: str
    allow_failure: bool
    needs: tuple[str, ...] | None


def may(start: Status, end: Status) -> bool:
    """Whether a job may go from `start` to `end`."""
    return end in TRANSITIONS[start]


def finished_as(status: Status, reported: Status) -> Status:
    """The terminal state that a runner's report means: a job being cancelled ends cancelled, whatever it says."""
    return Status.CANCELED if status is Status.CANCELING else reported


def advance(jobs: Sequence[JobState]) -> dict[int, Status]:
    """New states of `created` jobs whose time has come, carried on until nothing more changes."""
    now = {job.id: job.status for job in jobs}
    changed: dict[int, Status] = {}
    waiting = [job for job in jobs if job.status is Status.CREATED]
    while moved := _moves(waiting, jobs, now):
        now.update(moved)
        changed.update(moved)
        waiting = [job for job in waiting if job.id not in moved]
    return changed


def composite(states: Iterable[tuple[Status, bool]], *, needs: bool = False) -> str | None:
    """The state of several jobs together, each with its `allow_failure`; None when there are none."""
    kinds = {_kind(status, allowed) for status, allowed in states}
    if not kinds:
        return None
    if needs and kinds & {"skipped", "ignored"}:
        return "skipped"
    if needs and not kinds <= {"success", "failed", "canceled", "warnings"}:
        return "pending"
    for wanted, result in _ONLY:
        if kinds <= wanted:
            return result
    return next((result for kind, result in _ANY if kind in kinds), "failed")


def pipeline_status(jobs: Iterable[JobState]) -> Status:
    """The state of a CI pipeline with these newest jobs."""
    return Status(composite([(job.status, job.allow_failure) for job in jobs]) or Status.SKIPPED)


_IGNORABLE = {"warnings", "ignored"}
_ONLY: tuple[tuple[set[str], str], ...] = (
    ({"skipped", "ignored"}, "skipped"),
    ({"success", "skipped"} | _IGNORABLE, "success"),
    ({"created"} | _IGNORABLE, "created"),
    ({"canceled", "success", "skipped"} | _IGNORABLE, "canceled"),
    ({"pending", "created", "skipped"} | _IGNORABLE, "pending"),
)
_ANY: tuple[tuple[str, str], ...] = (
    ("running", "running"),
    ("pending", "running"),
    ("canceling", "canceling"),
    ("manual", "manual"),
    ("created", "running"),
)


def _kind(status: Status, allowed: bool) -> str:
    if allowed and status in {Status.FAILED, Status.CANCELED}:
        return "warnings"
    if allowed and status is Status.MANUAL:
        return "ignored"
    return status.value


def _moves(waiting: Sequence[JobState], jobs: Sequence[JobState], now: Mapping[int, Status]) -> dict[int, Status]:
    by_name = {job.name: job for job in jobs}
    stages: dict[int, str | None] = {}
    moves = {}
    for job in waiting:
        if job.needs is not None:
            needed = [by_name[name] for name in job.needs if name in by_name]
            before = composite([(now[other.id], other.allow_failure) for other in needed], needs=True)
        else:
            if job.stage_index not in stages:
                earlier = [other for other in jobs if other.stage_index < job.stage_index]
                stages[job.stage_index] = composite([(now[other.id], other.allow_failure) for other in earlier])
            before = stages[job.stage_index]
        decision = _decide(job, before or "success")
        if decision is not None:
            moves[job.id] = decision
    return moves


def _decide(job: JobState, before: str) -> Status | None:
    if before not in {"success", "failed", "canceled", "skipped"}:
        return None
    if job.when == "always":
        wanted = {"success", "failed", "skipped"}
    elif job.when == "on_failure":
        wanted = {"failed"}
    else:
        wanted = {"success"} if job.needs is not None else {"success", "skipped"}
    if before not in wanted:
        return Status.SKIPPED
    return Status.MANUAL if job.when == "manual" else Status.PENDING
