"""Assembles the management service: state, every slice's routes, loops and handlers, the error dialect.

A slice may have `routes.router`, and in `background` any of `loops(state)`, `handlers(state)` (webhooks) and
`subjects(state)` (what CI jobs are for). Naming it in `SLICES` is all that it takes to be part of the service.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import ModuleType
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from mlreef import __version__
from mlreef.clients import credentials
from mlreef.clients.forge import ForgeClient
from mlreef.extraction.isolation import Pool
from mlreef.kit import http, objects, tasks
from mlreef.kit.clock import Clock, SystemClock
from mlreef.kit.db import Database
from mlreef.kit.errors import PlatformError
from mlreef.management import wire
from mlreef.management.access.identity import JobVerifier
from mlreef.management.access.service import Access
from mlreef.management.serving import framework
from mlreef.management.settings import Settings
from mlreef.management.state import State

SLICES = (
    "connect",
    "processors",
    "environments",
    "attestations",
    "layers",
    "serving",
    "hooks",
    "jobs",
    "definitions",
    "runs",
    "experiments",
    "visuals",
    "usage",
    "events",
)


def create_app(
    settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None, clock: Clock | None = None
) -> FastAPI:
    """The service as an ASGI application; `transport` reaches the forge without a socket."""
    state = _state(settings, transport, clock or SystemClock())
    modules = [module for name in SLICES if (module := _module(name, "background")) is not None]
    state.handlers += [one for module in modules for one in _provided(module, "handlers", state)]
    state.subjects += [one for module in modules for one in _provided(module, "subjects", state)]

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await state.db.migrate()
        loops = [one for module in modules for one in _provided(module, "loops", state)]
        async with state.http, tasks.running(loops):
            yield
        for part in state.parts.values():
            if isinstance(part, Pool):
                await part.aclose()
        await state.objects.close()
        await state.db.close()

    app = http.new_app(
        "management",
        __version__,
        lifespan=lifespan,
        checks={"database": state.db.ping},
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.management = state
    for name in SLICES:
        routes = _module(name, "routes")
        if routes is not None:
            app.include_router(routes.router)
    for failure in (PlatformError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(failure, wire.render)
    return app


def _state(settings: Settings, transport: httpx.AsyncBaseTransport | None, clock: Clock) -> State:
    client = httpx.AsyncClient(
        transport=transport,
        timeout=30,
        follow_redirects=False,
        # One client speaks for many callers: a cookie set for one must never be sent for another.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )
    forge = ForgeClient(client, settings.forge_url)
    bot = credentials.pat(settings.service_token) if settings.service_token else credentials.ANONYMOUS
    return State(
        settings=settings,
        db=Database.open(settings.database_url, migrations="mlreef.management.migrations"),
        objects=objects.from_url(settings.objects_url),
        clock=clock,
        http=client,
        forge=forge,
        bot=forge.with_credential(bot),
        access=Access(settings, forge, clock),
        verifier=JobVerifier(settings, client),
        framework=framework.load(settings.epf_path),
    )


def _module(name: str, part: str) -> ModuleType | None:
    path = f"mlreef.management.{name}"
    if importlib.util.find_spec(path) is None or importlib.util.find_spec(f"{path}.{part}") is None:
        return None
    return importlib.import_module(f"{path}.{part}")


def _provided(module: ModuleType, what: str, state: State) -> list[Any]:
    maker = getattr(module, what, None)
    return list(maker(state)) if maker is not None else []
