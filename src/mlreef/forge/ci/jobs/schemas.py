"""Jobs on the wire (https://docs.gitlab.com/api/jobs/)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import people
from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.jobs import store
from mlreef.forge.ci.pipelines import schemas as pipeline_schemas
from mlreef.forge.ci.pipelines import store as pipelines_store
from mlreef.forge.ci.pipelines.events import seconds
from mlreef.forge.ci.ports import Project, User
from mlreef.forge.ci.runners import store as runners_store
from mlreef.kit.clock import iso
from mlreef.kit.db import Tx


async def rendered(ci: Ci, tx: Tx, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """Jobs of one or several projects with everything around them."""
    projects = {key: await ci.directory.get_project(tx, key) for key in {row["project_id"] for row in rows}}
    pipelines = {key: await pipelines_store.get(tx, key) for key in {row["pipeline_id"] for row in rows}}
    runners = {key: await runners_store.find(tx, key) for key in {row["runner_id"] for row in rows if row["runner_id"]}}
    users = await people.of(ci, tx, [row["user_id"] for row in rows])
    artifacts = await store.artifacts_of(tx, [row["id"] for row in rows])
    return [
        {
            **payload(row, pipelines[row["pipeline_id"]], projects[row["project_id"]], users[row["user_id"]]),
            **_files(row, artifacts[row["id"]]),
            "runner": _runner(runners.get(row["runner_id"])),
        }
        for row in rows
    ]


def payload(job: RowMapping, pipeline: RowMapping, project: Project, user: User) -> dict[str, Any]:
    """A job without its files and runner."""
    commit = pipeline["commit"]
    return {
        "id": job["id"],
        "status": job["status"],
        "stage": job["stage"],
        "name": job["name"],
        "ref": pipeline["ref"],
        "tag": pipeline["tag"],
        "coverage": None,
        "allow_failure": job["allow_failure"],
        "created_at": iso(job["created_at"]),
        "started_at": iso(job["started_at"]),
        "finished_at": iso(job["finished_at"]),
        "erased_at": iso(job["erased_at"]),
        "duration": seconds(job["started_at"], job["finished_at"]),
        "queued_duration": seconds(job["queued_at"], job["started_at"]),
        "failure_reason": job["failure_reason"],
        "exit_code": job["exit_code"],
        "user": people.payload(user),
        "commit": {
            "id": commit["id"],
            "short_id": commit["id"][:8],
            "title": commit["title"],
            "message": commit["message"],
            "author_name": commit["author_name"],
            "author_email": commit["author_email"],
            "authored_date": commit["timestamp"],
            "committer_name": commit["author_name"],
            "committer_email": commit["author_email"],
            "committed_date": commit["timestamp"],
            "created_at": commit["timestamp"],
            "parent_ids": commit.get("parents", []),
            "trailers": {},
            "web_url": f"{project.web_url}/-/commit/{commit['id']}",
        },
        "pipeline": pipeline_schemas.short(pipeline, project),
        "project": {"ci_job_token_scope_enabled": True},
        "web_url": f"{project.web_url}/-/jobs/{job['id']}",
        "archived": False,
        "tag_list": job["tags"],
        "runner_manager": None,
    }


def _files(job: RowMapping, artifacts: Sequence[RowMapping]) -> dict[str, Any]:
    files = [
        {
            "file_type": item["file_type"],
            "size": item["size"],
            "filename": item["filename"],
            "file_format": item["file_format"],
        }
        for item in artifacts
    ]
    if job["trace_size"]:
        trace = {"file_type": "trace", "size": job["trace_size"], "filename": "job.log", "file_format": None}
        files.append(trace)
    result: dict[str, Any] = {"artifacts": files, "artifacts_expire_at": None}
    for item in artifacts:
        if item["file_type"] == "archive":
            result["artifacts_file"] = {"filename": item["filename"], "size": item["size"]}
            result["artifacts_expire_at"] = iso(item["expire_at"])
    return result


def _runner(runner: RowMapping | None) -> dict[str, Any] | None:
    if runner is None:
        return None
    return {
        "id": runner["id"],
        "description": runner["description"],
        "ip_address": None,
        "active": not runner["paused"],
        "paused": runner["paused"],
        "is_shared": runner["runner_type"] == "instance_type",
        "runner_type": runner["runner_type"],
        "name": None,
        "online": None,
        "status": "online",
    }
