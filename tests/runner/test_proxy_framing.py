"""The proxy keeps connections, and no message passes that two servers could read in different ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mlreef.runner import framing
from mlreef.runner.proxy import Proxy
from mlreef.runner.upstreams import Policy, Upstreams


class Origin:
    """A server that answers as told and notes what it was sent, connection by connection."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.connections: list[list[bytes]] = []
        self.port = 0
        self.hangs_up = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine: list[bytes] = []
        self.connections.append(mine)
        source = framing.Source(reader)
        while (request := await framing.read_request(source)) is not None:
            body = b"".join([piece async for piece in request.body.pieces(source)])
            mine.append(b"%b %b %b" % (request.method, request.target.encode(), body))
            writer.write(self.answer)
            await writer.drain()
            if b"Connection: close" in self.answer:
                break
            if self.hangs_up:
                await source.finished()  # closes instead of answering the second request
                break
        writer.close()

    @property
    def requests(self) -> list[bytes]:
        return [request for connection in self.connections for request in connection]


_PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def standing(
    tmp_path: Path, answer: bytes = _PLAIN, resolved: list[str] | None = None
) -> AsyncIterator[tuple[Origin, Path]]:
    far = Origin(answer)
    listening = await asyncio.start_server(far.serve, "127.0.0.1", 0)
    far.port = listening.sockets[0].getsockname()[1]

    async def resolve(host: str, port: int) -> list[str]:
        del port
        return [host] if host == "127.0.0.1" else resolved or []

    allowed = frozenset([("http", "127.0.0.1", far.port)])
    policy = Policy(allowed, public=resolved is not None)
    one = Proxy(tmp_path / "p.sock", policy, refused=lambda name: None, upstreams=Upstreams(policy, resolve))
    await one.start()
    try:
        yield far, tmp_path / "p.sock"
    finally:
        await one.stop()
        listening.close()


