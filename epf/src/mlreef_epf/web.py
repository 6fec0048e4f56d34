"""A small HTTP client: keep-alive, patience with a server that restarts, and proxies.

Sandboxes have no network but a unix socket that speaks the HTTP proxy protocol: plain requests go there in
absolute form (RFC 9112, section 3.2.2), https through CONNECT. Every call here can be repeated safely, so all of
them are, until the client's patience ends.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import threading
import time
import urllib.parse
from typing import Any, Callable, Dict, FrozenSet, Iterable, Iterator, List, NamedTuple, Optional, Tuple, cast

from mlreef_epf import errors

CHUNK = 1 << 20
_BROKEN = (http.client.HTTPException, OSError, EOFError)
_AGAIN = frozenset([408, 425, 429, 500, 502, 503, 504])
_MOVED = (301, 302, 303, 307, 308)
_CONNECT_S = 20.0
_SMALL = 256 << 20


class HttpError(errors.Failure):
    """The server answered with an error status."""

    def __init__(self, method: str, url: str, status: int, body: bytes = b"") -> None:
        detail = _explain(body)
        super().__init__("%s %s answered %d%s" % (method, _shown(url), status, ": " + detail if detail else ""))
        self.status = status
        self.detail = detail


class Unreachable(errors.Failure):
    """The server did not answer in time."""


class Answer:
    """A complete response."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self) -> Any:
        """The body as JSON."""
        try:
            return json.loads(self.body.decode("utf-8"))
        except ValueError as exc:
            raise errors.Failure("the server's answer is not JSON: %r" % self.body[:80]) from exc


class FileBody:
    """A request body read from a file, opened again for every attempt."""

    def __init__(self, path: str, on_bytes: Optional[Callable[[int], None]] = None) -> None:
        self.path, self.length, self._on_bytes = path, os.path.getsize(path), on_bytes

    def open(self) -> Iterator[bytes]:
        """Iterate over the file in large pieces."""
        with open(self.path, "rb") as handle:
            for piece in iter(lambda: handle.read(CHUNK), b""):
                if self._on_bytes:
                    self._on_bytes(len(piece))
                yield piece


class _Request(NamedTuple):
    method: str
    url: str
    headers: Dict[str, str]
    body: Any
    allow: FrozenSet[int]

    def moved(self, url: str) -> _Request:
        """The same request elsewhere; credentials stay with the server they were meant for."""
        same = _origin(url) == _origin(self.url)
        kept = {k: v for k, v in self.headers.items() if same or k.lower() not in ("authorization", "job-token")}
        return _Request(self.method, url, kept, self.body, self.allow)


