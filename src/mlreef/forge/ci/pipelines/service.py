"""Rules of CI pipelines: what a configuration makes of a commit, and cancelling, retrying, deleting."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import statuses
from mlreef.forge.ci.config import compiling, includes, rules
from mlreef.forge.ci.config.errors import fault
from mlreef.forge.ci.config.spec import Plan, PlannedJob
from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.jobs import service as jobs_service
from mlreef.forge.ci.jobs import store as jobs_store
from mlreef.forge.ci.pipelines import predefined, progress, store
from mlreef.forge.ci.pipelines.predefined import Origin
from mlreef.forge.ci.pipelines.sources import ProjectSources
from mlreef.forge.ci.ports import Commit
from mlreef.forge.ci.statuses import Status
from mlreef.kit.clock import iso
from mlreef.kit.db import Tx
from mlreef.kit.errors import invalid, not_found

DEFAULT_CONFIG = ".gitlab-ci.yml"
MAX_VARIABLES = 200
MAX_VALUE = 1 << 16
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A configuration read for one commit."""

    plan: Plan
    document: Mapping[str, Any]
    included: Sequence[Mapping[str, Any]]


class NoConfig(Exception):
    """The project has no CI configuration at this commit."""


async def compile_for(
    ci: Ci,
    origin: Origin,
    settings: Mapping[str, str],
    *,
    changed: frozenset[str] | None = None,
    content: str | None = None,
) -> Compiled:
    """Read the project's configuration (or `content`) at the commit; `settings` are variables of the project.

    Raises NoConfig or ConfigError. Never called inside a transaction: it reads git and fetches URLs.
    """
    sources = ProjectSources(ci, origin.project.id, origin.sha)
    given = {item["key"]: item["value"] for item in origin.variables}
    facts = rules.Facts({**predefined.for_pipeline(ci.settings, origin), **settings, **given}, changed=changed)
    path = origin.project.ci_config_path or DEFAULT_CONFIG
    if content is not None:
        document, included = await includes.expand(content, path, sources, facts)
    else:
        if not includes.is_remote(path) and await sources.local(path) is None:
            raise NoConfig
        document, included = await includes.load(path, sources, facts)
        if not document:
            raise NoConfig
    globs = [rules.expand(glob, facts.variables) for glob in rules.exists_globs(document)]
    facts = replace(facts, paths=await sources.present(globs) if globs else frozenset())
    return Compiled(compiling.compile_plan(document, facts), document, included)


def parse_variables(value: Any) -> tuple[dict[str, Any], ...]:
    """Variables given with a request: a list of `{key, value, variable_type}`."""
    if value is None:
        return ()
    if isinstance(value, Mapping):
        value = [{"key": key, "value": item} for key, item in value.items()]
    if not isinstance(value, list) or len(value) > MAX_VARIABLES:
        raise invalid(f"variables must be a list of at most {MAX_VARIABLES} entries with key and value")
    return tuple(_variable(item) for item in value)


def commit_payload(commit: Commit) -> dict[str, Any]:
    """A commit as it is kept with a pipeline."""
    return {
        "id": commit.id,
        "message": commit.message,
        "title": commit.title,
        "author_name": commit.author_name,
        "author_email": commit.author_email,
        "timestamp": iso(commit.timestamp),
        "parents": list(commit.parents),
    }


async def insert(ci: Ci, tx: Tx, origin: Origin, plan: Plan) -> int:
    """Write the pipeline with all its jobs, none of them begun yet."""
    pipeline_id = await _insert_row(ci, tx, origin, stages=plan.stages, status=Status.CREATED, name=plan.name)
    now = ci.clock.now()
    for job in plan.jobs:
        values = _job_values(job, plan, origin, pipeline_id)
        job_id = await jobs_store.insert_job(tx, jobs_service.blank(values, now))
        await progress.tell_job(ci, tx, job_id)
    return pipeline_id


async def insert_failed(ci: Ci, tx: Tx, origin: Origin, faults: Sequence[str]) -> int:
    """Write a pipeline that cannot run because its configuration is wrong."""
    pipeline_id = await _insert_row(
        ci, tx, origin, stages=(), status=Status.FAILED, name=None, yaml_errors="\n".join(faults)
    )
    await progress.tell_pipeline(ci, tx, pipeline_id)
    return pipeline_id


