"""Rules of metering: what a finished job becomes in the ledger.

Seconds are those between the forge's own times of start and end; what a runner or a job claims is not asked. What the
framework measured inside the job stands beside them: it explains a bill, it does not make one. A job that never started
used nothing and leaves no record.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from mlreef.kit.db import Tx
from mlreef.management.usage import store


@dataclass(frozen=True, slots=True)
class Measured:
    """What a processor used, as the framework that ran it measured; None where it could not tell."""

    cpu_s: float | None = None
    """Seconds of processor time, of all processes together."""
    gpu_s: float | None = None
    """Seconds of all visible GPUs, weighted by how busy they were."""
    peak_memory_bytes: int | None = None
    """The largest amount of memory seen in use at once."""
    read_bytes: int | None = None
    written_bytes: int | None = None


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
    measured: Measured = Measured()


async def record(tx: Tx, job: FinishedJob, *, now: datetime) -> bool:
    """Append the job's record; said again, it changes nothing."""
    if job.started_at is None:
        return False
    seconds = max(0.0, (job.finished_at - job.started_at).total_seconds())
    namespace = job.project_path.rpartition("/")[0]
    values = asdict(job)
    values |= values.pop("measured")
    return await store.append(tx, {**values, "namespace": namespace, "seconds": seconds, "recorded_at": now})
