"""How the application puts CI and webhooks in place: `routers` into its routes, `running` around its life."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from fastapi import FastAPI, Request
from sqlalchemy.engine import RowMapping

from mlreef.forge import audit
from mlreef.forge.access import policy
from mlreef.forge.access.principal import Principal
from mlreef.forge.ci import adapters, background, wire
from mlreef.forge.ci.context import Ci, CiSettings
from mlreef.forge.ci.routing import ROUTERS
from mlreef.forge.groups import store as groups_store
from mlreef.forge.hooks.sending import Sender
from mlreef.forge.projects import service as projects
from mlreef.forge.settings import GITLAB_VERSION, Settings
from mlreef.forge.state import State
from mlreef.kit.db import Database, Tx
from mlreef.kit.errors import Kind, PlatformError, forbidden, not_found, unauthenticated
from mlreef.kit.network import Network

routers = ROUTERS


def settings_of(settings: Settings) -> CiSettings:
    """CI's part of the forge's settings."""
    return CiSettings(
        external_url=settings.external_url,
        remote_prefixes=tuple(settings.ci_remote_prefixes),
        registry_host=settings.image_host,
        lease_seconds=settings.lease_seconds,
        acknowledge_seconds=settings.acknowledge_seconds,
        system_retries=settings.system_retries,
        default_timeout=settings.default_job_seconds,
        maximum_timeout=settings.maximum_job_seconds,
        long_poll_seconds=settings.long_poll_seconds,
        maximum_trace_bytes=settings.max_trace_bytes,
        maximum_artifact_bytes=settings.max_artifact_bytes,
        registration_token=settings.registration_token,
        version=GITLAB_VERSION,
    )


@asynccontextmanager
async def running(app: FastAPI, state: State, *, client: httpx.AsyncClient | None = None) -> AsyncIterator[Ci]:
    """Run CI while the block lasts; needs the repositories in `state.parts["repos"]`.

    `client` reaches the addresses the operator trusts, other services of this process among them.
    """
    repos = state.parts["repos"]
    async with httpx.AsyncClient(transport=Network(), trust_env=False, follow_redirects=False) as outside:
        ci = Ci(
            settings=settings_of(state.settings),
            clock=state.clock,
            objects=state.objects,
            repositories=adapters.GitRepositories(repos.storage),
            directory=adapters.ForgeDirectory(state.settings.external_url),
            id_tokens=adapters.SignedIdTokens(state.key, state.settings.external_url, state.clock),
            http=client or outside,
        )
        app.state.stopping = ci.signals.stop
        app.state.ci, app.state.db, app.state.gate = ci, state.db, PolicyGate(state.db)
        trusted = tuple(state.settings.hook_origins)
        sender = Sender(ci.http, outside, trusted, state.settings.external_url, GITLAB_VERSION)
        async with background.running(ci, state.db, sender) as pushes:
            repos.hooks.listeners.append(pushes.note)
            try:
                yield ci
            finally:
                repos.hooks.listeners.remove(pushes.note)


@dataclass(frozen=True, slots=True)
class PolicyGate:
    """`wire.Gate`: the caller that the forge's gate resolved, and the one access policy."""

    db: Database

    async def project(self, request: Request, project: str, action: str) -> wire.Grant:
        """A project by number or path, for a caller that may do the action."""
        who = _who(request)
        async with self.db.read() as tx:
            found = await projects.get_project(tx, who, project, action)
        return wire.Grant(found.id, who.user_id)

    async def user(self, request: Request) -> int:
        """Any logged-in user."""
        who = _who(request)
        if who.user_id is None:
            raise unauthenticated()
        return who.user_id

    async def admin(self, request: Request) -> int:
        """An administrator."""
        user_id = await self.user(request)
        if not policy.allowed(_who(request), "admin"):
            raise forbidden("403 Forbidden")
        return user_id

    async def group(self, request: Request, group: str, action: str) -> int:
        """A group by number or path, for a caller that may do the action."""
        who = _who(request)
        async with self.db.read() as tx:
            row = await _group(tx, group)
            level = await _level(tx, who, row) if row is not None else 0
        if row is None:
            raise not_found("404 Group")
        resource = policy.Resource(visibility=row["visibility"], level=level)
        if not policy.visible(who, resource):
            raise not_found("404 Group")
        projects.require(who, action, resource)
        return int(row["id"])

    async def is_admin(self, request: Request) -> bool:
        """Whether the caller is an administrator."""
        return policy.allowed(_who(request), "admin")

    async def record(self, request: Request, tx: Tx, action: str, *, target: tuple[str, int, str]) -> None:
        """An entry of the audit log."""
        kind, number, name = target
        await audit.record(tx, _who(request), action, kind=kind, id=number, target=name)


async def _group(tx: Tx, wanted: str) -> RowMapping | None:
    number = wanted.isascii() and wanted.isdecimal()
    if number and len(wanted) >= 19:
        return None
    find = groups_store.find_by_id(tx, int(wanted)) if number else groups_store.find_by_path(tx, wanted)
    row = await find
    return row if row is not None and row["kind"] == "group" else None


async def _level(tx: Tx, who: Principal, row: RowMapping) -> int:
    if who.user_id is None:
        return 0
    above = projects.ancestors(row["traversal"])
    return await groups_store.level(tx, who.user_id, who.at.date(), group_ids=above)


def _who(request: Request) -> Principal:
    who = getattr(request.state, "principal", None)
    if not isinstance(who, Principal):
        raise PlatformError(Kind.UNAUTHENTICATED, "401 Unauthorized")
    return who
