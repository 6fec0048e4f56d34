"""The 201 answer to `POST /jobs/request`: everything a runner needs for one job.

Shape: gitlab-runner's `spec.Job`. `run` is left out on purpose: anything but a string there breaks its decoder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import RowMapping

from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.jobs import store as jobs_store
from mlreef.forge.ci.pipelines import predefined
from mlreef.forge.ci.pipelines import store as pipelines_store
from mlreef.forge.ci.pipelines.predefined import Origin
from mlreef.forge.ci.runners import store, tokens
from mlreef.forge.ci.variables import store as variables_store
from mlreef.kit.clock import iso
from mlreef.kit.db import Tx

NO_COMMIT = "0" * 40
FAILURE_REASONS = (
    "unknown_failure", "script_failure", "api_failure", "stuck_or_timeout_failure", "runner_system_failure",
    "missing_dependency_failure", "runner_unsupported", "stale_schedule", "job_execution_timeout", "archived_failure",
    "unmet_prerequisites", "scheduler_failure", "data_integrity_failure", "trace_size_exceeded", "image_pull_failure",
    "runner_configuration_error", "runner_external_dependency_failure", "runner_interrupted", "image_signature",
)  # fmt: skip
MASKED_PREFIXES = ("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "gloas-")


@dataclass(frozen=True, slots=True)
class Taken:
    """Rows around a claimed job, read in one transaction."""

    job: RowMapping
    pipeline: RowMapping
    runner: RowMapping
    origin: Origin
    settings: Sequence[RowMapping]
    dependencies: Sequence[tuple[RowMapping, RowMapping]]
    token: str
    timeout: int
    queue_size: int
    running: str


async def gather(ci: Ci, tx: Tx, job_id: int, token: str) -> Taken:
    """Read what the answer is made of."""
    job = await jobs_store.get(tx, job_id)
    pipeline = await pipelines_store.get(tx, job["pipeline_id"])
    project = await ci.directory.get_project(tx, job["project_id"])
    runner = await store.find(tx, job["runner_id"])
    assert runner is not None  # noqa: S101 - the claim wrote it in this database a moment ago
    origin = Origin(
        project=project,
        user=await ci.directory.get_user(tx, job["user_id"]),
        ref=pipeline["ref"],
        tag=pipeline["tag"],
        protected=pipeline["protected"],
        sha=pipeline["sha"],
        before_sha=pipeline["before_sha"],
        source=pipeline["source"],
        commit=pipeline["commit"],
        variables=tuple(pipeline["variables"]),
    )
    settings = await variables_store.effective(tx, project.id, project.group_ids)
    queue_size = len(await jobs_store.candidates(
        tx, scope=None, runner_tags=runner["tags"], run_untagged=True, protected_only=False, limit=100
    ))  # fmt: skip
    running = await jobs_store.count_running(tx, project.id, [runner["id"]])
    return Taken(
        job=job,
        pipeline=pipeline,
        runner=runner,
        origin=origin,
        settings=[row for row in settings if origin.protected or not row["protected"]],
        dependencies=await _dependencies(tx, job),
        token=token,
        timeout=timeout_of(ci, job, runner),
        queue_size=queue_size,
        running=str(max(0, running - 1)),
    )


def timeout_of(ci: Ci, job: RowMapping, runner: RowMapping) -> int:
    """Seconds the job may run: what it asks for, at most what server and runner allow."""
    wanted = min(job["timeout"] or ci.settings.default_timeout, ci.settings.maximum_timeout)
    return int(min(wanted, runner["maximum_timeout"] or wanted))


async def render(ci: Ci, taken: Taken) -> dict[str, Any]:
    """The answer itself; signs the job's identity tokens."""
    job = taken.job
    options: Mapping[str, Any] = job["options"]
    return {
        "id": job["id"],
        "token": taken.token,
        "allow_git_fetch": True,
        "job_info": _job_info(taken),
        "git_info": _git_info(taken),
        "runner_info": {"timeout": taken.timeout, "uuid": f"runner-{taken.runner['id']}"},
        "inputs": [],
        "variables": [*_variables(ci, taken), *(await tokens.id_token_variables(ci, taken))],
        "steps": _steps(options, taken.timeout),
        "image": _expanded_image(options.get("image")),
        "services": options.get("services") or [],
        "artifacts": options.get("artifacts") or None,
        "cache": options.get("cache") or [],
        "credentials": _credentials(ci, taken),
        "dependencies": [_dependency(row, artifact, taken.token) for row, artifact in taken.dependencies],
        "features": {
            "trace_sections": True,
            "token_mask_prefixes": list(MASKED_PREFIXES),
            "failure_reasons": list(FAILURE_REASONS),
        },
        "secrets": {},
        "hooks": options.get("hooks") or [],
    }


