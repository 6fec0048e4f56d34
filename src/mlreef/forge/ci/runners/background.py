"""Leases: a job whose runner fell silent ends, or returns to the queue when the runner never had it.

Silence is measured on the monotonic clock from when this process first saw the last sign of life. So a wrong wall
clock ends no job, and after a restart every running job has its full lease again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.jobs import service as jobs_service
from mlreef.forge.ci.jobs import store as jobs_store
from mlreef.forge.ci.pipelines import progress
from mlreef.forge.ci.pipelines import store as pipelines_store
from mlreef.forge.ci.runners import store
from mlreef.forge.ci.statuses import Status
from mlreef.kit import logs
from mlreef.kit.db import Database, Tx

log = logs.get(__name__)

MAX_ATTEMPTS = 5
"""Claims that no runner acknowledged before the job counts as undeliverable."""


@dataclass(frozen=True, slots=True)
class _Seen:
    mark: tuple[Any, ...]
    since: float


class Leases:
    """Watches the jobs that runners hold."""

    def __init__(self, ci: Ci, db: Database) -> None:
        self._ci = ci
        self._db = db
        self._seen: dict[int, _Seen] = {}

    async def sweep(self) -> int:
        """Look once; end what was silent for too long and return how many jobs that was."""
        async with self._db.read() as tx:
            rows = await jobs_store.alive(tx)
        now = self._ci.clock.monotonic()
        seen: dict[int, _Seen] = {}
        silent: list[RowMapping] = []
        for row in rows:
            mark = (row["attempt"], row["contacted_at"], row["acknowledged"])
            held = self._seen.get(row["id"])
            seen[row["id"]] = held if held is not None and held.mark == mark else _Seen(mark, now)
            limits = self._ci.settings
            limit = limits.lease_seconds if row["acknowledged"] else limits.acknowledge_seconds
            if now - seen[row["id"]].since > limit:
                silent.append(row)
        self._seen = seen
        for row in silent:
            async with self._db.write() as tx:
                await self._end(tx, row)
        return len(silent)

    async def _end(self, tx: Tx, row: RowMapping) -> None:
        await pipelines_store.lock(tx, row["pipeline_id"])
        job = await jobs_store.get(tx, row["id"])
        if job["contacted_at"] != row["contacted_at"] or job["attempt"] != row["attempt"]:
            return
        log.warning("a job's runner fell silent", job=job["id"], runner=job["runner_id"], status=job["status"])
        if not job["acknowledged"] and job["status"] == Status.RUNNING.value and job["attempt"] < MAX_ATTEMPTS:
            await self._requeue(tx, job)
            return
        await jobs_service.finish(self._ci, tx, job["id"], Status.FAILED, reason="runner_system_failure")

    async def _requeue(self, tx: Tx, job: RowMapping) -> None:
        values = {
            "token_hash": None,
            "runner_id": None,
            "manager_id": None,
            "started_at": None,
            "contacted_at": None,
            "queued_at": job["queued_at"],
            "attempt": job["attempt"] + 1,
        }
        await progress.change_job(self._ci, tx, job["id"], [Status.RUNNING], Status.PENDING, values=values)
        await progress.advance(self._ci, tx, job["pipeline_id"])


class QueueWatch:
    """Wakes waiting runners for jobs that another process queued."""

    def __init__(self, ci: Ci, db: Database) -> None:
        self._ci = ci
        self._db = db
        self._version = -1

    async def look(self) -> None:
        """Compare the queue's version with the one seen last."""
        if not self._ci.signals.waiting:
            return
        async with self._db.read() as tx:
            version = await store.version(tx)
        if version != self._version:
            self._version = version
            self._ci.signals.wake("queue")
