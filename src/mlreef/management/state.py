"""What the management service works with, made once by the application factory.

`of(request)` is how routes reach it; loops and handlers are given it when they are made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
from fastapi import Request

from mlreef.clients.forge import ForgeClient
from mlreef.kit.clock import Clock
from mlreef.kit.db import Database
from mlreef.kit.objects import ObjectStore
from mlreef.management.events.notices import Notices
from mlreef.management.settings import Settings

if TYPE_CHECKING:
    from mlreef.management.access.identity import JobVerifier
    from mlreef.management.access.service import Access
    from mlreef.management.hooks.dispatch import Handler
    from mlreef.management.jobs.dispatch import Subject
    from mlreef.management.serving.framework import Framework


@dataclass(slots=True)
class State:
    """The service's own resources."""

    settings: Settings
    db: Database
    objects: ObjectStore
    clock: Clock
    http: httpx.AsyncClient
    """Never keeps cookies: it speaks for many callers."""
    forge: ForgeClient
    """Anonymous; `forge.with_credential(...)` speaks for somebody."""
    bot: ForgeClient
    """The service account."""
    access: Access
    verifier: JobVerifier
    framework: Framework
    notices: Notices = field(default_factory=Notices)
    """Runs that changed, for server-sent events."""
    handlers: list[Handler] = field(default_factory=list)
    """Who wants to hear of webhooks."""
    subjects: list[Subject] = field(default_factory=list)
    """Who knows what a CI job is for."""
    parts: dict[type, object] = field(default_factory=dict)
    """What single slices keep once per process, by its type; see `runs.assembly`."""


def of(request: Request) -> State:
    """The state of the application that answers `request`."""
    state: State = request.app.state.management
    return state
