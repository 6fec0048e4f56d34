"""CI pipelines on the wire (https://docs.gitlab.com/api/pipelines/)."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import people
from mlreef.forge.ci.pipelines.events import seconds
from mlreef.forge.ci.ports import Project, User
from mlreef.kit.clock import iso

_LABELS = {"success": "passed"}


def short(pipeline: RowMapping, project: Project) -> dict[str, Any]:
    """An entry of a list."""
    return {
        "id": pipeline["id"],
        "iid": pipeline["iid"],
        "project_id": pipeline["project_id"],
        "name": pipeline["name"],
        "sha": pipeline["sha"],
        "ref": pipeline["ref"],
        "status": pipeline["status"],
        "source": pipeline["source"],
        "created_at": iso(pipeline["created_at"]),
        "updated_at": iso(pipeline["updated_at"]),
        "web_url": f"{project.web_url}/-/pipelines/{pipeline['id']}",
    }


def full(pipeline: RowMapping, project: Project, user: User) -> dict[str, Any]:
    """A single pipeline."""
    status = pipeline["status"]
    duration = seconds(pipeline["started_at"], pipeline["finished_at"])
    return {
        **short(pipeline, project),
        "before_sha": pipeline["before_sha"],
        "tag": pipeline["tag"],
        "yaml_errors": pipeline["yaml_errors"],
        "user": people.payload(user),
        "started_at": iso(pipeline["started_at"]),
        "finished_at": iso(pipeline["finished_at"]),
        "committed_at": None,
        "duration": None if duration is None else int(duration),
        "queued_duration": seconds(pipeline["created_at"], pipeline["started_at"]),
        "coverage": None,
        "archived": False,
        "detailed_status": {
            "icon": f"status_{status}",
            "text": _LABELS.get(status, status).capitalize(),
            "label": _LABELS.get(status, status),
            "group": status,
            "tooltip": _LABELS.get(status, status),
            "has_details": True,
            "details_path": f"/{project.full_path}/-/pipelines/{pipeline['id']}",
            "illustration": None,
            "favicon": "",
        },
    }
