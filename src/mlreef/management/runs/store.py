"""Queries over runs, steps, outputs and the step cache."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Table, func, insert, select, update

from mlreef.kit.db import Tx, upsert
from mlreef.kit.errors import not_found
from mlreef.kit.paging import Page, Paged
from mlreef.management.runs import tables
from mlreef.management.runs.records import Output, Run, RunView, Step
from mlreef.management.runs.transitions import ENDED_RUNS, RunStatus


async def insert_new(tx: Tx, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a row unless its key is taken, also by a transaction that is still open elsewhere."""
    statement = upsert.insert(tx.dialect, table)
    await tx.execute(statement.values(**values).on_conflict_do_nothing())


async def next_number(tx: Tx, project_id: int) -> int:
    """The next run number of a project; the row stays locked until the end of the transaction."""
    return await next_of(tx, tables.run_numbers, project_id)


async def next_of(tx: Tx, numbers: Table, project_id: int) -> int:
    """The next number of a table that counts by project."""
    await insert_new(tx, numbers, {"project_id": project_id, "last": 0})
    await tx.execute(update(numbers).where(numbers.c.project_id == project_id).values(last=numbers.c.last + 1))
    number: int = await tx.scalar(select(numbers.c.last).where(numbers.c.project_id == project_id))
    return number


async def insert_run(tx: Tx, run: Run, steps: Sequence[Step]) -> None:
    """Write a run and its steps."""
    await tx.insert(tables.runs, asdict(run))
    await tx.execute(insert(tables.steps), [asdict(step) for step in steps])


async def find_run(tx: Tx, run_id: str, *, lock: bool = False) -> Run | None:
    """A run; with `lock`, nobody else changes it until the end of the transaction."""
    statement = select(tables.runs).where(tables.runs.c.id == run_id)
    row = await tx.find(statement.with_for_update() if lock else statement)
    return Run(**row) if row is not None else None


async def find_runs(tx: Tx, run_ids: Collection[str]) -> list[Run]:
    """Those of some runs that exist."""
    return [Run(**row) for row in await tx.all(select(tables.runs).where(tables.runs.c.id.in_(list(run_ids))))]


async def get_run(tx: Tx, run_id: str, *, lock: bool = False) -> Run:
    """A run, or not found."""
    run = await find_run(tx, run_id, lock=lock)
    if run is None:
        raise not_found("Run")
    return run


async def find_run_by_ci_pipeline(tx: Tx, project_id: int, ci_pipeline_id: int) -> Run | None:
    """The run that a CI pipeline carries out."""
    runs = tables.runs
    row = await tx.find(select(runs).where(runs.c.project_id == project_id, runs.c.ci_pipeline_id == ci_pipeline_id))
    return Run(**row) if row is not None else None


async def find_run_by_config(tx: Tx, config_hash: str) -> Run | None:
    """The run whose CI configuration lies under a capability."""
    row = await tx.find(select(tables.runs).where(tables.runs.c.config_hash == config_hash))
    return Run(**row) if row is not None else None


async def list_unrecorded(tx: Tx, project_id: int) -> list[Run]:
    """Runs of a project that wait for their CI pipeline to become known."""
    runs = tables.runs
    statement = select(runs).where(
        runs.c.project_id == project_id,
        runs.c.status == RunStatus.CREATED.value,
        runs.c.ci_pipeline_id.is_(None),
    )
    return [Run(**row) for row in await tx.all(statement.order_by(runs.c.id))]


async def list_open_runs(tx: Tx, status: RunStatus | None = None) -> list[Run]:
    """Runs that have not ended, or those in one state, oldest first."""
    runs = tables.runs
    ended = [one.value for one in ENDED_RUNS]
    where = runs.c.status.not_in(ended) if status is None else runs.c.status == status.value
    return [Run(**row) for row in await tx.all(select(runs).where(where).order_by(runs.c.id))]


