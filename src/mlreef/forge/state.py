"""What every route of the forge is given, made once at start and kept in `app.state.forge`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from mlreef.forge.access.principal import JobTokens
from mlreef.forge.access.uses import Uses
from mlreef.forge.oidc.keys import SigningKey
from mlreef.forge.repos.context import Repos
from mlreef.forge.settings import Settings
from mlreef.kit.clock import Clock
from mlreef.kit.db import Database, Tx
from mlreef.kit.objects import ObjectStore


def _nothing() -> None:
    """No loops run yet: they will look when they start."""


Forget = Callable[[Tx, int], Awaitable[None]]
"""Deletes what a slice holds of a project, in the transaction that deletes the project."""


@dataclass(slots=True)
class State:
    """The collaborators of all slices; `parts` holds what a slice adds for itself under its own name."""

    settings: Settings
    db: Database
    objects: ObjectStore
    clock: Clock
    key: SigningKey
    job_tokens: JobTokens
    uses: Uses = field(default_factory=Uses)
    forgetters: list[Forget] = field(default_factory=list)
    wake_sweeper: Callable[[], None] = _nothing
    parts: dict[str, Any] = field(default_factory=dict)

    @property
    def repos(self) -> Repos:
        """Git's collaborators, which the slice repos has put in place."""
        found: Repos = self.parts["repos"]
        return found


def of(request: Request) -> State:
    """The state of the application that answers this request."""
    state: State = request.app.state.forge
    return state
