"""Rules of metering: what a finished job becomes in the ledger.

Seconds are those between the forge's own times of start and end; what a runner or a job claims is not asked. A job that
never started used nothing and leaves no record.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from mlreef.kit.db import Tx
from mlreef.management.usage import store


@dataclass(frozen=True, slots=True)
class FinishedJob:
    """A job that ended, and who caused it."""

    job_id: int
    job_name: str
    project_id: int
    project_path: str
    user_id: int
    username: str
    machine_class: str
    outcome: str
    started_at: datetime | None
    finished_at: datetime
    run_id: str | None = None


async def record(tx: Tx, job: FinishedJob, *, now: datetime) -> bool:
    """Append the job's record; said again, it changes nothing."""
    if job.started_at is None:
        return False
    seconds = max(0.0, (job.finished_at - job.started_at).total_seconds())
    namespace = job.project_path.rpartition("/")[0]
    return await store.append(tx, {**asdict(job), "namespace": namespace, "seconds": seconds, "recorded_at": now})
