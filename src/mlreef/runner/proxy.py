"""A job's only way out: an HTTP forward proxy on a unix socket that reaches a list of origins and nothing else.

Plain http comes in absolute form (RFC 9112, section 3.2.2) and https through CONNECT. Connections are kept on both
sides, and the origin is checked for every request anew. Requests are answered one after the other: one that is sent
before the answer to the one before it is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from mlreef.runner import framing
from mlreef.runner.origins import Origin, origin
from mlreef.runner.upstreams import Forbidden, Policy, Unreachable, Upstream, Upstreams

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_IDLE_SECONDS = 120.0
_MAX_CONNECTIONS = 256
_BROKEN = (OSError, framing.Malformed, TimeoutError)

Refused = Callable[[str], None]


class Proxy:
    """One job's proxy; `start` and `stop` frame the job."""

    def __init__(self, path: Path, policy: Policy, *, refused: Refused, upstreams: Upstreams | None = None) -> None:
        self._path = path
        self._upstreams = upstreams or Upstreams(policy)
        self._refused = refused
        self._told: set[str] = set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.received = 0
        """Bytes that reached the job through it."""
        self.sent = 0
        """Bytes that the job sent through it."""

    async def start(self) -> None:
        """Listen; whoever can reach the socket's directory may connect."""
        self._path.unlink(missing_ok=True)
        # A socket's path must be short; a descriptor of its directory makes every path short.
        directory = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            path = f"/proc/self/fd/{directory}/{self._path.name}"
            self._server = await asyncio.start_unix_server(self._accept, path)
        finally:
            os.close(directory)
        self._path.chmod(0o666)

    async def stop(self) -> None:
        """Cut all connections."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
        self._upstreams.close()
        self._path.unlink(missing_ok=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        source = framing.Source(reader)
        try:
            if len(self._tasks) > _MAX_CONNECTIONS:
                await self._answer(writer, "503 Service Unavailable", "too many connections\n")
                return
            while await self._serve(source, writer):
                pass
        except framing.Malformed as exc:
            await self._answer(writer, "400 Bad Request", f"{exc}\n")
        except (OSError, TimeoutError):
            pass  # either side went away; the job sees a closed connection
        except asyncio.CancelledError:
            pass  # the job is over
        finally:
            if task is not None:
                self._tasks.discard(task)
            self.sent += source.count
            writer.close()

    async def _serve(self, source: framing.Source, writer: asyncio.StreamWriter) -> bool:
        """Carry one request out; whether another may follow."""
        async with asyncio.timeout(_IDLE_SECONDS):
            request = await framing.read_request(source)
        if request is None:
            return False
        tunnel = request.method == b"CONNECT"
        found = _asked(request.target, tunnel=tunnel)
        if found is None or not _HOST.fullmatch(found[1]):
            await self._answer(writer, "400 Bad Request", "ask for http://host/path, or CONNECT host:port\n")
            return False
        try:
            if tunnel:
                await self._tunnel(source, writer, found)
                return False
            return await self._forward(request, source, writer, found)
        except Forbidden as exc:
            await self._refuse(writer, found, str(exc), tunnel=tunnel)
        except Unreachable as exc:
            await self._answer(writer, "502 Bad Gateway", f"{exc}\n")
        return False

    async def _forward(
        self, request: framing.Request, source: framing.Source, writer: asyncio.StreamWriter, found: Origin
    ) -> bool:
        upstream = await self._upstreams.take(found)
        again = upstream.reused and request.body == framing.Body(0)
        try:
            return await self._exchange(request, source, writer, (found, upstream))
        except _Silent:
            if not again:
                return False
        # The server had closed a kept connection just now; nothing of the request was lost.
        try:
            return await self._exchange(request, source, writer, (found, await self._upstreams.fresh(found)))
        except _Silent:
            raise Unreachable(f"{found[1]}:{found[2]} closed the connection without an answer") from None

    async def _exchange(
        self,
        request: framing.Request,
        source: framing.Source,
        writer: asyncio.StreamWriter,
        far: tuple[Origin, Upstream],
    ) -> bool:
        found, upstream = far
        sending = asyncio.create_task(_send(request, source, upstream.writer)) if request.body.length != 0 else None
        reusable, before = False, upstream.source.count
        try:
            if sending is None:
                await _send(request, source, upstream.writer)
            response = await self._final(request, upstream, writer, sending)
            await self._pass_on(request, response, upstream.source, writer)
            sent = sending is None or (sending.done() and sending.exception() is None)
            reusable = response.keep and sent
            return request.keep and request.newest and response.body.framed and sent
        finally:
            self.received += upstream.source.count - before
            if sending is not None:
                sending.cancel()
                with contextlib.suppress(asyncio.CancelledError, *_BROKEN):
                    await sending
            if reusable:
                self._upstreams.give(found, upstream)
            else:
                upstream.writer.close()

    async def _final(
        self,
        request: framing.Request,
        upstream: Upstream,
        writer: asyncio.StreamWriter,
        sending: asyncio.Task[None] | None,
    ) -> framing.Response:
        """The answer that counts; interim ones are handed on. A request whose body is malformed gets none."""
        answer = asyncio.ensure_future(_answered(request, upstream, writer))
        try:
            if sending is not None:
                await asyncio.wait({answer, sending}, return_when=asyncio.FIRST_COMPLETED)
                if sending.done() and isinstance(sending.exception(), framing.Malformed):
                    sending.result()
            return await answer
        finally:
            answer.cancel()
            with contextlib.suppress(asyncio.CancelledError, _Silent, *_BROKEN):
                await answer

    async def _pass_on(
        self,
        request: framing.Request,
        response: framing.Response,
        source: framing.Source,
        writer: asyncio.StreamWriter,
    ) -> None:
        """The answer, framed as the client understands it."""
        chunked = response.body.chunked and request.newest
        lines = [response.line, *framing.passed(response.headers)]
        bare = response.body == framing.Body(0)
        if bare and response.status not in {204, 304}:
            lines += framing.length_lines(response.headers)
        elif not bare and (chunked or not response.body.chunked):
            lines += response.body.headers()
        keep = request.keep and request.newest and response.body.framed
        lines.append(b"Connection: keep-alive" if keep else b"Connection: close")
        writer.write(b"\r\n".join([*lines, b"", b""]))
        try:
            async for piece in response.body.pieces(source):
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                await writer.drain()
        except framing.Malformed as exc:
            raise ConnectionError("the server broke its answer off") from exc  # the client sees it end early
        if chunked:
            writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _tunnel(self, source: framing.Source, writer: asyncio.StreamWriter, found: Origin) -> None:
        upstream = await self._upstreams.tunnel(found)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        out = asyncio.create_task(_copy(source, upstream.writer))
        back = asyncio.create_task(_copy(upstream.source, writer))
        try:
            await asyncio.gather(back, out)
        finally:
            for task in (out, back):
                task.cancel()
            await asyncio.gather(out, back, return_exceptions=True)
            self.received += upstream.source.count
            upstream.writer.close()

    async def _refuse(self, writer: asyncio.StreamWriter, found: Origin, why: str, *, tunnel: bool) -> None:
        name = f"{found[1]}:{found[2]}" if tunnel else f"{found[0]}://{found[1]}:{found[2]}"
        if name not in self._told and len(self._told) < 50:
            self._told.add(name)
            self._refused(name)
        await self._answer(writer, "403 Forbidden", f"this job may not reach {name}: {why}\n")

    async def _answer(self, writer: asyncio.StreamWriter, status: str, text: str) -> None:
        body = text.encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        with contextlib.suppress(OSError):
            writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
            await writer.drain()


class _Silent(Exception):
    """The server closed before it said anything."""


def _asked(target: str, *, tunnel: bool) -> Origin | None:
    if tunnel:
        return origin(f"https://{target}") if re.fullmatch(r"[^/@?#]+:[0-9]+", target) else None
    return origin(target) if target.startswith("http://") else None


async def _answered(request: framing.Request, upstream: Upstream, writer: asyncio.StreamWriter) -> framing.Response:
    first = True
    while True:
        try:
            if first and await upstream.source.finished():
                raise _Silent
            response = await framing.read_response(upstream.source, request.method)
        except framing.Malformed as exc:
            raise Unreachable(f"the server's answer is not HTTP: {exc}") from exc
        except ConnectionError as exc:
            raise _Silent from exc
        if response.status >= 200:
            return response
        if response.status == 101:
            raise Unreachable("the server wants another protocol")
        first = False
        if request.newest:
            writer.write(b"\r\n".join([response.line, *framing.passed(response.headers), b"", b""]))


async def _send(request: framing.Request, source: framing.Source, writer: asyncio.StreamWriter) -> None:
    """The request as the origin expects it: path only, its own Host, its one length."""
    parts = urlsplit(request.target)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    lines = [request.method + b" " + path.encode("ascii") + b" HTTP/1.1", b"Host: " + host.encode("ascii")]
    lines += framing.passed(request.headers, without=b"host")
    declares = request.body.length != 0 or any(name == b"content-length" for name, _ in request.headers)
    lines += request.body.headers() if declares else []
    writer.write(b"\r\n".join([*lines, b"", b""]))
    async for piece in request.body.pieces(source):
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if request.body.chunked else piece)
        await writer.drain()
    if request.body.chunked:
        writer.write(b"0\r\n\r\n")
    await writer.drain()
    if source.ahead:
        raise framing.Malformed("a request was sent before the answer to the one before it; send one at a time")


async def _copy(source: framing.Source, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.some():
            target.write(data)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()
