"""Assembles the registry: state, routes, error dialect, and what runs beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError

from mlreef import __version__
from mlreef.kit import http, objects, tasks
from mlreef.kit.clock import Clock, SystemClock
from mlreef.kit.db import Database
from mlreef.kit.errors import Kind, PlatformError
from mlreef.registry import background, routes, wire
from mlreef.registry.metrics import Meters
from mlreef.registry.settings import Settings
from mlreef.registry.state import State
from mlreef.registry.tokens import TokenVerifier


def create_app(
    settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None, clock: Clock | None = None
) -> FastAPI:
    """The registry as an ASGI application; `transport` reaches the forge's keys without a socket."""
    db = Database.open(settings.database_url, migrations="mlreef.registry.migrations")
    http_client = httpx.AsyncClient(transport=transport, timeout=10)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await db.migrate()
        with suppress(PlatformError):  # a store that does not answer now is told of by those who need it
            await objects.claim(app.state.registry.objects, "registry")
        async with http_client, tasks.running(background.loops(app.state.registry)):
            yield
        await app.state.registry.links.close()
        await app.state.registry.objects.close()
        await db.close()

    app = http.new_app("registry", __version__, lifespan=lifespan, checks={"database": db.ping})
    app.state.registry = State(
        settings=settings,
        db=db,
        objects=objects.from_url(settings.objects_url),
        tokens=TokenVerifier(settings, http_client),
        clock=clock or SystemClock(),
        meters=Meters(app.state.metrics),
    )
    app.include_router(routes.router)
    app.add_exception_handler(PlatformError, wire.render)
    app.add_exception_handler(RequestValidationError, _bad_request)
    return app


async def _bad_request(request: Request, exc: Exception) -> Response:
    message = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in getattr(exc, "errors", list)())
    return await wire.render(request, wire.RegistryError(Kind.INVALID, "UNSUPPORTED", message))
