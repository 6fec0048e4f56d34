"""A job's only way out: an HTTP forward proxy on a unix socket that reaches a list of origins and nothing else.

Plain http comes in absolute form (RFC 9112, section 3.2.2) and https through CONNECT. One request a connection: the
socket is local, so a new connection costs little, and nothing has to be understood between request and response.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from mlreef.runner.origins import Origin, origin

_HEAD_LIMIT = 64 << 10
_HOP_BY_HOP = frozenset(
    ["connection", "proxy-connection", "keep-alive", "proxy-authorization", "te", "upgrade", "proxy-authenticate"]
)
_METHOD = re.compile(rb"[A-Z]{1,20}")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_CONNECT_SECONDS = 20.0
_MAX_CONNECTIONS = 256

Refused = Callable[[str], None]


class Proxy:
    """One job's proxy; `start` and `stop` frame the job."""

    def __init__(self, path: Path, *, origins: frozenset[Origin], hosts: frozenset[str], refused: Refused) -> None:
        self._path = path
        self._origins = origins
        self._hosts = hosts
        self._refused = refused
        self._told: set[str] = set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; whoever can reach the socket's directory may connect."""
        self._path.unlink(missing_ok=True)
        # A socket's path must be short; a descriptor of its directory makes every path short.
        directory = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            path = f"/proc/self/fd/{directory}/{self._path.name}"
            self._server = await asyncio.start_unix_server(self._accept, path, limit=_HEAD_LIMIT)
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
        self._path.unlink(missing_ok=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        try:
            if len(self._tasks) > _MAX_CONNECTIONS:
                await _answer(writer, "503 Service Unavailable", "too many connections\n")
                return
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # either side went away or spoke nonsense; the job sees a closed connection
        except asyncio.CancelledError:
            pass  # the job is over
        finally:
            if task is not None:
                self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].split(b"\r\n")
        method, _, rest = first.partition(b" ")
        target, _, version = rest.rpartition(b" ")
        if not _METHOD.fullmatch(method) or not version.startswith(b"HTTP/1."):
            await _answer(writer, "400 Bad Request", "this is an HTTP/1.1 proxy\n")
            return
        text = target.decode("ascii", "replace")
        tunnel = method == b"CONNECT"
        found = origin(f"https://{text}" if tunnel else text) if tunnel or "://" in text else None
        if found is None or not _HOST.fullmatch(found[1]):
            await _answer(writer, "400 Bad Request", "ask for http://host/path, or CONNECT host:port\n")
            return
        if not self._allowed(found, tunnel=tunnel):
            await self._refuse(writer, found, tunnel=tunnel)
            return
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                upstream = await asyncio.open_connection(found[1], found[2], limit=_HEAD_LIMIT)
        except (OSError, TimeoutError) as exc:
            await _answer(writer, "502 Bad Gateway", f"{found[1]}:{found[2]} cannot be reached: {exc}\n")
            return
        if tunnel:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            upstream[1].write(_rewritten(method, text, lines))
        await _relay((reader, writer), upstream, half_close=tunnel)

    def _allowed(self, found: Origin, *, tunnel: bool) -> bool:
        scheme, host, port = found
        if host in self._hosts and port in {80, 443}:
            return True
        if tunnel:
            return ("https", host, port) in self._origins
        return scheme == "http" and found in self._origins

    async def _refuse(self, writer: asyncio.StreamWriter, found: Origin, *, tunnel: bool) -> None:
        name = f"{found[1]}:{found[2]}" if tunnel else f"{found[0]}://{found[1]}:{found[2]}"
        if name not in self._told and len(self._told) < 50:
            self._told.add(name)
            self._refused(name)
        await _answer(writer, "403 Forbidden", f"this job may not reach {name}\n")


def _rewritten(method: bytes, url: str, lines: list[bytes]) -> bytes:
    """The request as the origin expects it: path only, its own Host, one request a connection."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    kept = [line for line in lines if line.partition(b":")[0].strip().lower().decode("latin-1") not in _HOP_BY_HOP]
    kept = [line for line in kept if line.partition(b":")[0].strip().lower() != b"host"]
    head = [method + b" " + path.encode("ascii") + b" HTTP/1.1", b"Host: " + host.encode("ascii"), *kept]
    return b"\r\n".join([*head, b"Connection: close", b"", b""])


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _relay(near: Stream, far: Stream, *, half_close: bool) -> None:
    """Copy both ways until the far side has said everything."""
    out = asyncio.create_task(_copy(near[0], far[1], half_close=half_close))
    back = asyncio.create_task(_copy(far[0], near[1], half_close=half_close))
    try:
        await back
        if half_close:
            await out
    finally:
        for task in (out, back):
            task.cancel()
        await asyncio.gather(out, back, return_exceptions=True)
        far[1].close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, *, half_close: bool) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(1 << 16):
            target.write(data)
            await target.drain()
        if half_close and target.can_write_eof():
            target.write_eof()


async def _answer(writer: asyncio.StreamWriter, status: str, text: str) -> None:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    with contextlib.suppress(OSError):
        await writer.drain()
