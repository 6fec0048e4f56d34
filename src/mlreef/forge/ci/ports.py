"""What CI needs of its neighbours, as small protocols: repositories, projects and people, identity tokens.

`mlreef.forge.ci.adapters` implements them with the other slices; tests use in-memory ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from mlreef.kit.db import Tx


@dataclass(frozen=True, slots=True)
class Project:
    """A project as CI speaks of it."""

    id: int
    name: str
    path: str
    full_path: str
    namespace_id: int
    namespace_path: str
    root_namespace_id: int
    visibility: str
    default_branch: str
    web_url: str
    http_url: str
    group_ids: tuple[int, ...] = ()
    """Groups above the project, nearest first."""
    ci_config_path: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class User:
    """The person a pipeline runs for."""

    id: int
    username: str
    name: str
    email: str
    web_url: str
    avatar_url: str | None = None
    state: str = "active"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as hooks, variables and job answers show it."""

    id: str
    message: str
    title: str
    author_name: str
    author_email: str
    timestamp: datetime
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch or tag and what it points to."""

    name: str
    tag: bool
    sha: str


class Repositories(Protocol):
    """Git as CI needs it; never called inside a transaction."""

    async def find_ref(self, project_id: int, name: str) -> Ref | None:
        """A branch or tag by short or full name."""
        ...

    async def get_commit(self, project_id: int, sha: str) -> Commit:
        """A commit that exists."""
        ...

    async def commits_between(self, project_id: int, before: str, after: str) -> tuple[Sequence[Commit], int]:
        """The newest commits of a push, oldest first, and how many there are in all."""
        ...

    async def find_file(self, project_id: int, sha: str, path: str) -> bytes | None:
        """A file at a commit; None when it does not exist or is no file."""
        ...

    async def paths(self, project_id: int, sha: str) -> frozenset[str]:
        """All paths of files at a commit, up to a cap."""
        ...

    async def changed(self, project_id: int, before: str, after: str) -> frozenset[str] | None:
        """Paths that differ; None when unknown (a new branch)."""
        ...

    async def keep(self, project_id: int, pipeline_id: int, sha: str) -> None:
        """Create `refs/pipelines/<id>` so that the commit stays fetchable."""
        ...


class Directory(Protocol):
    """Projects and people, read inside the caller's transaction."""

    async def get_project(self, tx: Tx, project_id: int) -> Project:
        """A project that exists."""
        ...

    async def get_user(self, tx: Tx, user_id: int) -> User:
        """A user that exists."""
        ...

    async def project_ids_of_groups(self, tx: Tx, group_ids: Sequence[int]) -> Sequence[int]:
        """All projects in the groups and their subgroups."""
        ...

    async def is_protected(self, tx: Tx, project_id: int, ref: str, *, tag: bool) -> bool:
        """Whether the branch or tag is protected."""
        ...


class IdTokens(Protocol):
    """Signs identity tokens of jobs."""

    async def issue(self, claims: Mapping[str, Any], *, audience: Sequence[str], seconds: int) -> str:
        """A signed token with these claims."""
        ...
