"""Assembles the forge: state, every slice's routes, loops around the application's life, GitLab's error dialect.

Routes are matched on the path as the client wrote it, so that `group%2Fproject` is one segment; `access.deps.gate` runs
before every route, decodes path parameters once, and denies what no declared policy opens.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta

import httpx
from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlreef import __version__
from mlreef.forge import instance_routes, wire
from mlreef.forge.access import background as access_background
from mlreef.forge.access import deps, session_routes, token_routes
from mlreef.forge.access import routes as user_routes
from mlreef.forge.access.principal import JobPrincipal
from mlreef.forge.ci import app as ci_app
from mlreef.forge.ci import service as ci
from mlreef.forge.groups import member_routes
from mlreef.forge.groups import routes as group_routes
from mlreef.forge.lfs import routes as lfs_routes
from mlreef.forge.lfs import wire as lfs_wire
from mlreef.forge.oidc import routes as oidc_routes
from mlreef.forge.oidc.keys import SigningKey
from mlreef.forge.projects import creation, social_routes
from mlreef.forge.projects import routes as project_routes
from mlreef.forge.repos import wire as repos_wire
from mlreef.forge.repos.branches import routes as branch_routes
from mlreef.forge.repos.commits import routes as commit_routes
from mlreef.forge.repos.contents import routes as content_routes
from mlreef.forge.repos.protection import routes as protection_routes
from mlreef.forge.repos.transport import routes as transport_routes
from mlreef.forge.settings import Settings
from mlreef.forge.state import State
from mlreef.kit import http, objects, tasks
from mlreef.kit.clock import Clock, SystemClock
from mlreef.kit.db import Database, Seal, Tx
from mlreef.kit.errors import PlatformError

_SWEEP_SECONDS = 3600.0

# Fixed paths before those with a parameter in their place; git's catch-all paths last.
ROUTERS: tuple[APIRouter, ...] = (
    instance_routes.router,
    session_routes.router,
    token_routes.router,
    user_routes.router,
    member_routes.router,
    group_routes.router,
    *ci_app.routers,
    content_routes.router,
    commit_routes.router,
    branch_routes.router,
    protection_routes.router,
    social_routes.router,
    project_routes.router,
    oidc_routes.router,
    lfs_routes.router,
    transport_routes.router,
)


def create_app(
    settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None, clock: Clock | None = None
) -> FastAPI:
    """The forge as an ASGI application; `transport` reaches services of the same process without a socket."""
    state = _state(settings, clock or SystemClock())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await state.db.migrate()
        with suppress(PlatformError):  # a store that does not answer now is told of by those who need it
            await objects.claim(state.objects, "forge")
        async with AsyncExitStack() as stack:
            client = None
            if transport is not None:
                client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, timeout=30))
            await stack.enter_async_context(ci_app.running(app, state, client=client))
            await stack.enter_async_context(tasks.running(_loops(state)))
            yield
        await state.objects.close()
        await state.db.close()

    app = http.new_app(
        "forge",
        __version__,
        lifespan=lifespan,
        checks={"database": state.db.ping},
        dependencies=[Depends(deps.gate)],
        redirect_slashes=False,
        openapi_url="/api/v4/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.forge = state
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(RawPaths, routers=ROUTERS)
    for failure in (PlatformError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(failure, wire.render)
    return app


class RawPaths:
    """Hands routing the path as it was written, and answers HEAD for the API's GET routes with their headers."""

    def __init__(self, app: ASGIApp, routers: Sequence[APIRouter]) -> None:
        self._app = app
        routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
        self._own_head = [route.path_regex for route in routes if "HEAD" in (route.methods or ())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path")
        if scope["type"] != "http" or not raw:
            await self._app(scope, receive, send)
            return
        path = raw.decode("latin-1").split("?")[0]
        scope = {**scope, "path": path}
        if scope["method"] != "HEAD" or not path.startswith("/api/v4/") or self._has_head(path):
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app({**scope, "method": "GET"}, receive, without_body)

    def _has_head(self, path: str) -> bool:
        return any(own.match(path) for own in self._own_head)


class _CiJobTokens:
    """`access.principal.JobTokens`, by CI."""

    async def find(self, tx: Tx, token: str) -> JobPrincipal | None:
        """The running job a token was made for."""
        found = await ci.find_job_token(tx, token)
        if found is None:
            return None
        return JobPrincipal(found.job_id, found.pipeline_id, found.project_id, found.user_id)


def _state(settings: Settings, clock: Clock) -> State:
    state = State(
        settings=settings,
        db=Database.open(settings.database_url, migrations="mlreef.forge.migrations", seal=_seal(settings)),
        objects=objects.from_url(settings.objects_url),
        clock=clock,
        key=SigningKey.load(settings.secrets_dir),
        job_tokens=_CiJobTokens(),
        forgetters=[ci.forget_project],
    )
    repos_wire.install(state)
    lfs_wire.install(state)
    return state


def _seal(settings: Settings) -> Seal:
    return Seal.load(settings.secrets_dir / "sealed-columns.key")


def _loops(state: State) -> list[tasks.Loop]:
    window = timedelta(seconds=state.settings.login_window_seconds)
    uses = tasks.Loop("credential uses", lambda: access_background.write_uses(state, window), interval=10.0)
    purge = tasks.Loop("sessions", lambda: access_background.purge(state, window), interval=600.0)
    sweeper = tasks.Loop("project sweeper", lambda: creation.sweep(state), interval=_SWEEP_SECONDS)
    state.wake_sweeper = sweeper.wake
    return [uses, purge, sweeper]