async def converse(path: Path, *requests: bytes) -> list[tuple[int, bytes]]:
    """One connection, one request after the other; status and content of each answer."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    source, answers = framing.Source(reader), []
    try:
        async with asyncio.timeout(10):
            for request in requests:
                writer.write(request)
                response = await framing.read_response(source, request.split(b" ")[0])
                answers.append((response.status, b"".join([p async for p in response.body.pieces(source)])))
    finally:
        writer.close()
    return answers


def put(port: int, headers: bytes, body: bytes = b"") -> bytes:
    return b"PUT http://127.0.0.1:%d/x HTTP/1.1\r\n%b\r\n%b" % (port, headers, body)


async def test_many_requests_share_one_connection_on_both_sides(tmp_path: Path) -> None:
    async with standing(tmp_path) as (far, path):
        request = put(far.port, b"Content-Length: 3\r\n", b"abc")
        assert await converse(path, *[request] * 5) == [(200, b"ok")] * 5
        assert await converse(path, request) == [(200, b"ok")]
    assert [len(connection) for connection in far.connections] == [6]


async def test_chunked_bodies_pass_both_ways(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nTrailer: 1\r\n\r\n"
    async with standing(tmp_path, answer) as (far, path):
        request = put(far.port, b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n")
        assert await converse(path, request, request) == [(200, b"hello!")] * 2
    assert far.requests == [b"PUT /x abc"] * 2
    assert len(far.connections) == 1


@pytest.mark.parametrize(
    ("answer", "method", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"GET", (200, b"until the end")),
        (b"HTTP/1.0 200 OK\r\n\r\nold", b"GET", (200, b"old")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"HEAD", (200, b"")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"DELETE", (204, b"")),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", b"GET", (304, b"")),
    ],
)
async def test_every_way_an_answer_can_end(answer: bytes, method: bytes, expected: object, tmp_path: Path) -> None:
    closes = b"Content-Length" not in answer and b" 204 " not in answer
    sent = answer.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1) if closes else answer
    async with standing(tmp_path, sent) as (far, path):
        request = b"%b http://127.0.0.1:%d/ HTTP/1.1\r\n\r\n" % (method, far.port)
        assert await converse(path, request) == [expected]


async def test_a_server_that_closed_a_kept_connection_is_asked_again(tmp_path: Path) -> None:
    async with standing(tmp_path) as (far, path):
        request = b"GET http://127.0.0.1:%d/ HTTP/1.1\r\n\r\n" % far.port
        far.hangs_up = True
        assert await converse(path, request, request) == [(200, b"ok")] * 2
    assert len(far.connections) == 2


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", b"0\r\n\r\n"),
        (b"Content-Length: 3\r\nContent-Length: 4\r\n", b"abcd"),
        (b"Content-Length: 3, 3\r\n", b"abc"),
        (b"Content-Length: +3\r\n", b"abc"),
        (b"Content-Length: -1\r\n", b""),
        (b"Content-Length: 0x3\r\n", b"abc"),
        (b"Content-Length : 3\r\n", b"abc"),
        (b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding:\x0bchunked\r\n", b"0\r\n\r\n"),
        (b"X: 1\r\n Content-Length: 3\r\n", b"abc"),
        (b"X: 1\nContent-Length: 3\r\n", b"abc"),
        (b"X: 1\rY: 2\r\n", b""),
        (b"X\x00: 1\r\n", b""),
        (b": nothing\r\n", b""),
        (b"no colon\r\n", b""),
        (b"X: 1\r\n" * 300, b""),
    ],
)
async def test_a_request_that_can_be_read_in_two_ways_reaches_nobody(
    headers: bytes, body: bytes, tmp_path: Path
) -> None:
    async with standing(tmp_path) as (far, path):
        assert [status for status, _ in await converse(path, put(far.port, headers, body))] == [400]
    assert not far.requests


@pytest.mark.parametrize(
    "body",
    [
        b"3 \r\nabc\r\n0\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"3\nabc\n0\n\n\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"ffffffffffffffff\r\nabc\r\n",
        b"fffffffff0\r\nabc\r\n" * 2,
        b"3" * 2000 + b"\r\n",
    ],
)
async def test_malformed_chunks_end_the_request(body: bytes, tmp_path: Path) -> None:
    async with standing(tmp_path) as (far, path):
        request = put(far.port, b"Transfer-Encoding: chunked\r\n", body)
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(request)
        writer.write_eof()
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 400"), answer
    assert not far.requests


async def test_pipelined_requests_are_refused(tmp_path: Path) -> None:
    async with standing(tmp_path) as (far, path):
        one = put(far.port, b"Content-Length: 3\r\n", b"abc")
        evil = b"GET http://169.254.169.254/ HTTP/1.1\r\n\r\n"
        assert [status for status, _ in await converse(path, one + evil)] == [400]


async def test_every_request_of_a_connection_is_checked(tmp_path: Path) -> None:
    async with standing(tmp_path) as (far, path):
        good = put(far.port, b"Content-Length: 0\r\n")
        evil = b"GET http://127.0.0.1:%d/ HTTP/1.1\r\n\r\n" % (far.port + 1)
        answers = await converse(path, good, evil)
    assert [status for status, _ in answers] == [200, 403]


async def test_headers_about_the_connection_do_not_pass(tmp_path: Path) -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(_PLAIN)
        await writer.drain()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    policy = Policy(frozenset([("http", "127.0.0.1", port)]))
    one = Proxy(tmp_path / "p.sock", policy, refused=lambda name: None)
    await one.start()
    named = b"Connection: X-Mine\r\nX-Mine: 1\r\nX-Other: 2\r\nTE: trailers\r\nUpgrade: h2c\r\n"
    await converse(tmp_path / "p.sock", put(port, named))
    await one.stop()
    listening.close()
    assert b"x-other: 2" in heads[0]
    assert not [word for word in (b"x-mine", b"upgrade", b"te:", b"connection") if word in heads[0].lower()]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
     "2002:7f00:1::", "::7f00:1", "ff02::1", "::"],
)  # fmt: skip
async def test_an_open_network_reaches_no_inner_address(address: str, tmp_path: Path) -> None:
    async with standing(tmp_path, resolved=[address]) as (_, path):
        request = b"GET http://rebound.example/ HTTP/1.1\r\n\r\n"
        assert [status for status, _ in await converse(path, request)] == [403]


async def test_one_inner_address_among_public_ones_refuses_the_name(tmp_path: Path) -> None:
    async with standing(tmp_path, resolved=["93.184.216.34", "127.0.0.1"]) as (_, path):
        answers = await converse(path, b"CONNECT mixed.example:443 HTTP/1.1\r\n\r\n")
    assert [status for status, _ in answers] == [403]


async def test_an_open_network_still_reaches_the_platform(tmp_path: Path) -> None:
    async with standing(tmp_path, resolved=["127.0.0.1"]) as (far, path):
        assert await converse(path, put(far.port, b"")) == [(200, b"ok")]
