"""What every HTTP service of the platform has: request ids, structured access logs, metrics, health, ranges.

Services build their FastAPI application with `new_app` and add routes and their own error dialect.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlreef.kit import logs
from mlreef.kit.errors import PlatformError, not_found
from mlreef.kit.objects import ObjectStore

log = logs.get("mlreef.http")

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")

Check = Callable[[], Awaitable[object]]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]


def new_app(service: str, version: str, *, lifespan: Lifespan, checks: Mapping[str, Check], **options: Any) -> FastAPI:
    """A FastAPI application with `/-/health`, `/-/liveness`, `/-/readiness` and `/metrics`.

    `checks` names what must answer before the service is ready, e.g. `{"database": db.ping}`.
    """
    app = FastAPI(title=f"MLReef {service}", version=version, lifespan=lifespan, **options)
    registry = CollectorRegistry()
    app.state.metrics = registry
    app.add_middleware(_Observed, service=service, registry=registry)

    async def alive() -> PlainTextResponse:
        return PlainTextResponse("OK")

    async def ready() -> JSONResponse:
        failed = {}
        for name, check in checks.items():
            try:
                await check()
            except (PlatformError, OSError) as exc:
                failed[name] = str(exc)
        body = {"status": "failed" if failed else "ok", "service": service, "failed": failed}
        return JSONResponse(body, status_code=503 if failed else 200)

    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

    public = {"policy": "public"}
    for path in ("/-/health", "/-/liveness"):
        app.add_api_route(path, alive, methods=["GET"], include_in_schema=False, openapi_extra=public)
    app.add_api_route("/-/readiness", ready, methods=["GET"], include_in_schema=False, openapi_extra=public)
    app.add_api_route("/metrics", metrics, methods=["GET"], include_in_schema=False, openapi_extra=public)
    return app


class _Observed:
    """Pure ASGI middleware: a request id in and out, one log line and one observation per request."""

    def __init__(self, app: ASGIApp, *, service: str, registry: CollectorRegistry) -> None:
        self._app = app
        self._service = service
        self._requests = Counter(
            "mlreef_http_requests", "Requests answered", ["service", "method", "status"], registry=registry
        )
        self._seconds = Histogram(
            "mlreef_http_request_seconds",
            "Seconds until the answer was complete",
            ["service"],
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id
        status, started = 500, time.perf_counter()

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
                message = {**message, "headers": headers}
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, observed)
            finally:
                seconds = time.perf_counter() - started
                self._requests.labels(self._service, scope["method"], str(status)).inc()
                self._seconds.labels(self._service).observe(seconds)
                # The query is left out: it may carry tokens.
                log.debug("request", method=scope["method"], path=scope["path"], status=status, seconds=seconds)


def raw_path(request: Request) -> str:
    """The path as the client wrote it, still percent-encoded: `group%2Fproject` is one segment."""
    raw: bytes | None = request.scope.get("raw_path")
    return raw.decode("latin-1").split("?")[0] if raw else request.url.path


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The half-open byte range that `Range: bytes=a-b` asks for, or None to answer with the whole.

    Multiple or malformed ranges are ignored as RFC 9110 section 14.2 allows; `(size, size)` means unsatisfiable.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), size if not last else min(size, int(last) + 1)
    return (start, end) if start < end else (size, size)


async def object_response(
    request: Request,
    store: ObjectStore,
    digest: str,
    *,
    media_type: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Stream an object with range support (RFC 9110 section 14); raises not_found when it is not there."""
    size = await store.stat(digest)
    if size is None:
        raise not_found("Object")
    wanted = parse_range(request.headers.get("range"), size)
    base = {**(headers or {}), "accept-ranges": "bytes", "etag": f'"{digest}"'}
    if wanted == (size, size) and size:
        return Response(status_code=416, headers={**base, "content-range": f"bytes */{size}"})
    start, end = wanted or (0, size)
    base["content-length"] = str(end - start)
    if wanted:
        base["content-range"] = f"bytes {start}-{end - 1}/{size}"
    status = 206 if wanted else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=base, media_type=media_type)
    body: AsyncIterator[bytes] = store.open(digest, start, end)
    return StreamingResponse(body, status_code=status, headers=base, media_type=media_type)
