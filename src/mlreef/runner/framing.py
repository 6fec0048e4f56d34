"""HTTP/1.1 messages as the job's proxy lets them pass: heads read strictly, bodies by their one declared length.

Two servers that disagree where a message ends can be made to see different requests. So whatever could be read in two
ways is refused (RFC 9112, sections 2.2, 5.2, 6.3 and 7.1), and the far side gets a head written anew.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

HEAD_LIMIT = 64 << 10
_PIECE = 1 << 16
_MOST_LINES = 200
_CHUNK_LINE = 1024
_LARGEST_CHUNK = 1 << 40
_METHOD = re.compile(rb"[A-Z]{1,20}")
_TARGET = re.compile(rb"[\x21-\x7e]{1,32768}")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [\t\x20-\x7e\x80-\xff]*)?")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,10})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_ONE_HOP = frozenset([
    b"connection", b"proxy-connection", b"keep-alive", b"proxy-authorization", b"proxy-authenticate", b"te",
    b"trailer", b"upgrade", b"transfer-encoding", b"content-length",
])  # fmt: skip

Headers = Sequence[tuple[bytes, bytes]]


class Malformed(ValueError):
    """The message can be read in more than one way, or in none."""


class Source:
    """A stream's reading side, with what was read ahead."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._held = bytearray()
        self.count = 0
        """Bytes taken from the stream so far."""

    @property
    def ahead(self) -> bool:
        """Whether bytes arrived that nobody asked for yet."""
        return bool(self._held)

    @property
    def ended(self) -> bool:
        """Whether the other side is known to have closed."""
        return self._reader.at_eof() or self._reader.exception() is not None

    async def finished(self) -> bool:
        """Wait for the next byte; true when there is none because the other side has closed."""
        return not self._held and not await self._more()

    async def until(self, mark: bytes, limit: int) -> bytes:
        """Everything up to the mark, without it."""
        start = 0
        while (found := self._held.find(mark, start)) < 0:
            if len(self._held) > limit:
                raise Malformed("a head or line of the message is too long")
            start = max(0, len(self._held) - len(mark) + 1)
            if not await self._more():
                raise Malformed("the connection ends within a message")
        data = bytes(self._held[:found])
        if found > limit:
            raise Malformed("a head or line of the message is too long")
        del self._held[: found + len(mark)]
        return data

    async def some(self, most: int = _PIECE) -> bytes:
        """Some bytes, at most as many as told; none at the end of the stream."""
        if not self._held and not await self._more():
            return b""
        data = bytes(self._held[:most])
        del self._held[:most]
        return data

    async def exactly(self, count: int) -> AsyncIterator[bytes]:
        """So many bytes, in pieces."""
        while count:
            piece = await self.some(min(count, _PIECE))
            if not piece:
                raise Malformed("the message ends within its body")
            count -= len(piece)
            yield piece

    async def _more(self) -> bool:
        data = await self._reader.read(_PIECE)
        self._held += data
        self.count += len(data)
        return bool(data)


@dataclass(frozen=True, slots=True)
class Body:
    """How long a body is: a number of bytes, chunks, or everything until the connection closes."""

    length: int | None = 0
    chunked: bool = False

    @property
    def framed(self) -> bool:
        """Whether its end is told, so that something may follow on the connection."""
        return self.chunked or self.length is not None

    async def pieces(self, source: Source) -> AsyncIterator[bytes]:
        """The content; raises `Malformed` when it is not as declared."""
        if self.chunked:
            async for piece in _chunks(source):
                yield piece
        elif self.length is None:
            while piece := await source.some():
                yield piece
        else:
            async for piece in source.exactly(self.length):
                yield piece

    def headers(self) -> list[bytes]:
        """The one header line that declares it."""
        if self.chunked:
            return [b"Transfer-Encoding: chunked"]
        return [] if self.length is None else [b"Content-Length: %d" % self.length]


@dataclass(frozen=True, slots=True)
class Request:
    """A request's head."""

    method: bytes
    target: str
    newest: bool
    """HTTP/1.1 rather than 1.0."""
    headers: Headers
    body: Body
    keep: bool
    """Whether the client may send another request after it."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response's head."""

    status: int
    line: bytes
    headers: Headers
    body: Body
    keep: bool


