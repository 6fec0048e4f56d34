"""What every route of the forge is given, made once at start and kept in `app.state.forge`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from mlreef.forge.access.principal import JobTokens
from mlreef.forge.access.uses import Uses
from mlreef.forge.oidc.keys import SigningKey
from mlreef.forge.settings import Settings
from mlreef.kit.clock import Clock
from mlreef.kit.db import Database
from mlreef.kit.objects import ObjectStore


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
    parts: dict[str, Any] = field(default_factory=dict)


def of(request: Request) -> State:
    """The state of the application that answers this request."""
    state: State = request.app.state.forge
    return state