class Client:
    """Keep-alive connections to any number of servers; safe to use from several threads."""

    def __init__(
        self, proxy_socket: str = "", patience: float = 120.0, timeout: float = 300.0, pause: float = 0.25
    ) -> None:
        self._socket, self._patience, self._timeout, self._pause = proxy_socket, patience, timeout, pause
        self._idle: Dict[Any, List[http.client.HTTPConnection]] = {}
        self._guard = threading.Lock()
        self._tls: Optional[ssl.SSLContext] = None

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Any = None,
        body: Any = None,
        data: Any = None,
        allow: Iterable[int] = (),
        patience: Optional[float] = None,
    ) -> Answer:
        """Send a request and read the whole answer; statuses outside 2xx raise unless allowed."""
        headers = dict(headers or {})
        if data is not None:
            body = json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
            headers.setdefault("Content-Type", "application/json")

        def receive(response: http.client.HTTPResponse) -> Answer:
            answer = Answer(response.status, response.headers, _whole(response))
            if not 200 <= answer.status < 300 and answer.status not in allow:
                raise HttpError(method, url, answer.status, answer.body)
            return answer

        return cast("Answer", self._persist(_Request(method, url, headers, body, frozenset(allow)), receive, patience))

    def download(self, url: str, receive: Callable[..., Any], headers: Any = None) -> Any:
        """GET a body of any size: receive(response) reads it and is called anew for every attempt."""

        def check(response: http.client.HTTPResponse) -> Any:
            if response.status != 200:
                raise HttpError("GET", url, response.status, response.read(1 << 16))
            return receive(response)

        return self._persist(_Request("GET", url, dict(headers or {}), None, frozenset()), check, None)

    def _persist(self, request: _Request, receive: Callable[..., Any], patience: Optional[float]) -> Any:
        end = time.monotonic() + (self._patience if patience is None else patience)
        pause = self._pause
        while True:
            try:
                return self._follow(request, receive)
            except HttpError as exc:
                if exc.status not in _AGAIN or time.monotonic() + pause > end:
                    raise
            except _Later as later:
                if time.monotonic() + later.seconds > end:
                    raise HttpError(request.method, request.url, later.status, later.body) from None
                pause = max(pause, later.seconds)
            except _BROKEN as exc:
                if isinstance(exc, ssl.SSLCertVerificationError) or time.monotonic() + pause > end:
                    what = str(exc) or type(exc).__name__
                    raise Unreachable("%s %s failed: %s" % (request.method, _shown(request.url), what)) from exc
            time.sleep(pause * (0.75 + os.urandom(1)[0] / 512))  # spreads retries
            pause = min(pause * 2, 10.0)

    def _follow(self, request: _Request, receive: Callable[..., Any]) -> Any:
        for _ in range(6):
            with self._exchange(request) as response:
                location = response.headers.get("Location")
                if response.status in _MOVED and location and request.method in ("GET", "HEAD"):
                    response.read(1 << 16)
                    request = request.moved(urllib.parse.urljoin(request.url, location))
                    continue
                if response.status in (429, 503) and response.status not in request.allow:
                    raise _Later(response)
                return receive(response)
        raise errors.Failure("%s %s redirects in circles" % (request.method, _shown(request.url)))

    @contextlib.contextmanager
    def _exchange(self, request: _Request) -> Iterator[http.client.HTTPResponse]:
        parts = urllib.parse.urlsplit(request.url)
        key = (parts.scheme, parts.hostname or "", parts.port)
        connection, fresh = self._take(key)
        keep = False
        try:
            response = self._send(connection, parts, request)
        except _BROKEN:
            connection.close()
            if fresh:
                raise
            connection = self._connect(key)  # an idle connection the server had closed meanwhile
            response = self._send(connection, parts, request)
        try:
            yield response
            keep = response.isclosed() and not response.will_close
        finally:
            if keep:
                with self._guard:
                    self._idle.setdefault(key, []).append(connection)
            else:
                connection.close()

    def _send(
        self, connection: http.client.HTTPConnection, parts: urllib.parse.SplitResult, request: _Request
    ) -> http.client.HTTPResponse:
        origin = (parts.scheme, parts.netloc) if getattr(connection, "absolute_form", False) else ("", "")
        target = urllib.parse.urlunsplit((*origin, parts.path or "/", parts.query, ""))
        headers = dict(request.headers, **{"User-Agent": "mlreef-epf", "Accept-Encoding": "identity"})
        body = request.body
        if isinstance(body, FileBody):
            headers["Content-Length"] = str(body.length)
            body = body.open()
        try:
            connection.request(request.method, target, body=body, headers=headers)
        except (BrokenPipeError, ConnectionResetError):
            if connection.sock is None:
                raise
            # A server may answer (413, 401) and close before it has read the body.
            with contextlib.suppress(*_BROKEN):
                return connection.getresponse()
            raise
        return connection.getresponse()

    def _take(self, key: Tuple[str, str, Optional[int]]) -> Tuple[http.client.HTTPConnection, bool]:
        with self._guard:
            idle = self._idle.get(key)
            if idle:
                return idle.pop(), False
        return self._connect(key), True

    def _connect(self, key: Tuple[str, str, Optional[int]]) -> http.client.HTTPConnection:
        scheme, host, port = key
        proxy = self._proxy(scheme, host)
        if scheme == "https":
            if self._tls is None:
                self._tls = ssl.create_default_context()
            return _Tunnelled(host, port, proxy, self._tls, self._timeout)
        if scheme != "http" or not host:
            raise errors.Failure("not an http(s) address: %s://%s" % (scheme, host))
        return _Plain(host, port, proxy, self._timeout)

    def _proxy(self, scheme: str, host: str) -> Any:
        if self._socket:
            return self._socket
        if not any(name.lower().endswith("_proxy") for name in os.environ):
            return None
        import urllib.request  # slow to load, and seldom needed

        address = urllib.request.getproxies_environment().get(scheme, "")
        if not address or urllib.request.proxy_bypass_environment(host):  # type: ignore[attr-defined]
            return None
        parts = urllib.parse.urlsplit(address if "//" in address else "//" + address)
        return (parts.hostname or "", parts.port or 3128)