def _job_info(taken: Taken) -> dict[str, Any]:
    job, project = taken.job, taken.origin.project
    queued, started = job["queued_at"], job["started_at"]
    return {
        "id": job["id"],
        "name": job["name"],
        "stage": job["stage"],
        "pipeline_id": job["pipeline_id"],
        "project_id": project.id,
        "project_name": project.path,
        "project_full_path": project.full_path,
        "namespace_id": project.namespace_id,
        "root_namespace_id": project.root_namespace_id,
        "organization_id": 1,
        "instance_id": "mlreef",
        "instance_uuid": "mlreef",
        "user_id": job["user_id"],
        "time_in_queue_seconds": max(0.0, (started - queued).total_seconds()) if queued and started else 0.0,
        "project_jobs_running_on_instance_runners_count": taken.running,
        "queue_size": taken.queue_size,
        "queue_depth": 0,
    }


def _git_info(taken: Taken) -> dict[str, Any]:
    origin, pipeline_id = taken.origin, taken.pipeline["id"]
    kind = "tags" if origin.tag else "heads"
    target = f"refs/tags/{origin.ref}" if origin.tag else f"refs/remotes/origin/{origin.ref}"
    return {
        "repo_url": _with_credentials(origin.project.http_url, taken.token),
        "repo_object_format": "sha1" if len(origin.sha) == 40 else "sha256",
        "ref": origin.ref,
        "sha": origin.sha,
        "before_sha": origin.before_sha or NO_COMMIT,
        "ref_type": "tag" if origin.tag else "branch",
        "refspecs": [
            f"+refs/pipelines/{pipeline_id}:refs/pipelines/{pipeline_id}",
            f"+refs/{kind}/{origin.ref}:{target}",
        ],
        "depth": 20,
        "protected": origin.protected,
    }


def _variables(ci: Ci, taken: Taken) -> list[dict[str, Any]]:
    """Weakest first, because the runner lets the last one win."""
    own = {**predefined.for_pipeline(ci.settings, taken.origin), **_of_job(ci, taken)}
    secret = {"CI_JOB_TOKEN", "CI_REGISTRY_PASSWORD", "CI_REPOSITORY_URL"}
    result = [_entry(key, value, public=key not in secret, masked=key in secret) for key, value in own.items()]
    result += [_entry(key, value) for key, value in taken.job["variables"].items()]
    for row in taken.settings:
        file = row["variable_type"] == "file"
        result.append(_entry(row["key"], row["value"], public=False, masked=row["masked"], raw=row["raw"], file=file))
    for item in taken.pipeline["variables"]:
        file = item.get("variable_type") == "file"
        result.append(_entry(item["key"], item["value"], public=False, file=file, raw=bool(item.get("raw"))))
    return result


