"""What takes several transactions: starting a CI pipeline, on request or because of a push.

The order makes a crash harmless: jobs are written but not begun, the commit is kept by a ref, then jobs begin. A sweep
begins pipelines that a crash left between the last two steps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mlreef.forge.ci.config.errors import ConfigError, fault
from mlreef.forge.ci.config.spec import Plan
from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.pipelines import service, store
from mlreef.forge.ci.pipelines.predefined import Origin
from mlreef.forge.ci.variables import store as variables_store
from mlreef.kit import logs
from mlreef.kit.db import Database, Tx

log = logs.get(__name__)

NO_COMMIT = "0" * 40


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody or something wants run."""

    project_id: int
    user_id: int
    ref: str
    source: str
    variables: tuple[Mapping[str, Any], ...] = ()
    before_sha: str = NO_COMMIT
    sha: str | None = None


async def prepare(ci: Ci, db: Database, request: Request) -> tuple[Origin, dict[str, str]]:
    """Everything known about the request before the configuration is read."""
    ref = await ci.repositories.find_ref(request.project_id, request.ref)
    if ref is None:
        raise fault("Reference not found")
    sha = request.sha or ref.sha
    commit = await ci.repositories.get_commit(request.project_id, sha)
    async with db.read() as tx:
        project = await ci.directory.get_project(tx, request.project_id)
        user = await ci.directory.get_user(tx, request.user_id)
        protected = await ci.directory.is_protected(tx, project.id, ref.name, tag=ref.tag)
        rows = await variables_store.effective(tx, project.id, project.group_ids)
    settings = {row["key"]: row["value"] for row in rows if protected or not row["protected"]}
    origin = Origin(
        project=project,
        user=user,
        ref=ref.name,
        tag=ref.tag,
        protected=protected,
        sha=sha,
        before_sha=request.before_sha,
        source=request.source,
        commit=service.commit_payload(commit),
        variables=request.variables,
    )
    return origin, settings


async def start(
    ci: Ci, db: Database, request: Request, note: Callable[[Tx, int], Awaitable[None]] | None = None
) -> int:
    """Start a pipeline that somebody asked for; every reason against it is a ConfigError.

    `note` is done with the pipeline's number in the transaction that writes the pipeline.
    """
    origin, settings = await prepare(ci, db, request)
    try:
        compiled = await service.compile_for(ci, origin, settings)
    except service.NoConfig:
        raise fault("Missing CI config file") from None
    service.require_jobs(compiled.plan)
    async with db.write() as tx:
        pipeline_id = await service.insert(ci, tx, origin, compiled.plan)
        if note is not None:
            await note(tx, pipeline_id)
    await _begin(ci, db, origin.project.id, pipeline_id, origin.sha)
    return pipeline_id


async def start_for_push(ci: Ci, db: Database, request: Request, also: Callable[[Tx], Awaitable[bool]]) -> int | None:
    """Start the pipeline of a push, if there is one to start; a wrong configuration is kept as a failed pipeline.

    `also` is done in the transaction that writes the pipeline, and forbids it by answering False.
    """
    origin, settings = await prepare(ci, db, request)
    if skips(str(origin.commit["message"])):
        return None
    faults: Sequence[str] = ()
    plan = Plan(stages=(), jobs=())
    try:
        changed = await _changed(ci, request)
        plan = (await service.compile_for(ci, origin, settings, changed=changed)).plan
    except service.NoConfig:
        return None
    except ConfigError as exc:
        faults = exc.faults
    if not plan.jobs and not faults:
        return None
    async with db.write() as tx:
        if not await also(tx):
            return None
        if faults:
            return await service.insert_failed(ci, tx, origin, faults)
        pipeline_id = await service.insert(ci, tx, origin, plan)
    await _begin(ci, db, origin.project.id, pipeline_id, origin.sha)
    return pipeline_id


async def _changed(ci: Ci, request: Request) -> frozenset[str] | None:
    if NO_COMMIT in {request.before_sha, request.sha} or request.sha is None:
        return None
    return await ci.repositories.changed(request.project_id, request.before_sha, request.sha)


async def begin_left_behind(ci: Ci, db: Database) -> None:
    """Begin pipelines that a crash left written but not begun."""
    before = ci.clock.now() - timedelta(seconds=30)
    async with db.read() as tx:
        rows = await store.left_behind(tx, before)
    for row in rows:
        log.warning("beginning a pipeline left behind", pipeline=row["id"])
        await _begin(ci, db, row["project_id"], row["id"], row["sha"])


def skips(message: str) -> bool:
    """Whether a commit message asks for no pipeline."""
    lowered = message.lower()
    return "[ci skip]" in lowered or "[skip ci]" in lowered


async def _begin(ci: Ci, db: Database, project_id: int, pipeline_id: int, sha: str) -> None:
    await ci.repositories.keep(project_id, pipeline_id, sha)
    async with db.write() as tx:
        await service.begin(ci, tx, pipeline_id)
