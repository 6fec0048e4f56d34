"""An HTTP transport that answers for the own origin without a socket.

httpx's own ASGITransport buffers whole answers; this one streams them through a small queue, so that memory stays
bounded and a reader that stops early stops the application too. What is not the own origin goes to the network.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
from starlette.types import ASGIApp, Message

from mlreef.kit.network import Network

_QUEUED = 4
"""Messages between application and reader; each is at most what the application sends at once (1 MiB)."""


class InProcess(httpx.AsyncBaseTransport):
    """The application is bound after construction because services need the transport before the origin exists."""

    def __init__(self, origin_url: str) -> None:
        self._key = _key(httpx.URL(origin_url))
        self._app: ASGIApp | None = None
        self._network = Network(retries=1)

    def bind(self, app: ASGIApp) -> None:
        """From now on, the own origin is answered by `app`."""
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer in memory or over the network."""
        if self._app is None or _key(request.url) != self._key:
            return await self._network.handle_async_request(request)
        call = _Call(self._app, request)
        status, headers = await call.start()
        return httpx.Response(status, headers=headers, stream=call)

    async def aclose(self) -> None:
        """Services share this transport and close their clients; connections end with the process."""


class _Call(httpx.AsyncByteStream):
    """One request to the application, and the stream of its answer."""

    def __init__(self, app: ASGIApp, request: httpx.Request) -> None:
        self._app = app
        self._request = request
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue(_QUEUED)
        self._task: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()

    async def start(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Run the application until it has said status and headers."""
        self._task = asyncio.create_task(self._run())
        message = await self._messages.get()
        if message is None:
            await self.aclose()
            raise httpx.RemoteProtocolError("the service ended without an answer", request=self._request)
        return message["status"], list(message.get("headers", []))

    async def _run(self) -> None:
        body = aiter(self._request.stream) if isinstance(self._request.stream, httpx.AsyncByteStream) else None
        sent = False

        async def receive() -> Message:
            nonlocal sent
            if body is not None and not sent:
                chunk = await anext(body, None)
                sent = chunk is None
                return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}
            if not sent:
                sent = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self._closed.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            await self._messages.put(message)

        try:
            await self._app(_scope(self._request), receive, send)
        finally:
            # The reader learns that nothing follows, also when the application failed half-way.
            if not self._closed.is_set():
                await self._messages.put(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (message := await self._messages.get()) is not None:
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body", False):
                return
        raise httpx.RemoteProtocolError("the service broke its answer off", request=self._request)

    async def aclose(self) -> None:
        """Stop the application when it still runs; what it raised was its own to log."""
        self._closed.set()
        if self._task is not None and not self._task.done():
            self._task.cancel()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)


def _key(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme, 0)


def _scope(request: httpx.Request) -> dict[str, Any]:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(key.lower(), value) for key, value in request.headers.raw],
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.split(b"?")[0],
        "query_string": url.query,
        "server": (url.host, _key(url)[2]),
        "client": ("127.0.0.1", 0),
        "root_path": "",
    }
