"""Quotas: how much a namespace holds, what happens at the limit, and that races do not pass it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from registry import world
from registry.world import CATALOG, NAME, World, access, digest_of, error, with_query


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
async def reg(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    database = f"sqlite:///{tmp_path}/registry.db"
    if request.param == "postgresql":
        place = digest_of(str(tmp_path).encode())[-12:]
        database = f"{request.getfixturevalue('postgres_server')}?schema=quota_{place}"
    async with world.ours(database, f"file://{tmp_path}/objects", quota_bytes=100) as found:
        yield found


async def used(reg: World, name: str = "group") -> int:
    answer = await reg.client.of(NAME, CATALOG).call("GET", "/v2/_mlreef/namespaces")
    return next((one["used_bytes"] for one in answer.json()["namespaces"] if one["name"] == name), 0)


async def push(reg: World, data: bytes, name: str = NAME) -> tuple[int, str]:
    client = reg.client.of(name)
    answer = await client.call("POST", f"blobs/uploads/?digest={digest_of(data)}", content=data)
    return (201, "") if answer.status_code == 201 else error(answer)


async def test_distinct_bytes_of_a_namespace_count_once(reg: World) -> None:
    for name in (NAME, "group/other", NAME):
        assert await push(reg, b"x" * 60, name) == (201, "")
    assert await push(reg, b"x" * 60, "elsewhere/image") == (201, "")
    assert (await used(reg), await used(reg, "elsewhere")) == (60, 60)


async def test_more_than_the_quota_is_denied_with_advice(reg: World) -> None:
    await push(reg, b"x" * 60)
    data = b"y" * 41
    answer = await reg.client.call("POST", f"blobs/uploads/?digest={digest_of(data)}", content=data)
    assert error(answer) == (403, "DENIED")
    message = answer.json()["errors"][0]["message"]
    assert "60 of 100 bytes" in message
    assert "mlreef registry quota group" in message
    assert await push(reg, b"z" * 40) == (201, "")


async def test_chunks_over_the_quota_are_denied_while_they_come(reg: World) -> None:
    answer = await reg.client.call("PATCH", await reg.client.upload(), content=b"x" * 101)
    assert error(answer) == (403, "DENIED")


async def test_chunks_that_are_too_much_together_are_denied(reg: World) -> None:
    first = await reg.client.call("PATCH", await reg.client.upload(), content=b"x" * 60)
    assert first.status_code == 202
    second = await reg.client.call("PATCH", first.headers["location"], content=b"x" * 60)
    assert error(second) == (403, "DENIED")


async def test_uploads_at_once_do_not_pass_it_together(reg: World) -> None:
    datas = [bytes([number]) * 30 for number in range(10)]
    places = [await reg.client.upload() for _ in datas]
    calls = [
        reg.client.call("PUT", with_query(where, digest=digest_of(data)), content=data)
        for where, data in zip(places, datas, strict=True)
    ]
    statuses = [answer.status_code for answer in await asyncio.gather(*calls)]
    assert sorted(statuses) == [201] * 3 + [403] * 7
    assert await used(reg) == 90


async def test_the_same_blob_by_two_at_once_counts_once(reg: World) -> None:
    names = [f"group/image{number}" for number in range(6)]
    assert await asyncio.gather(*(push(reg, b"x" * 60, name) for name in names)) == [(201, "")] * 6
    assert await used(reg) == 60


async def test_mounting_into_a_full_namespace_is_denied(reg: World) -> None:
    await push(reg, b"x" * 60)
    await push(reg, b"y" * 60, "elsewhere/image")
    both = reg.client.of(NAME, access(NAME), access("elsewhere/image", "pull"))
    answer = await both.call("POST", f"blobs/uploads/?mount={digest_of(b'y' * 60)}&from=elsewhere/image")
    assert error(answer) == (403, "DENIED")


async def test_deleting_makes_room(reg: World) -> None:
    await push(reg, b"x" * 60)
    await reg.client.call("DELETE", f"blobs/{digest_of(b'x' * 60)}")
    assert await used(reg) == 0
    assert await push(reg, b"y" * 100) == (201, "")


async def test_an_administrator_gives_a_namespace_more(reg: World) -> None:
    administrator = reg.client.of(NAME, CATALOG)
    given = await administrator.call("PUT", "/v2/_mlreef/namespaces/group", json={"quota_bytes": 200})
    assert given.json() == {"name": "group", "used_bytes": 0, "quota_bytes": 200, "own_quota": True}
    assert await push(reg, b"x" * 150) == (201, "")
    await administrator.call("PUT", "/v2/_mlreef/namespaces/group", json={"quota_bytes": None})
    assert (await push(reg, b"y"))[0] == 403
    await administrator.call("PUT", "/v2/_mlreef/namespaces/group", json={"quota_bytes": 0})
    assert await push(reg, b"y" * 1000) == (201, "")


@pytest.mark.parametrize("body", [{}, {"quota_bytes": -1}, {"quota_bytes": "much"}, {"quota_bytes": 1, "x": 2}])
async def test_a_quota_that_is_none_is_refused(reg: World, body: dict[str, object]) -> None:
    answer = await reg.client.of(NAME, CATALOG).call("PUT", "/v2/_mlreef/namespaces/group", json=body)
    assert answer.status_code == 400


async def test_only_administrators_see_and_set_quotas(reg: World) -> None:
    for method, body in (("GET", None), ("PUT", {"quota_bytes": 1})):
        path = "/v2/_mlreef/namespaces" + ("/group" if method == "PUT" else "")
        assert error(await reg.client.call(method, path, json=body)) == (401, "UNAUTHORIZED")
