"""Assembles the registry: state, routes, error dialect, and the sweep of uploads nobody finished."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError

from mlreef import __version__
from mlreef.kit import http, objects, tasks
from mlreef.kit.clock import Clock, SystemClock
from mlreef.kit.db import Database
from mlreef.kit.errors import Kind, PlatformError
from mlreef.registry import routes, store, wire
from mlreef.registry.settings import Settings
from mlreef.registry.state import State
from mlreef.registry.tokens import TokenVerifier


def create_app(
    settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None, clock: Clock | None = None
) -> FastAPI:
    """The registry as an ASGI application; `transport` reaches the forge's keys without a socket."""
    db = Database.open(settings.database_url, migrations="mlreef.registry.migrations")
    http_client = httpx.AsyncClient(transport=transport, timeout=10)
    state = State(
        settings=settings,
        db=db,
        objects=objects.from_url(settings.objects_url),
        tokens=TokenVerifier(settings, http_client),
        clock=clock or SystemClock(),
    )

    async def sweep() -> None:
        await _sweep_uploads(state)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await db.migrate()
        async with http_client, tasks.running([tasks.Loop("registry-uploads", sweep, interval=3600)]):
            yield
        await state.objects.close()
        await db.close()

    app = http.new_app("registry", __version__, lifespan=lifespan, checks={"database": db.ping})
    app.state.registry = state
    app.include_router(routes.router)
    app.add_exception_handler(PlatformError, wire.render)
    app.add_exception_handler(RequestValidationError, _bad_request)
    return app


async def _bad_request(request: Request, exc: Exception) -> Response:
    message = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in getattr(exc, "errors", list)())
    return await wire.render(request, wire.RegistryError(Kind.INVALID, "UNSUPPORTED", message))


async def _sweep_uploads(state: State) -> None:
    before = state.clock.now() - timedelta(hours=state.settings.upload_hours)
    async with state.db.write() as tx:
        for upload in await store.list_stale_uploads(tx, before):
            await store.end_upload(tx, upload)
