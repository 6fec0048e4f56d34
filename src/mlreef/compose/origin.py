"""One origin, several services: which path belongs to whom.

Starlette's `Mount` would strip prefixes and forward no lifespans; this dispatcher hands the untouched scope (with its
raw path, on which encoded project ids depend) to the service and enters every lifespan itself.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from fastapi import FastAPI
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

_REPOSITORY = re.compile(r"/(?:(?!-/)[^/]+/)+[^/]+\.git(?:/|$)")
_PREFIXES = (
    ("/api/v1/", "management"),
    ("/v2/", "registry"),
    ("/api/", "forge"),
    ("/oauth/", "forge"),
    ("/.well-known/", "forge"),
    ("/jwt/", "forge"),
    ("/-/", "forge"),
    ("/uploads/", "forge"),
)


def service_of(path: str) -> str:
    """The service that answers `path`: `forge`, `management`, `registry`, `health`, `metrics` or `web`."""
    if path in {"/-/health", "/-/liveness", "/-/readiness"}:
        return "health"
    if path == "/metrics":
        return "metrics"
    if path == "/v2":
        return "registry"
    for prefix, service in _PREFIXES:
        if path.startswith(prefix):
            return service
    return "forge" if _REPOSITORY.match(path) else "web"


class Origin:
    """The ASGI application behind the one port of `mlreef up`."""

    def __init__(self, services: Mapping[str, FastAPI], web: ASGIApp) -> None:
        self._services = services
        self._web = web

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(self, receive, send)
            return
        if scope["type"] != "http":
            return
        name = service_of(scope["path"])
        if name == "health":
            await (await self._health(scope["path"]))(scope, receive, send)
        elif name == "metrics":
            await (await self._metrics())(scope, receive, send)
        else:
            await self._services.get(name, self._web)(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Every service's lifespan, entered in order and left in reverse."""
        async with AsyncExitStack() as stack:
            for app in self._services.values():
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    def stopping(self) -> None:
        """Ask every service to end what waits, because a server stops only when all requests have been answered."""
        for app in self._services.values():
            stop = getattr(app.state, "stopping", None)
            if stop is not None:
                stop()

    async def _health(self, path: str) -> Response:
        if not path.endswith("readiness"):
            return PlainTextResponse("OK")
        parts = {name: await _get(app, path) for name, app in self._services.items()}
        ok = all(answer.status_code == 200 for answer in parts.values())
        body = {"status": "ok" if ok else "failed", "services": {n: a.json()["status"] for n, a in parts.items()}}
        return JSONResponse(body, status_code=200 if ok else 503)

    async def _metrics(self) -> Response:
        parts = [(await _get(app, "/metrics")).text for app in self._services.values()]
        return Response(_merged(parts), media_type="text/plain; version=0.0.4")


def _merged(parts: list[str]) -> str:
    """Several expositions as one: each family's HELP and TYPE may stand only once, before all its samples."""
    families: dict[str, list[str]] = {}
    for part in parts:
        current: list[str] = []
        fresh = True
        for line in part.splitlines():
            if line.startswith("# HELP "):
                name = line.split(" ", 3)[2]
                fresh = name not in families
                current = families.setdefault(name, [])
            if fresh or not line.startswith("#"):
                current.append(line)
    return "\n".join(line for lines in families.values() for line in lines) + "\n"


async def _get(app: FastAPI, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://inside") as client:
        return await client.get(path)


async def _lifespan(origin: Origin, receive: Receive, send: Send) -> None:
    await receive()
    try:
        async with origin.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
    except BaseException as exc:
        await send({"type": "lifespan.startup.failed", "message": str(exc)})
        raise
    await send({"type": "lifespan.shutdown.complete"})
