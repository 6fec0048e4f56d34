"""The proxy: reaches what is listed, refuses everything else, in both its forms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from runner_fakes import job_payload

from mlreef import runner
from mlreef.runner import origins, payload
from mlreef.runner.origins import Origin
from mlreef.runner.proxy import Proxy
from mlreef.runner.upstreams import Policy


@asynccontextmanager
async def server() -> AsyncIterator[tuple[int, list[bytes]]]:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        body = await reader.readexactly(3) if b"Content-Length: 3" in heads[-1] else b""
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok" + (body or b"---"))
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1], heads
    finally:
        listening.close()


async def ask(path: Path, request: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(request)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


@asynccontextmanager
async def proxy(
    tmp_path: Path, *allowed: Origin, hosts: frozenset[str] = frozenset()
) -> AsyncIterator[tuple[Path, list[str]]]:
    refused: list[str] = []
    one = Proxy(tmp_path / "p.sock", Policy(frozenset(allowed), hosts), refused=refused.append)
    await one.start()
    try:
        yield tmp_path / "p.sock", refused
    finally:
        await one.stop()


async def test_an_absolute_request_reaches_its_origin_as_a_plain_one(tmp_path: Path) -> None:
    async with server() as (port, heads), proxy(tmp_path, ("http", "127.0.0.1", port)) as (path, _):
        request = f"POST http://127.0.0.1:{port}/a?b=1 HTTP/1.1\r\nHost: evil\r\nProxy-Connection: close\r\n"
        answer = await ask(path, request.encode() + b"X: 1\r\nContent-Length: 3\r\n\r\nabc")
    assert answer.endswith(b"okabc")
    assert heads[0].startswith(b"POST /a?b=1 HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{port}\r\n".encode() in heads[0]
    assert b"evil" not in heads[0]
    assert b"Proxy-Connection" not in heads[0]


async def test_a_tunnel_opens_only_to_https_origins(tmp_path: Path) -> None:
    async with server() as (port, _), proxy(tmp_path, ("https", "127.0.0.1", port)) as (path, refused):
        connect = f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode()
        answer = await ask(path, connect + b"GET / HTTP/1.1\r\n\r\n")
        plain = await ask(path, f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200 Connection established")
    assert answer.endswith(b"ok---")
    assert plain.startswith(b"HTTP/1.1 403")
    assert refused == [f"http://127.0.0.1:{port}"]


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:1/", "http://localhost:PORT/", "http://127.0.0.1.evil:PORT/", "http://x@127.0.0.1:1/"],
)
async def test_anything_else_is_refused(target: str, tmp_path: Path) -> None:
    async with server() as (port, heads), proxy(tmp_path, ("http", "127.0.0.1", port)) as (path, refused):
        answer = await ask(path, f"GET {target.replace('PORT', str(port))} HTTP/1.1\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403")
    assert len(refused) == 1
    assert not heads


@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.1", b"hello", b"CONNECT HTTP/1.1", b"GET ftp://h/ HTTP/1.1"])
async def test_nonsense_is_answered_in_words(request_line: bytes, tmp_path: Path) -> None:
    async with proxy(tmp_path) as (path, _):
        assert (await ask(path, request_line + b"\r\n\r\n")).startswith(b"HTTP/1.1 400")


async def test_index_hosts_are_reached_on_the_web_ports_only(tmp_path: Path) -> None:
    async with server() as (port, _), proxy(tmp_path, hosts=frozenset(["127.0.0.1"])) as (path, _):
        answer = await ask(path, f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403")


def test_variables_of_a_job_open_no_doors(settings: runner.Settings) -> None:
    variables = {"MLREEF_URL": "http://127.0.0.1:6379", "CI_API_V4_URL": "http://169.254.169.254/api/v4"}
    job = payload.parse(job_payload(1, ["true"], variables=variables))
    assert origins.vouched(settings, job, []) == {("http", "forge.test", 80)}


def test_index_hosts_come_from_settings_and_from_pip_and_uv(settings: runner.Settings) -> None:
    environment = {"PIP_INDEX_URL": "https://pip.example/simple", "UV_INDEX": "own=https://uv.example:8443/s"}
    hosts = origins.index_hosts(settings.model_copy(update={"package_index_hosts": ["Set.example"]}), environment)
    assert {"set.example", "pip.example", "uv.example"} <= hosts
