"""The start of a run: a plan becomes an immutable snapshot, and what is cached need not be done again.

Hits are taken in topological order, so a step below a hit is looked up too. What remains becomes one CI pipeline, which
is asked for only after the snapshot is durable.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlreef.kit import ids
from mlreef.kit.db import Tx
from mlreef.management.definitions.model import Kind
from mlreef.management.definitions.resolution import Plan, PlannedStep
from mlreef.management.runs import caching, progress, store
from mlreef.management.runs.records import Output, Run, RunView, Step
from mlreef.management.runs.transitions import RunStatus, StepStatus

UNKNOWN_KEY = "its key is known only when the steps it needs have ended"
UNWANTED = "this run was asked not to use the cache"


@dataclass(frozen=True, slots=True)
class Request:
    """Who starts what, where."""

    project_id: int
    project_path: str
    default_branch: str
    user_id: int
    username: str
    use_cache: bool = True
    rerun_of: str | None = None
    keep_dataset: bool = True
    """Whether a `dataops` run commits its output; a verification's is thrown away."""


async def record(tx: Tx, plan: Plan, request: Request, *, now: datetime) -> RunView:
    """Write the snapshot and take what is cached; the run may be over by that alone."""
    run = _run(plan, request, number=await store.next_number(tx, request.project_id), now=now)
    steps = [_step(run, position, planned) for position, planned in enumerate(plan.steps)]
    digests: dict[tuple[str, str], str] = {}
    outputs: dict[str, list[Output]] = {}
    for step in steps:
        outputs[step.id] = await _look_up(tx, run, step, digests, now)
        digests |= {(step.name, one.name): one.digest for one in outputs[step.id]}
    run.cached_steps = sum(step.cached for step in steps)
    await store.insert_run(tx, run, steps)
    view = RunView(run, steps, outputs)
    await progress.began(tx, view)
    await progress.settle(tx, view, now=now)
    return view


async def forecast(tx: Tx, plan: Plan, project_id: int, *, use_cache: bool, now: datetime) -> list[dict[str, Any]]:
    """What a run would do now: for each step whether it is cached and why; nothing is written."""
    draft = _run(plan, Request(project_id, "", "", 0, ""), number=0, now=now)
    digests: dict[tuple[str, str], str] = {}
    found = []
    for position, planned in enumerate(plan.steps):
        step = _step(draft, position, planned)
        key = caching.key_of(step, digests)
        if key is None:
            step.cache_reason = UNKNOWN_KEY
        elif not use_cache:
            step.cache_reason = UNWANTED
        else:
            digests |= {(step.name, one.name): one.digest for one in await caching.find_hit(tx, step, key) or ()}
        cached = {"cached": step.cached, "cache_reason": step.cache_reason}
        found.append({"step": step.name, **cached, "machine": step.machine, "timeout": step.timeout_s})
    return found


async def _look_up(tx: Tx, run: Run, step: Step, digests: caching.Digests, now: datetime) -> list[Output]:
    key = caching.key_of(step, digests)
    if key is None:
        step.cache_reason = UNKNOWN_KEY
        return []
    if not run.use_cache:
        step.cache_key, step.cache_reason = key, UNWANTED
        return []
    outputs = await caching.take_hit(tx, step, key)
    if outputs is None:
        return []
    step.status, step.started_at, step.finished_at, step.duration_s = StepStatus.CACHED, now, now, 0.0
    return outputs


def _run(plan: Plan, request: Request, *, number: int, now: datetime) -> Run:
    definition = plan.definition
    sources = [one.source for step in plan.steps for one in step.inputs if one.source["type"] == "git"]
    branches = [source["branch"] for source in sources if source["branch"]]
    dataops = definition.kind == Kind.DATAOPS and request.keep_dataset
    slug = definition.name.replace(" ", "-")
    return Run(
        id=ids.new_id("run"),
        project_id=request.project_id,
        project_path=request.project_path,
        number=number,
        name=definition.name,
        kind=definition.kind.value,
        status=RunStatus.CREATED,
        definition=definition.to_json(),
        user_id=request.user_id,
        username=request.username,
        ref=branches[0] if branches else request.default_branch,
        created_at=now,
        rerun_of=request.rerun_of,
        use_cache=request.use_cache,
        target_branch=(definition.target.branch or f"dataset/{_ref_safe(slug)}-{number}") if dataops else None,
        target_path=(definition.target.path or slug) if dataops else None,
        base_commit=sources[0]["commit"] if sources else None,
    )


def _ref_safe(text: str) -> str:
    safe = "".join(char if char.isalnum() or char in "._-" else "-" for char in text).strip(".-")
    while ".." in safe:
        safe = safe.replace("..", ".")
    return safe.removesuffix(".lock") or "run"


def _step(run: Run, position: int, planned: PlannedStep) -> Step:
    version = planned.version
    inputs: list[dict[str, Any]] = [
        {"name": one.name, "flag": one.flag, "source": one.source} for one in planned.inputs
    ]
    return Step(
        id=ids.new_id("stp"),
        run_id=run.id,
        project_id=run.project_id,
        position=position,
        name=planned.name,
        version_id=version.id,
        slug=version.slug,
        version=version.version,
        processor_kind=version.kind,
        processor_commit=version.commit,
        processor_project_id=version.project_id,
        image=version.image,
        command=planned.command,
        arguments=planned.arguments,
        parameters=planned.parameters,
        inputs=inputs,
        outputs=planned.outputs,
        needs=planned.needs,
        machine=planned.machine,
        timeout_s=planned.timeout,
        status=StepStatus.WAITING if planned.needs else StepStatus.QUEUED,
    )