def _of_job(ci: Ci, taken: Taken) -> dict[str, str]:
    job, pipeline, runner = taken.job, taken.pipeline, taken.runner
    project = taken.origin.project
    values = {
        "CI_PIPELINE_ID": str(pipeline["id"]),
        "CI_PIPELINE_IID": str(pipeline["iid"]),
        "CI_PIPELINE_URL": f"{project.web_url}/-/pipelines/{pipeline['id']}",
        "CI_PIPELINE_CREATED_AT": iso(pipeline["created_at"]) or "",
        "CI_PIPELINE_NAME": pipeline["name"] or "",
        "CI_JOB_ID": str(job["id"]),
        "CI_JOB_NAME": job["name"],
        "CI_JOB_NAME_SLUG": predefined.slug(job["name"]),
        "CI_JOB_GROUP_NAME": job["name"],
        "CI_JOB_STAGE": job["stage"],
        "CI_JOB_URL": f"{project.web_url}/-/jobs/{job['id']}",
        "CI_JOB_STARTED_AT": iso(job["started_at"]) or "",
        "CI_JOB_TIMEOUT": str(taken.timeout),
        "CI_JOB_TOKEN": taken.token,
        "CI_NODE_TOTAL": "1",
        "CI_REPOSITORY_URL": _with_credentials(project.http_url, taken.token),
        "CI_RUNNER_ID": str(runner["id"]),
        "CI_RUNNER_DESCRIPTION": runner["description"] or "",
        "CI_RUNNER_TAGS": str(runner["tags"]).replace("'", '"'),
        "CI_RUNNER_SHORT_TOKEN": runner["short_token"],
    }
    if job["when"] == "manual":
        values["CI_JOB_MANUAL"] = "true"
    if ci.settings.registry_host:
        values["CI_REGISTRY_USER"] = "gitlab-ci-token"
        values["CI_REGISTRY_PASSWORD"] = taken.token
    return values


def _entry(
    key: str, value: str, *, public: bool = True, masked: bool = False, raw: bool = False, file: bool = False
) -> dict[str, Any]:
    return {"key": key, "value": value, "public": public, "file": file, "masked": masked, "raw": raw}


def _steps(options: Mapping[str, Any], timeout: int) -> list[dict[str, Any]]:
    script = [*options.get("before_script", []), *options["script"]]
    steps = [{"name": "script", "script": script, "timeout": timeout, "when": "on_success", "allow_failure": False}]
    if options.get("after_script"):
        after = {"name": "after_script", "script": options["after_script"], "timeout": timeout}
        steps.append({**after, "when": "always", "allow_failure": True})
    return steps


def _expanded_image(image: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if image is None else {"entrypoint": None, "ports": [], **image}


def _credentials(ci: Ci, taken: Taken) -> list[dict[str, str]]:
    if not ci.settings.registry_host:
        return []
    login = {"username": "gitlab-ci-token", "password": taken.token}
    return [{"type": "registry", "url": ci.settings.registry_host, **login}]


def _dependency(row: RowMapping, artifact: RowMapping, token: str) -> dict[str, Any]:
    file = {"filename": artifact["filename"], "size": artifact["size"]}
    return {"id": row["id"], "name": row["name"], "token": token, "artifacts_file": file}


async def _dependencies(tx: Tx, job: RowMapping) -> list[tuple[RowMapping, RowMapping]]:
    rows = await jobs_store.newest(tx, job["pipeline_id"])
    if job["needs"] is not None:
        wanted = {need["name"] for need in job["needs"] if need["artifacts"]}
        rows = [row for row in rows if row["name"] in wanted]
    else:
        rows = [row for row in rows if row["stage_index"] < job["stage_index"]]
    if job["dependencies"] is not None:
        rows = [row for row in rows if row["name"] in set(job["dependencies"])]
    held = await jobs_store.artifacts_of(tx, [row["id"] for row in rows])
    result = []
    for row in rows:
        archive = next((item for item in held[row["id"]] if item["file_type"] == "archive"), None)
        if archive is not None:
            result.append((row, archive))
    return result


def _with_credentials(url: str, token: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://gitlab-ci-token:{token}@{parts.netloc}{parts.path}"
