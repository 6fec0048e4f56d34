"""Upload sessions without a row: any process continues them, and what is over stays over."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlreef.kit.clock import FixedClock
from mlreef.registry import collection, sessions, upload_store
from registry import world
from registry.world import NAME, World, digest_of, error, manifest_of, with_query

OCTETS = {"content-type": "application/octet-stream"}
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A database and an object store that several processes may share."""
    database = f"sqlite:///{tmp_path}/registry.db"
    if request.param == "postgresql":
        place = digest_of(str(tmp_path).encode())[-12:]
        database = f"{request.getfixturevalue('postgres_server')}?schema=sessions_{place}"
    return database, f"file://{tmp_path}/objects"


@pytest.fixture
async def two(places: tuple[str, str]) -> AsyncIterator[tuple[World, World]]:
    """Two registries side by side, as two processes are."""
    async with world.ours(*places) as first, world.ours(*places) as second:
        yield first, second


async def rows(reg: World) -> list[bool]:
    """Whether each session with a row is closed."""
    async with reg.state.db.read() as tx:
        return [row["closed"] for row in await upload_store.list_stale_uploads(tx, datetime(2999, 1, 1, tzinfo=UTC))]


def put(where: str, data: bytes) -> dict[str, object]:
    return {"method": "PUT", "path": with_query(where, digest=digest_of(data)), "content": data, "headers": OCTETS}


async def test_nothing_is_written_before_bytes_arrive(reg: World) -> None:
    for _ in range(3):
        await reg.client.upload()
    await reg.client.push_blob(b"whole")
    assert await rows(reg) == []


async def test_a_session_is_continued_by_other_processes(two: tuple[World, World]) -> None:
    first, second = two
    where = await first.client.upload()
    assert (await second.client.call("PATCH", where, content=b"abc", headers=OCTETS)).status_code == 202
    assert (await first.client.call("GET", where)).headers["range"] == "0-2"
    assert (await first.client.call("PATCH", where, content=b"def", headers=OCTETS)).headers["range"] == "0-5"
    done = await second.client.call("PUT", with_query(where, digest=digest_of(b"abcdef")))
    assert done.status_code == 201
    assert await first.client.has_blob(b"abcdef")


async def test_a_session_outlives_a_restart(places: tuple[str, str]) -> None:
    async with world.ours(*places) as reg:
        fresh, begun = await reg.client.upload(), await reg.client.upload()
        await reg.client.call("PATCH", begun, content=b"be", headers=OCTETS)
    async with world.ours(*places) as reg:
        assert (await reg.client.call(**put(fresh, b"whole"))).status_code == 201
        rest = {"content": b"gun", "headers": OCTETS}
        done = await reg.client.call("PUT", with_query(begun, digest=digest_of(b"begun")), **rest)
        assert done.status_code == 201


async def test_what_was_given_up_is_unknown_everywhere(two: tuple[World, World]) -> None:
    first, second = two
    where = await first.client.upload()
    assert (await first.client.call("DELETE", where)).status_code == 204
    for reg in two:
        assert error(await reg.client.call(**put(where, b"x"))) == (404, "BLOB_UPLOAD_UNKNOWN")
        assert error(await reg.client.call("PATCH", where, content=b"x")) == (404, "BLOB_UPLOAD_UNKNOWN")
        assert error(await reg.client.call("GET", where)) == (404, "BLOB_UPLOAD_UNKNOWN")
        assert error(await reg.client.call("DELETE", where)) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert not await second.client.has_blob(b"x")


async def test_a_finished_session_of_chunks_takes_no_more(two: tuple[World, World]) -> None:
    first, second = two
    where = await first.client.upload()
    await first.client.call("PATCH", where, content=b"abc", headers=OCTETS)
    assert (await first.client.call("PUT", with_query(where, digest=digest_of(b"abc")))).status_code == 201
    for reg in (first, second):
        assert error(await reg.client.call("PATCH", where, content=b"x")) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert await rows(first) == [True]


async def test_a_whole_blob_whose_answer_was_lost_may_be_sent_again(reg: World) -> None:
    where = await reg.client.upload()
    for _ in range(2):
        assert (await reg.client.call(**put(where, b"again"))).status_code == 201


async def test_a_whole_blob_does_not_end_a_session_that_has_received_something(two: tuple[World, World]) -> None:
    first, second = two
    where = await first.client.upload()
    await second.client.call("PATCH", where, content=b"abc", headers=OCTETS)
    assert error(await first.client.call(**put(where, b"whole")))[0] in {400, 404}
    assert not await first.client.has_blob(b"whole")
    assert (await first.client.call("GET", where)).headers["range"] == "0-2"


@pytest.mark.parametrize("made_up", ["x", "0" * 59, "f" * 59, "%2e%2e"])
async def test_a_made_up_session_is_unknown(reg: World, made_up: str) -> None:
    answer = await reg.client.call(**put(f"/v2/{NAME}/blobs/uploads/{made_up}", b"x"))
    assert answer.status_code == 404


def test_a_name_opens_its_repository_for_its_time_only() -> None:
    name = sessions.new("a/b", NOW)
    assert sessions.find_begin("a/b", name, NOW + timedelta(hours=23), 24) == NOW
    assert sessions.find_begin("a/c", name, NOW, 24) is None
    assert sessions.find_begin("a/b", name, NOW + timedelta(hours=25), 24) is None
    assert sessions.find_begin("a/b", name, NOW - timedelta(hours=1), 24) is None
    assert sessions.new("a/b", NOW) != name


async def test_sessions_end_with_their_time_and_leave_no_rows(places: tuple[str, str]) -> None:
    clock = FixedClock(datetime.now(UTC))
    async with world.ours(*places, clock=clock) as reg:
        fresh, begun, over = [await reg.client.upload() for _ in range(3)]
        await reg.client.call("PATCH", begun, content=b"be", headers=OCTETS)
        await reg.client.call("DELETE", over)
        clock.advance(25 * 3600)
        report = await collection.run(reg.state)
        assert (report.uploads, await rows(reg)) == (1, [])
        for where in (fresh, begun, over):
            assert error(await reg.client.call(**put(where, b"x"))) == (404, "BLOB_UPLOAD_UNKNOWN")


async def test_pushes_at_once_are_all_there_and_a_refused_one_hurts_nobody(two: tuple[World, World]) -> None:
    first, second = two
    datas = [os.urandom(1000) for _ in range(40)]
    over = await first.client.upload()
    await second.client.call("DELETE", over)
    calls = [reg.client.push_blob(data) for number, data in enumerate(datas) for reg in [two[number % 2]]]
    refused = first.client.call(**put(over, b"late"))
    *_, last = await asyncio.gather(*calls, refused)
    assert error(last) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert all([await second.client.has_blob(data) for data in datas])
    for data in datas[:2]:
        assert (await first.client.put_manifest("x", manifest_of(data, config=data))).status_code == 201