async def list_runs(
    tx: Tx, project_id: int, *, kind: str | None = None, status: str | None = None, page: Page
) -> Paged[Run]:
    """Runs of a project, newest first."""
    runs = tables.runs
    where = [runs.c.project_id == project_id]
    where += [runs.c.kind == kind] if kind else []
    where += [runs.c.status == status] if status else []
    total: int = await tx.scalar(select(func.count()).select_from(runs).where(*where))
    rows = await tx.all(select(runs).where(*where).order_by(runs.c.number.desc()).limit(page.size).offset(page.offset))
    return Paged([Run(**row) for row in rows], page, total)


async def list_steps(tx: Tx, run_ids: Collection[str]) -> dict[str, list[Step]]:
    """Steps by run id, each list in topological order."""
    steps = tables.steps
    found: dict[str, list[Step]] = {run_id: [] for run_id in run_ids}
    for row in await tx.all(
        select(steps).where(steps.c.run_id.in_(list(run_ids))).order_by(steps.c.run_id, steps.c.position)
    ):
        found[row["run_id"]].append(Step(**row))
    return found


async def find_step(tx: Tx, step_id: str) -> Step | None:
    """A step by id."""
    row = await tx.find(select(tables.steps).where(tables.steps.c.id == step_id))
    return Step(**row) if row is not None else None


async def step_status(tx: Tx, step_id: str) -> str | None:
    """Where a step is."""
    found: str | None = await tx.scalar(select(tables.steps.c.status).where(tables.steps.c.id == step_id))
    return found


async def list_outputs(tx: Tx, step_ids: Collection[str]) -> dict[str, list[Output]]:
    """Outputs by step id."""
    outputs = tables.outputs
    found: dict[str, list[Output]] = {}
    for row in await tx.all(select(outputs).where(outputs.c.step_id.in_(list(step_ids))).order_by(outputs.c.name)):
        found.setdefault(row["step_id"], []).append(Output(**row))
    return found


async def views(tx: Tx, runs: Sequence[Run]) -> list[RunView]:
    """The runs with their steps and outputs, in three queries."""
    steps = await list_steps(tx, [run.id for run in runs])
    outputs = await list_outputs(tx, [step.id for many in steps.values() for step in many])
    return [RunView(run, steps[run.id], {one.id: outputs.get(one.id, []) for one in steps[run.id]}) for run in runs]


async def get_view(tx: Tx, run_id: str, *, lock: bool = False) -> RunView:
    """One run with everything, or not found."""
    return (await views(tx, [await get_run(tx, run_id, lock=lock)]))[0]


async def update_run(tx: Tx, run_id: str, **values: Any) -> None:
    """Change a run; its revision grows, which tells watchers in other processes."""
    runs = tables.runs
    await tx.execute(update(runs).where(runs.c.id == run_id).values(revision=runs.c.revision + 1, **values))


async def update_step(tx: Tx, step_id: str, **values: Any) -> None:
    """Change a step."""
    await tx.execute(update(tables.steps).where(tables.steps.c.id == step_id).values(**values))


async def claim_finish(tx: Tx, run_id: str, *, now: datetime, until: datetime) -> bool:
    """Whether this worker may commit the run's dataset now; a claim that was not released ends by itself."""
    runs = tables.runs
    free = runs.c.finish_lease.is_(None) | (runs.c.finish_lease < now)
    where = (runs.c.id == run_id, runs.c.status == RunStatus.FINISHING.value, free)
    return bool((await tx.execute(update(runs).where(*where).values(finish_lease=until))).rowcount)


async def release_finish(tx: Tx, run_id: str) -> None:
    """Give the claim back, so that the next try need not wait for its end."""
    await tx.execute(update(tables.runs).where(tables.runs.c.id == run_id).values(finish_lease=None))


async def revision(tx: Tx, run_id: str) -> int | None:
    """How often a run changed."""
    found: int | None = await tx.scalar(select(tables.runs.c.revision).where(tables.runs.c.id == run_id))
    return found