async def begin(ci: Ci, tx: Tx, pipeline_id: int) -> None:
    """Let the first jobs of an inserted pipeline begin; repeating it changes nothing."""
    if await store.lock(tx, pipeline_id) is not None:
        await progress.advance(ci, tx, pipeline_id)


async def get(tx: Tx, project_id: int, pipeline_id: int) -> RowMapping:
    """A pipeline of the project."""
    pipeline = await store.find(tx, project_id, pipeline_id)
    if pipeline is None:
        raise not_found("404 Pipeline")
    return pipeline


async def cancel(ci: Ci, tx: Tx, pipeline_id: int) -> None:
    """Cancel all jobs that have not ended."""
    await store.lock(tx, pipeline_id)
    for job in await jobs_store.newest(tx, pipeline_id):
        await jobs_service.cancel_locked(ci, tx, job["id"])
    await progress.advance(ci, tx, pipeline_id)


async def retry(ci: Ci, tx: Tx, pipeline_id: int) -> None:
    """Start failed and cancelled jobs again, and what was skipped because of them."""
    await store.lock(tx, pipeline_id)
    ended: Collection[str] = {Status.FAILED.value, Status.CANCELED.value}
    for job in await jobs_store.newest(tx, pipeline_id):
        current = await jobs_store.get(tx, job["id"])
        if current["status"] in ended and not current["retried"]:
            await jobs_service.renew(ci, tx, current)
    await progress.advance(ci, tx, pipeline_id)


async def remove(ci: Ci, tx: Tx, pipeline_id: int) -> None:
    """Delete a pipeline; what runs of it loses its token and ends."""
    await store.lock(tx, pipeline_id)
    await store.remove(tx, pipeline_id)
    await progress.wake_runners(ci, tx)


async def _insert_row(
    ci: Ci,
    tx: Tx,
    origin: Origin,
    *,
    stages: Sequence[str],
    status: Status,
    name: str | None,
    yaml_errors: str | None = None,
) -> int:
    now = ci.clock.now()
    values = {
        "project_id": origin.project.id,
        "user_id": origin.user.id,
        "ref": origin.ref,
        "tag": origin.tag,
        "protected": origin.protected,
        "sha": origin.sha,
        "before_sha": origin.before_sha,
        "source": origin.source,
        "status": status.value,
        "name": name,
        "yaml_errors": yaml_errors,
        "stages": list(stages),
        "variables": list(origin.variables),
        "commit": dict(origin.commit),
        "created_at": now,
        "updated_at": now,
        "finished_at": now if status in statuses.TERMINAL else None,
    }
    return await store.insert(tx, values)


def _job_values(job: PlannedJob, plan: Plan, origin: Origin, pipeline_id: int) -> dict[str, Any]:
    return {
        "pipeline_id": pipeline_id,
        "project_id": origin.project.id,
        "user_id": origin.user.id,
        "name": job.name,
        "stage": job.stage,
        "stage_index": job.stage_index,
        "when": job.when,
        "allow_failure": job.allow_failure,
        "options": dict(job.options),
        "variables": {**plan.variables, **job.variables},
        "needs": None if job.needs is None else [need.stored() for need in job.needs],
        "dependencies": None if job.dependencies is None else list(job.dependencies),
        "tags": list(job.tags),
        "timeout": job.timeout,
        "protected": origin.protected,
    }


def _variable(item: Any) -> dict[str, Any]:
    if not isinstance(item, Mapping) or not isinstance(item.get("key"), str) or not _KEY.fullmatch(item["key"]):
        raise invalid("variables: each needs a key of letters, digits and underscores that starts with no digit")
    value = item.get("value", "")
    if isinstance(value, bool | int | float):
        value = rules.text(value)
    if not isinstance(value, str) or len(value) > MAX_VALUE or "\x00" in value:
        raise invalid(f"variables: the value of {item['key']} must be a text of at most {MAX_VALUE} characters")
    kind = item.get("variable_type", "env_var")
    if kind not in {"env_var", "file"}:
        raise invalid(f"variables: variable_type of {item['key']} must be env_var or file")
    return {"key": item["key"], "value": value, "variable_type": kind, "raw": item.get("raw") is True}


def require_jobs(plan: Plan) -> None:
    """Refuse a pipeline without jobs, as somebody asked for it."""
    if not plan.jobs:
        raise fault(
            "The resulting pipeline would have been empty. Review the rules configuration for the relevant jobs."
        )