async def read_request(source: Source) -> Request | None:
    """The next request's head; None when the client has closed."""
    if await source.finished():
        return None
    first, headers = _head(await source.until(b"\r\n\r\n", HEAD_LIMIT))
    method, _, rest = first.partition(b" ")
    target, _, version = rest.partition(b" ")
    if not _METHOD.fullmatch(method) or version not in {b"HTTP/1.0", b"HTTP/1.1"} or not _TARGET.fullmatch(target):
        raise Malformed("this is an HTTP/1.1 proxy")
    newest = version == b"HTTP/1.1"
    body = _declared(headers, chunks_allowed=newest) or Body(0)
    return Request(method, target.decode("ascii"), newest, headers, body, _keep(headers, newest=newest))


async def read_response(source: Source, method: bytes) -> Response:
    """The next response's head, interim ones too."""
    first, headers = _head(await source.until(b"\r\n\r\n", HEAD_LIMIT))
    match = _STATUS.fullmatch(first)
    if match is None:
        raise Malformed("the server's answer is not HTTP/1.1")
    status, newest = int(match.group(2)), match.group(1) == b"1"
    declared = _declared(headers, chunks_allowed=newest)
    # RFC 9112, section 6.3: these never have a body, whatever their headers say.
    bare = method == b"HEAD" or status < 200 or status in {204, 304}
    body = Body(0) if bare else declared or Body(None)
    keep = _keep(headers, newest=newest) and body.framed
    return Response(status, first.replace(b"HTTP/1.0", b"HTTP/1.1", 1), headers, body, keep)


def passed(headers: Headers, *, without: bytes = b"") -> list[bytes]:
    """Header lines that concern the other end; what concerns this connection is left out."""
    named = {word.strip().lower() for name, value in headers if name == b"connection" for word in value.split(b",")}
    dropped = _ONE_HOP | named | {without}
    return [name + b": " + value for name, value in headers if name not in dropped]


def length_lines(headers: Headers) -> list[bytes]:
    """The length that an answer to HEAD declares for the body it does not have."""
    return [b"Content-Length: " + value for name, value in headers if name == b"content-length"]


def _head(head: bytes) -> tuple[bytes, Headers]:
    first, *lines = head.split(b"\r\n")
    if len(lines) > _MOST_LINES:
        raise Malformed("too many headers")
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        value = value.strip(b" \t")
        # A fold, a space before the colon, a bare line end: all show here as a name or value with a wrong character.
        if not colon or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise Malformed("a header line is malformed")
        headers.append((name.lower(), value))
    if not _VALUE.fullmatch(first):
        raise Malformed("the first line is malformed")
    return first, headers


def _declared(headers: Headers, *, chunks_allowed: bool) -> Body | None:
    lengths = [value for name, value in headers if name == b"content-length"]
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if len(lengths) + len(codings) > 1:
        raise Malformed("the body's length is declared more than once")
    if codings:
        if codings[0].lower() != b"chunked" or not chunks_allowed:
            raise Malformed("the only transfer coding is chunked")
        return Body(None, chunked=True)
    if lengths:
        if not _LENGTH.fullmatch(lengths[0]):
            raise Malformed("Content-Length is not a number")
        return Body(int(lengths[0]))
    return None


def _keep(headers: Headers, *, newest: bool) -> bool:
    words = [word.strip().lower() for name, value in headers
             if name in {b"connection", b"proxy-connection"} for word in value.split(b",")]  # fmt: skip
    return b"close" not in words and (newest or b"keep-alive" in words)


async def _chunks(source: Source) -> AsyncIterator[bytes]:
    while True:
        match = _CHUNK_SIZE.fullmatch(await source.until(b"\r\n", _CHUNK_LINE))
        if match is None:
            raise Malformed("a chunk's size is malformed")
        size = int(match.group(1), 16)
        if size == 0:
            break
        if size > _LARGEST_CHUNK:
            raise Malformed("a chunk is too large")
        async for piece in source.exactly(size):
            yield piece
        if await source.until(b"\r\n", 0):
            raise Malformed("a chunk is longer than its size")
    for _ in range(_MOST_LINES):  # trailers are read and forgotten
        line = await source.until(b"\r\n", HEAD_LIMIT)
        if not line:
            return
    raise Malformed("too many trailers")