async def put_output(tx: Tx, output: Output) -> None:
    """Record or replace an output of a step that is not yet ended."""
    outputs = tables.outputs
    values = asdict(output)
    key = (outputs.c.step_id == output.step_id, outputs.c.name == output.name)
    if not (await tx.execute(update(outputs).where(*key).values(**values))).rowcount:
        await tx.insert(outputs, values)


async def find_manifest(tx: Tx, project_id: int, digest: str) -> bytes | None:
    """The canonical bytes of a tree manifest of a project."""
    manifests = tables.manifests
    content: bytes | None = await tx.scalar(
        select(manifests.c.content).where(manifests.c.project_id == project_id, manifests.c.digest == digest)
    )
    return zlib.decompress(content) if content is not None else None


async def list_manifests(tx: Tx, project_id: int, digests: Collection[str]) -> dict[str, bytes]:
    """The canonical bytes of several tree manifests of a project, by digest."""
    if not digests:
        return {}
    manifests = tables.manifests
    wanted = (manifests.c.project_id == project_id, manifests.c.digest.in_(sorted(digests)))
    rows = await tx.all(select(manifests.c.digest, manifests.c.content).where(*wanted))
    return {row["digest"]: zlib.decompress(row["content"]) for row in rows}


async def put_manifest(
    tx: Tx, project_id: int, digest: str, content: bytes, *, files: int, size: int, now: datetime
) -> None:
    """Keep a manifest; the same digest again changes nothing."""
    manifests = tables.manifests
    values = {"project_id": project_id, "digest": digest, "files": files, "bytes": size, "created_at": now}
    await insert_new(tx, manifests, {**values, "content": zlib.compress(content, 1)})


async def find_cached(tx: Tx, project_id: int, cache_key: str) -> Mapping[str, Any] | None:
    """The successful step a cache key stands for: its `step_id`, `run_id`, `number` and `name`."""
    cache, steps, runs = tables.step_cache, tables.steps, tables.runs
    row = await tx.find(
        select(cache.c.step_id, cache.c.run_id, runs.c.number, steps.c.name, steps.c.result)
        .join(steps, steps.c.id == cache.c.step_id)
        .join(runs, runs.c.id == cache.c.run_id)
        .where(cache.c.project_id == project_id, cache.c.cache_key == cache_key)
    )
    return dict(row) if row is not None else None


async def put_cached(tx: Tx, step: Step, now: datetime) -> None:
    """Remember a success; the first one stays."""
    if step.cache_key is None:
        return
    values = {"project_id": step.project_id, "cache_key": step.cache_key, "step_id": step.id, "run_id": step.run_id}
    await insert_new(tx, tables.step_cache, {**values, "created_at": now})


async def find_previous(tx: Tx, project_id: int, slug: str, name: str) -> Step | None:
    """The last success of the same processor under the same step name: what a miss is explained by."""
    steps = tables.steps
    row = await tx.find(
        select(steps)
        .where(steps.c.project_id == project_id, steps.c.slug == slug, steps.c.name == name)
        .where(steps.c.status == "success")
        .order_by(steps.c.id.desc())
        .limit(1)
    )
    return Step(**row) if row is not None else None


async def find_dataset(tx: Tx, project_id: int, tree: str) -> Mapping[str, Any] | None:
    """The commit that already holds a dataset of this content at this place."""
    table = tables.dataset_commits
    row = await tx.find(select(table).where(table.c.project_id == project_id, table.c.tree == tree))
    return dict(row) if row is not None else None


async def put_dataset(tx: Tx, values: Mapping[str, Any]) -> None:
    """Remember or replace where a dataset was committed."""
    table = tables.dataset_commits
    key = (table.c.project_id == values["project_id"], table.c.tree == values["tree"])
    if not (await tx.execute(update(table).where(*key).values(**values))).rowcount:
        await tx.insert(table, values)
