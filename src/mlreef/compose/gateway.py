"""The web application and one origin in front of services that run apart.

Forwards each request, streamed both ways and with its path untouched, to the service that owns the path. Any reverse
proxy that does the same (see docs/operations.md) can take its place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import httpx
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mlreef.compose.origin import service_of
from mlreef.compose.web import Web

_HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
"""RFC 9110 section 7.6.1: these belong to one connection and are never forwarded."""


class Settings(BaseSettings):
    """Where the services are."""

    model_config = SettingsConfigDict(env_prefix="MLREEF_GATEWAY_", extra="ignore")

    forge_url: str
    """Base URL of the forge."""

    management_url: str
    """Base URL of the management service."""

    registry_url: str
    """Base URL of the registry."""


class Gateway:
    """The ASGI application."""

    def __init__(self, settings: Settings, web: Web | None = None) -> None:
        self._upstreams: Mapping[str, str] = {
            "forge": settings.forge_url.rstrip("/"),
            "management": settings.management_url.rstrip("/"),
            "registry": settings.registry_url.rstrip("/"),
        }
        # No limit on reading: long polls, live events and large packs pass through here.
        timeout = httpx.Timeout(30.0, read=None, write=None, pool=None)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        self._client = httpx.AsyncClient(timeout=timeout, limits=limits, follow_redirects=False)
        self._web = web or Web()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        name = service_of(scope["path"])
        if name in {"health", "metrics"}:
            await (await self._health(scope["path"]))(scope, receive, send)
        elif name == "web":
            await self._web(scope, receive, send)
        else:
            response = await self._forward(Request(scope, receive), self._upstreams[name])
            await response(scope, receive, send)

    async def _health(self, path: str) -> Response:
        """Ready is what can reach services that are ready; metrics are scraped from each service itself."""
        if path == "/metrics":
            return PlainTextResponse("scrape forge, management and registry themselves\n", status_code=404)
        if not path.endswith("readiness"):
            return PlainTextResponse("OK")
        failed = {name: why for name, url in self._upstreams.items() if (why := await self._failure(url + path))}
        body = {"status": "failed" if failed else "ok", "service": "gateway", "failed": failed}
        return JSONResponse(body, status_code=503 if failed else 200)

    async def _failure(self, url: str) -> str | None:
        try:
            answer = await self._client.get(url, timeout=5)
        except httpx.TransportError as exc:
            return str(exc)
        return None if answer.status_code == 200 else answer.text

    async def _forward(self, request: Request, base: str) -> Response:
        raw = request.scope["raw_path"].split(b"?")[0].decode("latin-1")
        query = request.scope["query_string"].decode("latin-1")
        url = f"{base}{raw}" + (f"?{query}" if query else "")
        headers = [(k, v) for k, v in request.scope["headers"] if k not in _HOP_BY_HOP]
        has_body = any(k in {b"content-length", b"transfer-encoding"} for k, _ in request.scope["headers"])
        outgoing = self._client.build_request(
            request.method, url, headers=headers, content=request.stream() if has_body else None
        )
        try:
            answer = await self._client.send(outgoing, stream=True)
        except httpx.TransportError as exc:
            return PlainTextResponse(f"{base} does not answer: {exc}\n", status_code=502)
        response = StreamingResponse(_body(answer), status_code=answer.status_code)
        response.raw_headers = [(k.lower(), v) for k, v in answer.headers.raw if k.lower() not in _HOP_BY_HOP]
        return response

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._client.aclose()
        await send({"type": "lifespan.shutdown.complete"})


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()
