"""Queries for jobs and their artifacts. Every change of state is a compare-and-set on the state it starts from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import tables
from mlreef.forge.ci.statuses import ALIVE, TERMINAL, Status
from mlreef.kit.db import Tx
from mlreef.kit.paging import Page

jobs = tables.jobs
tags = tables.job_tags
artifacts = tables.artifacts
pipelines = tables.pipelines


async def insert_job(tx: Tx, values: Mapping[str, Any]) -> int:
    """A new job with its tags."""
    job_id = int(await tx.insert(jobs, values))
    names = sorted(set(values["tags"]))
    if names:
        await tx.execute(insert(tags), [{"job_id": job_id, "tag": name} for name in names])
    return job_id


async def change(tx: Tx, job_id: int, start: Collection[Status], values: Mapping[str, Any]) -> bool:
    """Set columns if the job is in one of the `start` states now; tells whether it was."""
    statement = update(jobs).where(jobs.c.id == job_id, jobs.c.status.in_([state.value for state in start]))
    return (await tx.execute(statement.values(**values))).rowcount == 1


async def archive_trace(tx: Tx, job_id: int, digest: str) -> None:
    """The trace lies in the object store now."""
    await tx.execute(update(jobs).where(jobs.c.id == job_id).values(trace_digest=digest))


async def mark_retried(tx: Tx, job_id: int) -> None:
    """A newer row counts in the job's place."""
    await tx.execute(update(jobs).where(jobs.c.id == job_id).values(retried=True))


async def get(tx: Tx, job_id: int) -> RowMapping:
    """A job that exists."""
    return await tx.one(select(jobs).where(jobs.c.id == job_id))


async def find(tx: Tx, job_id: int) -> RowMapping | None:
    """A job by id alone: only for callers that hold its token."""
    return await tx.find(select(jobs).where(jobs.c.id == job_id))


async def find_in_project(tx: Tx, project_id: int, job_id: int) -> RowMapping | None:
    """A job of the project."""
    return await tx.find(select(jobs).where(jobs.c.id == job_id, jobs.c.project_id == project_id))


async def find_by_token(tx: Tx, token_hash: str) -> RowMapping | None:
    """The job that a token was made for, in whatever state."""
    return await tx.find(select(jobs).where(jobs.c.token_hash == token_hash))


async def newest(tx: Tx, pipeline_id: int) -> Sequence[RowMapping]:
    """The jobs that count for the pipeline: those not retried."""
    query = select(jobs).where(jobs.c.pipeline_id == pipeline_id, jobs.c.retried.is_(False))
    return await tx.all(query.order_by(jobs.c.stage_index, jobs.c.id))


async def states(tx: Tx, pipeline_id: int) -> Sequence[RowMapping]:
    """The same jobs with only what deciding needs: the whole rows of a large pipeline are slow to read."""
    names = ("id", "name", "stage_index", "status", "when", "allow_failure", "needs", "started_at")
    query = select(*(jobs.c[name] for name in names))
    return await tx.all(query.where(jobs.c.pipeline_id == pipeline_id, jobs.c.retried.is_(False)).order_by(jobs.c.id))


async def list_page(
    tx: Tx,
    project_id: int,
    page: Page,
    *,
    pipeline_id: int | None = None,
    states: Collection[str] = (),
    retried: bool = False,
    runner_id: int | None = None,
) -> tuple[Sequence[RowMapping], int]:
    """One page of jobs, newest first, and how many there are."""
    query = select(jobs)
    if runner_id is not None:
        query = query.where(jobs.c.runner_id == runner_id)
    else:
        query = query.where(jobs.c.project_id == project_id)
    if pipeline_id is not None:
        query = query.where(jobs.c.pipeline_id == pipeline_id)
        if not retried:
            query = query.where(jobs.c.retried.is_(False))
    if states:
        query = query.where(jobs.c.status.in_(states))
    total = await tx.scalar(select(func.count()).select_from(query.subquery()))
    return await tx.all(query.order_by(jobs.c.id.desc()).limit(page.size).offset(page.offset)), int(total)


