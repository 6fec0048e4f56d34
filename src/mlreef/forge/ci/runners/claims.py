"""Handing a pending job to exactly one runner.

A candidate is read without a lock; then, its pipeline locked, one compare-and-set from pending to running decides. Who
loses a race tries again in a transaction of its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.engine import RowMapping

from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.jobs import store as jobs_store
from mlreef.forge.ci.pipelines import progress
from mlreef.forge.ci.pipelines import store as pipelines_store
from mlreef.forge.ci.runners import store
from mlreef.forge.ci.statuses import Status
from mlreef.kit import ids
from mlreef.kit.db import Tx

JOB_PREFIX = "glcbt-"
SPREAD = 8


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that now belongs to a runner, with the token that only this answer carries."""

    job_id: int
    token: str


async def waiting(ci: Ci, tx: Tx, runner: RowMapping) -> Sequence[RowMapping]:
    """Pending jobs the runner may take; a cheap read that spares idle polls a write transaction."""
    if runner["paused"]:
        return []
    return await jobs_store.candidates(
        tx,
        scope=await _scope(ci, tx, runner),
        runner_tags=runner["tags"],
        run_untagged=runner["run_untagged"],
        protected_only=runner["access_level"] == "ref_protected",
        limit=SPREAD,
    )


async def claim(
    ci: Ci, tx: Tx, runner: RowMapping, *, manager_id: int, features: Mapping[str, bool]
) -> Claim | Literal["lost", "none"]:
    """Take one job: `none` when there is none for this runner, `lost` when somebody else was faster.

    One candidate per transaction: whoever held the locks of two pipelines could wait for somebody who waits for it.
    Where others can be claiming at this very moment, they spread over the first few instead of racing for one.
    """
    rows = await waiting(ci, tx, runner)
    if not rows:
        return "none"
    candidate = rows[0] if tx.dialect == "sqlite" else secrets.choice(rows[:SPREAD])
    if await pipelines_store.lock(tx, candidate["pipeline_id"]) is None:
        return "lost"
    token = ids.new_token(JOB_PREFIX)
    now = ci.clock.now()
    values = {
        "runner_id": runner["id"],
        "manager_id": manager_id,
        "token_hash": ids.hash_token(token),
        "cancel_gracefully": bool(features.get("cancel_gracefully")),
        "acknowledged": False,
        "contacted_at": now,
        "started_at": now,
    }
    if not await progress.change_job(ci, tx, candidate["id"], [Status.PENDING], Status.RUNNING, values=values):
        return "lost"
    await progress.advance(ci, tx, candidate["pipeline_id"])
    return Claim(candidate["id"], token)


async def _scope(ci: Ci, tx: Tx, runner: RowMapping) -> Mapping[str, Sequence[int]] | None:
    if runner["runner_type"] == "instance_type":
        return None
    if runner["runner_type"] == "project_type":
        return {"projects": await store.project_ids(tx, runner["id"])}
    groups = await store.group_ids(tx, runner["id"])
    return {"projects": await ci.directory.project_ids_of_groups(tx, groups)}
