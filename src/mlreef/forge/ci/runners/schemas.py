"""Runners on the wire (https://docs.gitlab.com/api/runners/)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge.ci.runners import service
from mlreef.kit.clock import iso


def short(runner: RowMapping, now: datetime) -> dict[str, Any]:
    """An entry of a list."""
    status = service.status(runner, now)
    return {
        "id": runner["id"],
        "description": runner["description"] or "",
        "ip_address": None,
        "active": not runner["paused"],
        "paused": runner["paused"],
        "is_shared": runner["runner_type"] == "instance_type",
        "runner_type": runner["runner_type"],
        "name": None,
        "online": status == "online",
        "status": status,
        "created_at": iso(runner["created_at"]),
        "created_by": None,
        "job_execution_status": "idle",
    }


def full(
    runner: RowMapping, managers: Sequence[RowMapping], now: datetime, *, projects: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """A single runner."""
    info = managers[-1]["info"] if managers else {}
    return {
        **short(runner, now),
        "ip_address": managers[-1]["ip_address"] if managers else None,
        "name": info.get("name"),
        "tag_list": runner["tags"],
        "run_untagged": runner["run_untagged"],
        "locked": runner["locked"],
        "maximum_timeout": runner["maximum_timeout"],
        "access_level": runner["access_level"],
        "version": info.get("version"),
        "revision": info.get("revision"),
        "platform": info.get("platform"),
        "architecture": info.get("architecture"),
        "contacted_at": iso(runner["contacted_at"]),
        "maintenance_note": runner["maintenance_note"],
        "projects": list(projects),
        "groups": [],
    }


def manager(row: RowMapping, now: datetime) -> dict[str, Any]:
    """One manager of a runner."""
    info = row["info"]
    return {
        "id": row["id"],
        "system_id": row["system_id"],
        "version": info.get("version"),
        "revision": info.get("revision"),
        "platform": info.get("platform"),
        "architecture": info.get("architecture"),
        "created_at": iso(row["created_at"]),
        "contacted_at": iso(row["contacted_at"]),
        "ip_address": row["ip_address"],
        "status": service.status(row, now),
        "job_execution_status": "idle",
    }
