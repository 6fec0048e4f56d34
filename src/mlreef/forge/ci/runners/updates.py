"""What a runner reports of a job: signs of life, and how it ended. Only the first end counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import statuses
from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.jobs import service as jobs_service
from mlreef.forge.ci.jobs import store as jobs_store
from mlreef.forge.ci.pipelines import store as pipelines_store
from mlreef.forge.ci.runners import payload
from mlreef.forge.ci.statuses import Status
from mlreef.forge.ci.traces import service as traces
from mlreef.kit import ids
from mlreef.kit.db import Tx
from mlreef.kit.errors import Kind, PlatformError, forbidden, invalid, unauthenticated

UPDATE_INTERVAL = "3"
_STATES = {"pending", "running", "success", "failed"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the runner is told: an HTTP status and the job's state."""

    status: int
    job_status: str


class Stale(PlatformError):
    """The token's job is not the runner's any more; `job_status` tells it what became of the job."""

    def __init__(self, job_status: str) -> None:
        super().__init__(Kind.FORBIDDEN, "403 Forbidden - Job is not running")
        self.job_status = job_status


async def find_by_token(tx: Tx, job_id: int, token: Any) -> RowMapping:
    """The job of that number if the token was made for it, in whatever state."""
    job = await jobs_store.find_by_token(tx, ids.hash_token(token)) if isinstance(token, str) and token else None
    if job is None or job["id"] != job_id:
        raise forbidden("403 Forbidden")
    return job


async def get_live(tx: Tx, job_id: int, token: Any) -> RowMapping:
    """The same while the runner holds it; 403 tells the runner to stop."""
    job = await find_by_token(tx, job_id, token)
    if Status(job["status"]) not in statuses.ALIVE:
        raise Stale(job["status"])
    return job


async def get_by_live_token(tx: Tx, token: Any) -> RowMapping:
    """The job that a token was made for, while it runs."""
    job = await jobs_store.find_by_token(tx, ids.hash_token(token)) if isinstance(token, str) and token else None
    if job is None or Status(job["status"]) not in statuses.ALIVE:
        raise unauthenticated("401 Unauthorized")
    return job


async def touch(ci: Ci, tx: Tx, job_id: int) -> None:
    """Note a sign of life: the lease begins anew."""
    await jobs_store.change(tx, job_id, statuses.ALIVE, {"contacted_at": ci.clock.now(), "acknowledged": True})


async def update(ci: Ci, tx: Tx, job: RowMapping, body: Mapping[str, Any]) -> Answer:
    """Carry out `PUT /jobs/:id`."""
    state = body.get("state", "running")
    if state not in _STATES:
        raise invalid("state does not have a valid value")
    status = Status(job["status"])
    if status not in statuses.ALIVE:
        return _late(status, state)
    if state in {"pending", "running"}:
        await touch(ci, tx, job["id"])
        return Answer(200, status.value)
    await pipelines_store.lock(tx, job["pipeline_id"])  # before the job's row, as everybody does
    await touch(ci, tx, job["id"])
    if not await traces.complete(tx, job, body.get("output"), body.get("checksum")):
        return Answer(412, status.value)
    await jobs_service.finish(
        ci,
        tx,
        job["id"],
        Status.SUCCESS if state == "success" else Status.FAILED,
        reason=_reason(body.get("failure_reason")),
        exit_code=_exit_code(body.get("exit_code")),
    )
    ended = await jobs_store.get(tx, job["id"])
    return Answer(200, ended["status"])


def _late(status: Status, state: str) -> Answer:
    """A repeated or contradictory end changes nothing and is accepted, so that the runner lets go."""
    if status is Status.CANCELED or state in {"pending", "running"}:
        return Answer(403, status.value)
    return Answer(200, status.value)


def _reason(value: Any) -> str:
    if value in payload.FAILURE_REASONS:
        return str(value)
    return "unknown_failure" if value else "script_failure"


def _exit_code(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return max(-(2**31), min(2**31 - 1, value))
