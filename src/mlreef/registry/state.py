"""What the routes of the registry work with, made once by the application factory."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastapi import Request

from mlreef.kit.clock import Clock
from mlreef.kit.db import Database
from mlreef.kit.objects import ObjectStore
from mlreef.registry.batches import Batches
from mlreef.registry.metrics import Meters
from mlreef.registry.settings import Settings
from mlreef.registry.tokens import TokenVerifier


@dataclass(frozen=True, slots=True)
class State:
    """The registry's own resources."""

    settings: Settings
    db: Database
    objects: ObjectStore
    tokens: TokenVerifier
    clock: Clock
    meters: Meters
    links: Batches = field(default_factory=Batches)
    """Blobs that are about to become part of a repository."""
    unlimited: dict[str, float] = field(default_factory=dict)
    """Namespaces without a quota, and until when (`monotonic`) that need not be looked at again."""


async def of(request: Request) -> State:
    """The state of the application that answers `request`; a plain function would cost a change of threads."""
    state: State = request.app.state.registry
    return state
