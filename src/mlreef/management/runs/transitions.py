"""The states of steps and runs, as pure functions: what a job's end means, what follows from it.

Terminal states never change. A step succeeds only when its job succeeded *and* the processor reported success; every
other end is a failure with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class StepStatus(StrEnum):
    """Where a step is."""

    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELED = "canceled"
    CACHED = "cached"


class RunStatus(StrEnum):
    """Where a run is."""

    CREATED = "created"
    QUEUED = "queued"
    RUNNING = "running"
    FINISHING = "finishing"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"


GOOD_STEPS = frozenset({StepStatus.SUCCESS, StepStatus.CACHED})
ENDED_STEPS = GOOD_STEPS | {StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELED}
ENDED_RUNS = frozenset({RunStatus.SUCCESS, RunStatus.FAILED, RunStatus.CANCELED})

_ALIVE = {
    "created": StepStatus.WAITING,
    "waiting_for_resource": StepStatus.QUEUED,
    "preparing": StepStatus.QUEUED,
    "pending": StepStatus.QUEUED,
    "scheduled": StepStatus.QUEUED,
    "manual": StepStatus.QUEUED,
    "running": StepStatus.RUNNING,
    "canceling": StepStatus.RUNNING,
}
_RANK = {StepStatus.WAITING: 0, StepStatus.QUEUED: 1, StepStatus.RUNNING: 2}

_FAILURES = {
    "job_execution_timeout": ("timeout", "the job ran longer than its limit"),
    "stuck_or_timeout_failure": ("stuck", "no runner took the job in time, or the runner fell silent"),
    "runner_system_failure": ("runner_system_failure", "the runner failed before the processor ended"),
    "runner_unsupported": ("runner_unsupported", "the runner cannot run this job"),
    "image_pull_failure": ("image_pull_failure", "the runner could not get the processor's image"),
    "image_signature": ("image_signature", "the processor's image is not signed by a key that the runner trusts"),
    "script_failure": ("no_result", "the job failed without reporting a result; its log says why"),
}


@dataclass(frozen=True, slots=True)
class Result:
    """What the framework reported at the end of a processor."""

    status: str  # success | failed
    reason: str | None = None
    exit_code: int | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class StepEnd:
    """A step's terminal state and why."""

    status: StepStatus
    reason: str | None = None
    message: str | None = None
    exit_code: int | None = None


def alive(job_status: str, present: StepStatus) -> StepStatus:
    """The state of a step whose job has not ended; never goes back, because events may come late."""
    told = _ALIVE.get(job_status, present)
    return told if _RANK.get(told, 0) > _RANK.get(present, 0) else present


def job_ended(job_status: str, failure_reason: str | None, result: Result | None, *, cached: bool) -> StepEnd | None:
    """What the end of a job means for its step; None when that status is no end."""
    if job_status == "canceled":
        return StepEnd(StepStatus.CANCELED, "canceled")
    if job_status == "skipped":
        return StepEnd(StepStatus.SKIPPED, "skipped")
    if job_status not in {"success", "failed"}:
        return None
    if result is not None and result.status != "success":
        return StepEnd(StepStatus.FAILED, result.reason or "killed", result.message, result.exit_code)
    if job_status == "success":
        if result is None and not cached:
            return StepEnd(StepStatus.FAILED, "no_result", "the job ended without reporting a result")
        return StepEnd(StepStatus.CACHED if cached else StepStatus.SUCCESS)
    reason, message = _FAILURES.get(
        failure_reason or "script_failure", (failure_reason or "job_failed", f"the job failed: {failure_reason}")
    )
    if result is not None or cached:
        message = f"the processor reported success, but its job failed: {message}"
        reason = "job_failed" if reason == "no_result" else reason
    return StepEnd(StepStatus.FAILED, reason, message)


class StepState(Protocol):
    """What the rules look at in a step."""

    @property
    def name(self) -> str: ...
    @property
    def status(self) -> StepStatus: ...
    @property
    def needs(self) -> Sequence[str]: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def exit_code(self) -> int | None: ...


def to_skip(steps: Sequence[StepState]) -> dict[str, str]:
    """Steps that can no longer run, each with the reason; `steps` are in topological order."""
    bad: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for step in steps:
        if step.status not in ENDED_STEPS:
            blocker = next((name for name in step.needs if name in bad), None)
            if blocker is not None:
                skipped[step.name] = f'step "{blocker}" {bad[blocker]}'
                bad[step.name] = "was skipped"
        elif step.status not in GOOD_STEPS:
            words: Mapping[StepStatus, str] = {StepStatus.FAILED: "failed", StepStatus.CANCELED: "was canceled"}
            bad[step.name] = words.get(step.status, "was skipped")
    return skipped


def failure(step: StepState) -> str:
    """One sentence on why a failed step failed, for the run's own reason."""
    reason = step.reason or "unknown reason"
    if reason == "exit_code":
        return f'step "{step.name}" failed: exit code {step.exit_code}'
    return f'step "{step.name}" failed: {reason.replace("_", " ")}'


def run_state(present: RunStatus, steps: Sequence[StepState], *, commits: bool) -> tuple[RunStatus, str | None]:
    """What the states of its steps make of a run; `commits` says that a dataset is committed at the end."""
    if present in ENDED_RUNS:
        return present, None
    if any(step.status not in ENDED_STEPS for step in steps):
        begun = any(step.status == StepStatus.RUNNING for step in steps)
        return (RunStatus.RUNNING if begun else present), None
    failed = next((step for step in steps if step.status == StepStatus.FAILED), None)
    if failed is not None:
        return RunStatus.FAILED, failure(failed)
    if any(step.status not in GOOD_STEPS for step in steps):
        return RunStatus.CANCELED, "canceled"
    return (RunStatus.FINISHING if commits else RunStatus.SUCCESS), None