async def candidates(
    tx: Tx,
    *,
    scope: Mapping[str, Sequence[int]] | None,
    runner_tags: Sequence[str],
    run_untagged: bool,
    protected_only: bool,
    limit: int,
) -> Sequence[RowMapping]:
    """Pending jobs that a runner may take, in the order they were queued.

    `scope` is None for every project, else `{"projects": [...]}`.
    """
    missing = exists().where(tags.c.job_id == jobs.c.id, tags.c.tag.not_in(list(runner_tags)))
    query = select(jobs.c.id, jobs.c.pipeline_id).where(jobs.c.status == Status.PENDING.value, ~missing)
    if not run_untagged:
        query = query.where(exists().where(tags.c.job_id == jobs.c.id))
    if protected_only:
        query = query.where(jobs.c.protected.is_(True))
    if scope is not None:
        query = query.where(jobs.c.project_id.in_(list(scope["projects"])))
    return await tx.all(query.order_by(jobs.c.queued_at, jobs.c.id).limit(limit))


async def alive(tx: Tx) -> Sequence[RowMapping]:
    """Jobs held by a runner: what leases watch."""
    columns = [jobs.c[name] for name in ("id", "pipeline_id", "status", "attempt", "acknowledged", "contacted_at")]
    return await tx.all(select(*columns).where(jobs.c.status.in_([state.value for state in ALIVE])))


async def count_running(tx: Tx, project_id: int, runner_ids: Any) -> int:
    """How many jobs of the project run on these runners."""
    query = select(func.count()).where(
        jobs.c.project_id == project_id,
        jobs.c.status == Status.RUNNING.value,
        jobs.c.runner_id.in_(runner_ids),
    )
    return int(await tx.scalar(query))


async def retries(tx: Tx, pipeline_id: int, name: str) -> int:
    """How often the job of that name was retried already."""
    query = select(func.count()).where(jobs.c.pipeline_id == pipeline_id, jobs.c.name == name, jobs.c.retried.is_(True))
    return int(await tx.scalar(query))


async def unarchived(tx: Tx, limit: int) -> Sequence[RowMapping]:
    """Ended jobs whose trace still lies in chunks."""
    held = exists().where(tables.trace_chunks.c.job_id == jobs.c.id)
    states = [state.value for state in TERMINAL]
    return await tx.all(
        select(jobs).where(jobs.c.status.in_(states), jobs.c.trace_digest.is_(None), held).limit(limit),
    )


async def put_artifact(tx: Tx, values: Mapping[str, Any]) -> None:
    """Record an upload; a later one of the same type takes its place."""
    await tx.execute(
        delete(artifacts).where(artifacts.c.job_id == values["job_id"], artifacts.c.file_type == values["file_type"])
    )
    await tx.insert(artifacts, values)


async def artifacts_of(tx: Tx, job_ids: Collection[int]) -> dict[int, list[RowMapping]]:
    """Artifacts by job."""
    found: dict[int, list[RowMapping]] = {job_id: [] for job_id in job_ids}
    if job_ids:
        for row in await tx.all(
            select(artifacts).where(artifacts.c.job_id.in_(list(job_ids))).order_by(artifacts.c.id)
        ):
            found[row["job_id"]].append(row)
    return found


async def drop_artifacts(tx: Tx, job_id: int) -> None:
    """Forget a job's artifacts."""
    await tx.execute(delete(artifacts).where(artifacts.c.job_id == job_id))


async def keep_artifacts(tx: Tx, job_id: int) -> None:
    """Let a job's artifacts never expire."""
    await tx.execute(update(artifacts).where(artifacts.c.job_id == job_id).values(expire_at=None))


async def drop_expired_artifacts(tx: Tx, now: Any) -> int:
    """Forget artifacts whose time is over."""
    return (await tx.execute(delete(artifacts).where(artifacts.c.expire_at < now))).rowcount


async def find_successful(tx: Tx, project_id: int, ref: str, name: str) -> RowMapping | None:
    """The newest successful job of that name in a successful pipeline of the ref."""
    query = (
        select(jobs)
        .join(pipelines, pipelines.c.id == jobs.c.pipeline_id)
        .where(
            jobs.c.project_id == project_id,
            pipelines.c.ref == ref,
            jobs.c.name == name,
            or_(
                jobs.c.status == Status.SUCCESS.value,
                and_(jobs.c.status == Status.FAILED.value, jobs.c.allow_failure.is_(True)),
            ),
        )
        .order_by(jobs.c.id.desc())
        .limit(1)
    )
    return await tx.find(query)