class _Later(Exception):
    """The server asks to come back later."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        super().__init__("later")
        self.status, self.body = response.status, response.read(1 << 16)
        wait = response.headers.get("Retry-After", "")
        self.seconds = min(float(wait), 60.0) if wait.isdigit() else 0.0


class _Plain(http.client.HTTPConnection):
    def __init__(self, host: str, port: Optional[int], proxy: Any, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout, blocksize=CHUNK)
        self.absolute_form = proxy is not None
        self._by = proxy

    def connect(self) -> None:
        self.sock = _dial(self._by or (self.host, self.port), self.timeout)


class _Tunnelled(http.client.HTTPSConnection):
    def __init__(self, host: str, port: Optional[int], proxy: Any, context: ssl.SSLContext, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout, context=context, blocksize=CHUNK)
        self._by, self._tls = proxy, context

    def connect(self) -> None:
        raw = _dial(self._by or (self.host, self.port), self.timeout)
        try:
            if self._by:
                _tunnel(raw, self.host, self.port)
            self.sock = self._tls.wrap_socket(raw, server_hostname=self.host)
        except BaseException:
            raw.close()
            raise


def _dial(where: Any, timeout: Optional[float]) -> socket.socket:
    """A connected socket; connecting is quick or fails, while an answer (a large file, hashed) may take its time."""
    if isinstance(where, str):
        raw = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        raw.settimeout(_CONNECT_S)
        try:
            raw.connect(where)
        except OSError:
            raw.close()
            raise
        raw.settimeout(timeout)
        return raw
    raw = socket.create_connection(where, _CONNECT_S)
    raw.settimeout(timeout)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return raw


def _tunnel(raw: socket.socket, host: str, port: int) -> None:
    raw.sendall(("CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (host, port, host, port)).encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = raw.recv(1)
        if not piece or len(head) > 1 << 16:
            raise OSError("the proxy closed the connection")
        head += piece
    status = head.split(b" ", 2)[1:2]
    if status != [b"200"]:
        raise OSError("the proxy refused %s:%d: %s" % (host, port, head.split(b"\r\n")[0].decode("latin-1")))


def _whole(response: http.client.HTTPResponse) -> bytes:
    pieces, count = [], 0
    for piece in iter(lambda: response.read(1 << 16), b""):
        pieces.append(piece)
        count += len(piece)
        if count > _SMALL:
            raise errors.Failure("the server's answer is larger than %d bytes" % _SMALL)
    return b"".join(pieces)


def _origin(url: str) -> Tuple[str, ...]:
    return urllib.parse.urlsplit(url)[:2]


def _shown(url: str) -> str:
    return url.split("?", 1)[0]


def _explain(body: bytes) -> str:
    """The human part of an error body in any of the dialects we meet (GitLab, LFS, OCI, ours)."""
    try:
        found = json.loads(body.decode("utf-8"))
        if isinstance(found, dict):
            inner = found.get("error") or found.get("message") or found.get("errors") or found.get("detail") or found
            if isinstance(inner, list) and inner:
                inner = inner[0]
            found = inner.get("message", inner) if isinstance(inner, dict) else inner
        return str(found)[:500]
    except ValueError:
        return body[:300].decode("utf-8", "replace").strip()
