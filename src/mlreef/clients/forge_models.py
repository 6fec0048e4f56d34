"""What the forge's answers mean to us: the few fields that are read, in GitLab's names turned into ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class User:
    """Who a credential belongs to."""

    id: int
    username: str
    name: str
    is_admin: bool = False

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> User:
        """From GitLab's user entity."""
        return cls(
            int(document["id"]),
            str(document["username"]),
            str(document.get("name") or document["username"]),
            bool(document.get("is_admin")),
        )


@dataclass(frozen=True, slots=True)
class Project:
    """A project as one caller sees it; `access_level` is that caller's effective level, 0 without membership."""

    id: int
    path: str
    name: str
    visibility: str
    default_branch: str | None
    access_level: int
    star_count: int = 0
    archived: bool = False
    ci_config_path: str | None = None
    description: str | None = None
    web_url: str = ""

    @property
    def namespace(self) -> str:
        """The full path of the group or user that it belongs to."""
        return self.path.rpartition("/")[0]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Project:
        """From GitLab's project entity, full or simple."""
        permissions = document.get("permissions") or {}
        levels = [
            int((permissions.get(key) or {}).get("access_level") or 0) for key in ("project_access", "group_access")
        ]
        return cls(
            id=int(document["id"]),
            path=str(document["path_with_namespace"]),
            name=str(document.get("name") or ""),
            visibility=str(document.get("visibility") or "private"),
            default_branch=document.get("default_branch"),
            access_level=max(levels),
            star_count=int(document.get("star_count") or 0),
            archived=bool(document.get("archived")),
            ci_config_path=document.get("ci_config_path"),
            description=document.get("description"),
            web_url=str(document.get("web_url") or ""),
        )


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One name in a directory of a commit."""

    id: str
    name: str
    path: str
    type: str  # blob | tree | commit
    mode: str

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TreeEntry:
        """From GitLab's tree entity."""
        return cls(
            str(document["id"]),
            str(document["name"]),
            str(document["path"]),
            str(document["type"]),
            str(document["mode"]),
        )


@dataclass(frozen=True, slots=True)
class Job:
    """A CI job as far as its progress matters."""

    id: int
    name: str
    status: str
    pipeline_id: int | None
    failure_reason: str | None
    raw: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Job:
        """From GitLab's job entity; `raw` keeps the rest of it."""
        return cls(
            int(document["id"]),
            str(document["name"]),
            str(document["status"]),
            (document.get("pipeline") or {}).get("id"),
            document.get("failure_reason"),
            document,
        )
