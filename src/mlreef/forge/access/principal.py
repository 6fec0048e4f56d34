"""Who asks: the one value that every decision about access is made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mlreef.kit.db import Tx


@dataclass(frozen=True, slots=True)
class JobPrincipal:
    """Whom a job token speaks for: a running job of one project, started by one user."""

    job_id: int
    pipeline_id: int
    project_id: int
    user_id: int


class JobTokens(Protocol):
    """Knows the tokens of running jobs; CI implements it."""

    async def find(self, tx: Tx, token: str) -> JobPrincipal | None:
        """The running job a token was made for; None as soon as the job has ended."""
        ...


ALL_SCOPES = frozenset({"*"})
"""Scopes of a session or password: what the user may do, without a token's limits."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller as one request proved it; made by `access.identify` and by nothing else."""

    at: datetime
    """When the request was made: memberships that have expired by then do not count."""
    user_id: int | None = None
    username: str = ""
    name: str = ""
    email: str = ""
    admin: bool = False
    """Always false for jobs: a job never has its user's administrator rights."""
    blocked: bool = False
    external: bool = False
    method: str = "anonymous"
    """anonymous, personal_access_token, password, session or job."""
    scopes: frozenset[str] = frozenset()
    token_id: int | None = None
    session_id: int | None = None
    job: JobPrincipal | None = None
    ip: str | None = None

    @property
    def anonymous(self) -> bool:
        """Nobody logged in."""
        return self.user_id is None

    def has_scope(self, *wanted: str) -> bool:
        """Whether the credential was given any of these scopes; jobs and anonymous callers have none."""
        return "*" in self.scopes or not self.scopes.isdisjoint(wanted)
