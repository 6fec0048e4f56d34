"""How the application puts CI and webhooks in place: `routers` into its routes, `running` around its life."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from mlreef.forge.ci import adapters, background
from mlreef.forge.ci.context import Ci, CiSettings
from mlreef.forge.ci.routing import ROUTERS
from mlreef.forge.hooks.sending import Sender
from mlreef.forge.settings import GITLAB_VERSION, Settings
from mlreef.forge.state import State

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
    async with (
        httpx.AsyncClient(trust_env=False) as plain,
        httpx.AsyncClient(trust_env=False, follow_redirects=False) as outside,
    ):
        ci = Ci(
            settings=settings_of(state.settings),
            clock=state.clock,
            objects=state.objects,
            repositories=adapters.GitRepositories(repos.storage),
            directory=adapters.ForgeDirectory(state.settings.external_url),
            id_tokens=adapters.SignedIdTokens(state.key, state.settings.external_url, state.clock),
            http=client or plain,
        )
        app.state.ci, app.state.db, app.state.gate = ci, state.db, adapters.PolicyGate(state.db)
        trusted = tuple(state.settings.hook_origins)
        sender = Sender(ci.http, outside, trusted, state.settings.external_url, GITLAB_VERSION)
        async with background.running(ci, state.db, sender) as pushes:
            repos.hooks.listeners.append(pushes.note)
            try:
                yield ci
            finally:
                repos.hooks.listeners.remove(pushes.note)
