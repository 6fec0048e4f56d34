"""What other parts of the forge hear about changed references.

A `PushEvent` is published once the change is durable and before the client is told; one event per reference that moved,
whether by `git push` or through the API. Listeners must only note the event (queue it, write a row): the push waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from mlreef.forge.repos import refs
from mlreef.kit import logs

log = logs.get(__name__)

_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class PushEvent:
    """One reference of one project moved; `before` or `after` is forty zeros when it was created or deleted."""

    project_id: int
    ref: str
    before: str
    after: str
    user_id: int
    options: tuple[str, ...] = ()
    """Push options as given, e.g. `ci.skip`."""

    @property
    def deleted(self) -> bool:
        """Whether the reference is gone."""
        return self.after == refs.ZERO

    @property
    def created(self) -> bool:
        """Whether the reference is new."""
        return self.before == refs.ZERO


Listener = Callable[[PushEvent], Awaitable[None]]
DefaultListener = Callable[[int, str], Awaitable[None]]


@dataclass(slots=True)
class PushHooks:
    """Who listens; the application adds listeners while it is put together."""

    listeners: list[Listener] = field(default_factory=list)
    default_listeners: list[DefaultListener] = field(default_factory=list)
    """Told the project and the new default branch when an empty repository's first push was another branch."""

    async def publish(self, event: PushEvent) -> None:
        """Tell every listener; one that fails or hangs is logged and never fails the push."""
        for listener in self.listeners:
            try:
                async with asyncio.timeout(_SECONDS):
                    await listener(event)
            except Exception:
                log.exception("push listener failed", project=event.project_id, ref=event.ref)

    async def changed_default(self, project_id: int, branch: str) -> None:
        """Tell everybody who needs to know the default branch's name."""
        for listener in self.default_listeners:
            await listener(project_id, branch)
