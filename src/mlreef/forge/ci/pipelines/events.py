"""What webhooks are told about jobs and CI pipelines, in GitLab's shape.

https://docs.gitlab.com/user/project/integrations/webhook_events/#pipeline-events and #job-events
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge.ci.ports import Project, User
from mlreef.kit.clock import iso

_LEVELS = {"private": 0, "internal": 10, "public": 20}


def project_payload(project: Project) -> dict[str, Any]:
    """The `project` object of every webhook."""
    return {
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "web_url": project.web_url,
        "avatar_url": None,
        "git_ssh_url": "",
        "git_http_url": project.http_url,
        "namespace": project.namespace_path,
        "visibility_level": _LEVELS.get(project.visibility, 0),
        "path_with_namespace": project.full_path,
        "default_branch": project.default_branch,
        "ci_config_path": project.ci_config_path,
        "homepage": project.web_url,
        "url": project.http_url,
        "ssh_url": "",
        "http_url": project.http_url,
    }


def user_payload(user: User) -> dict[str, Any]:
    """The `user` object."""
    return {
        "id": user.id,
        "name": user.name,
        "username": user.username,
        "avatar_url": user.avatar_url,
        "email": "[REDACTED]",
    }


def job_event(
    job: RowMapping, pipeline: RowMapping, project: Project, user: User, runner: RowMapping | None
) -> dict[str, Any]:
    """A Job Hook."""
    commit = pipeline["commit"]
    return {
        "object_kind": "build",
        "ref": pipeline["ref"],
        "tag": pipeline["tag"],
        "before_sha": pipeline["before_sha"],
        "sha": pipeline["sha"],
        "retries_count": job["attempt"] - 1,
        "build_id": job["id"],
        "build_name": job["name"],
        "build_stage": job["stage"],
        "build_status": job["status"],
        "build_created_at": iso(job["created_at"]),
        "build_started_at": iso(job["started_at"]),
        "build_finished_at": iso(job["finished_at"]),
        "build_duration": seconds(job["started_at"], job["finished_at"]),
        "build_queued_duration": seconds(job["queued_at"], job["started_at"]),
        "build_allow_failure": job["allow_failure"],
        "build_failure_reason": job["failure_reason"] or "unknown_failure",
        "pipeline_id": pipeline["id"],
        "runner": runner_payload(runner),
        "project_id": project.id,
        "project_name": f"{project.namespace_path} / {project.name}",
        "user": user_payload(user),
        "commit": {
            "id": pipeline["id"],
            "name": pipeline["name"],
            "sha": pipeline["sha"],
            "message": commit["message"],
            "author_name": commit["author_name"],
            "author_email": commit["author_email"],
            "author_url": None,
            "status": pipeline["status"],
            "duration": seconds(pipeline["started_at"], pipeline["finished_at"]),
            "started_at": iso(pipeline["started_at"]),
            "finished_at": iso(pipeline["finished_at"]),
        },
        "repository": {
            "name": project.name,
            "url": project.http_url,
            "description": project.description,
            "homepage": project.web_url,
            "git_http_url": project.http_url,
            "git_ssh_url": "",
            "visibility_level": _LEVELS.get(project.visibility, 0),
        },
        "project": project_payload(project),
        "environment": None,
    }


def pipeline_event(pipeline: RowMapping, jobs: Sequence[RowMapping], project: Project, user: User) -> dict[str, Any]:
    """A Pipeline Hook."""
    commit: Mapping[str, Any] = pipeline["commit"]
    shown = pipeline["variables"]
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": pipeline["id"],
            "iid": pipeline["iid"],
            "name": pipeline["name"],
            "ref": pipeline["ref"],
            "tag": pipeline["tag"],
            "sha": pipeline["sha"],
            "before_sha": pipeline["before_sha"],
            "source": pipeline["source"],
            "status": pipeline["status"],
            "detailed_status": pipeline["status"],
            "stages": list(dict.fromkeys(job["stage"] for job in jobs)),
            "created_at": iso(pipeline["created_at"]),
            "finished_at": iso(pipeline["finished_at"]),
            "duration": seconds(pipeline["started_at"], pipeline["finished_at"]),
            "queued_duration": seconds(pipeline["created_at"], pipeline["started_at"]),
            "variables": [{"key": item["key"], "value": item["value"]} for item in shown],
            "url": f"{project.web_url}/-/pipelines/{pipeline['id']}",
        },
        "merge_request": None,
        "user": user_payload(user),
        "project": project_payload(project),
        "commit": {
            "id": commit["id"],
            "message": commit["message"],
            "title": commit["title"],
            "timestamp": commit["timestamp"],
            "url": f"{project.web_url}/-/commit/{commit['id']}",
            "author": {"name": commit["author_name"], "email": commit["author_email"]},
        },
        "builds": [_build(job, user) for job in jobs],
    }


def runner_payload(runner: RowMapping | None) -> dict[str, Any] | None:
    """The `runner` object, null before a runner took the job."""
    if runner is None:
        return None
    return {
        "id": runner["id"],
        "description": runner["description"],
        "runner_type": runner["runner_type"],
        "active": not runner["paused"],
        "is_shared": runner["runner_type"] == "instance_type",
        "tags": runner["tags"],
    }


def seconds(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds from start to end, when there are both."""
    return None if start is None or end is None else max(0.0, (end - start).total_seconds())


def _build(job: RowMapping, user: User) -> dict[str, Any]:
    return {
        "id": job["id"],
        "stage": job["stage"],
        "name": job["name"],
        "status": job["status"],
        "created_at": iso(job["created_at"]),
        "started_at": iso(job["started_at"]),
        "finished_at": iso(job["finished_at"]),
        "duration": seconds(job["started_at"], job["finished_at"]),
        "queued_duration": seconds(job["queued_at"], job["started_at"]),
        "failure_reason": job["failure_reason"],
        "when": job["when"],
        "manual": job["when"] == "manual",
        "allow_failure": job["allow_failure"],
        "user": user_payload(user),
        "runner": None,
        "artifacts_file": {"filename": None, "size": None},
        "environment": None,
    }
