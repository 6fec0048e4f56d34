"""The way to other machines is made when it is first taken."""

from __future__ import annotations

import asyncio
import ssl

import httpx
import pytest

from mlreef.kit.network import Network


async def test_certificates_are_read_for_the_first_request(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(ssl, "create_default_context", lambda *_args, **_options: read.append("all"))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        writer.close()

    async with (
        await asyncio.start_server(answer, "127.0.0.1", 0) as server,
        httpx.AsyncClient(transport=Network()) as client,
    ):
        assert read == []
        port = server.sockets[0].getsockname()[1]
        assert (await client.get(f"http://127.0.0.1:{port}/")).text == "hi"
    assert read == ["all"]


async def test_what_was_never_taken_closes() -> None:
    await Network().aclose()
