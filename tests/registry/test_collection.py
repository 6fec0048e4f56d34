"""Garbage collection: what stays, what goes, and what happens when pushes and collections meet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlreef.kit import objects
from mlreef.kit.clock import FixedClock
from mlreef.kit.objects import Stored
from mlreef.registry import blobs, collection
from registry import world
from registry.world import (
    CATALOG,
    EMPTY,
    INDEX,
    MANIFEST,
    NAME,
    SIGNATURE,
    World,
    access,
    descriptor,
    digest_of,
    error,
    index_of,
    manifest_of,
    with_query,
)

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
async def reg(request: pytest.FixtureRequest, tmp_path: Path, clock: FixedClock) -> AsyncIterator[World]:
    database, stored = f"sqlite:///{tmp_path}/registry.db", f"file://{tmp_path}/objects"
    if request.param == "postgresql":
        place = digest_of(str(tmp_path).encode())[-12:]
        database = f"{request.getfixturevalue('postgres_server')}?schema=gc_{place}"
        stored = f"s3://mlreef/{place}?{request.getfixturevalue('s3_server')}"
    async with world.ours(database, stored, clock=clock) as found:
        yield found


async def collect(reg: World, *, dry_run: bool = False) -> dict[str, Any]:
    administrator = reg.client.of(NAME, CATALOG)
    answer = await administrator.call("POST", "/v2/_mlreef/gc", json={"dry_run": dry_run})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def pass_time(reg: World, hours: float) -> None:
    reg.state.clock.advance(hours * 3600)


async def stored(reg: World) -> set[str]:
    return {digest async for digest, _ in reg.state.objects.iter_all()} - {objects.mark_of("registry")}


async def test_what_a_tag_leads_to_stays(reg: World) -> None:
    one = await reg.client.push_image("one", b"layer 1")
    both = index_of(one)
    await reg.client.put_manifest("both", both, INDEX)
    await reg.client.call("DELETE", "manifests/one")
    pass_time(reg, 1000)
    assert (await collect(reg))["manifests"] == 0
    assert await reg.client.exists(both)
    assert await reg.client.exists(one)
    assert await reg.client.has_blob(b"layer 1")


async def test_an_untagged_image_goes_after_the_grace_and_not_before(reg: World) -> None:
    body = await reg.client.push_image("1", b"old layer")
    pass_time(reg, 1000)
    await reg.client.push_image("1", b"new layer")
    pass_time(reg, 23)
    assert (await collect(reg))["manifests"] == 0
    pass_time(reg, 2)
    report = await collect(reg)
    assert (report["manifests"], report["blobs"], report["objects"], report["bytes"]) == (1, 1, 1, 9)
    assert not await reg.client.exists(body)
    assert not await reg.client.has_blob(b"old layer")
    assert await reg.client.has_blob(b"new layer")


async def test_a_dry_run_tells_what_a_run_does(reg: World) -> None:
    body = await reg.client.push_image("1", b"layer")
    await reg.client.of("group/other").push_image("1", b"layer")
    await reg.client.push_blob(b"never used")
    await reg.client.call("DELETE", f"manifests/{digest_of(body)}")
    pass_time(reg, 100)
    foreseen = await collect(reg, dry_run=True)
    assert await reg.client.has_blob(b"never used")
    done = await collect(reg)
    assert foreseen | {"dry_run": False} == done
    assert (done["blobs"], done["objects"], done["bytes"]) == (3, 1, len(b"never used"))
    assert await reg.client.of("group/other").has_blob(b"layer")


async def test_referrers_live_as_long_as_their_subject(reg: World) -> None:
    body = await reg.client.push_image("1")
    note = manifest_of(config_type=EMPTY, artifactType="application/x-note", subject=descriptor(body, MANIFEST))
    await reg.client.put_manifest(digest_of(note), note)
    pass_time(reg, 100)
    assert (await collect(reg))["manifests"] == 0
    await reg.client.call("DELETE", f"manifests/{digest_of(body)}")
    assert (await collect(reg))["manifests"] == 1
    assert not await reg.client.exists(note)


async def sign(reg: World, subject: bytes, account: str) -> bytes:
    service = reg.client.of(NAME, access(NAME, "pull", "push"), sub=account)
    note = manifest_of(config_type=EMPTY, artifactType=SIGNATURE, subject=descriptor(subject, MANIFEST))
    assert (await service.put_manifest(digest_of(note), note)).status_code == 201
    return note


async def test_what_the_service_has_signed_is_pinned(reg: World) -> None:
    body = await reg.client.push_image("1", b"published")
    note = await sign(reg, body, "mlreef-bot")
    await reg.client.call("DELETE", "manifests/1")
    pass_time(reg, 10_000)
    assert (await collect(reg))["manifests"] == 0
    assert await reg.client.exists(body)
    assert await reg.client.has_blob(b"published")
    for one in (body, note):
        assert error(await reg.client.call("DELETE", f"manifests/{digest_of(one)}")) == (403, "DENIED")


async def test_an_administrator_deletes_what_is_signed(reg: World) -> None:
    body = await reg.client.push_image("1")
    await sign(reg, body, "mlreef-bot")
    administrator = reg.client.of(NAME, access(NAME), CATALOG)
    assert (await administrator.call("DELETE", f"manifests/{digest_of(body)}")).status_code == 202


async def test_parts_of_a_signed_index_are_pinned(reg: World) -> None:
    one = await reg.client.push_image("1")
    both = index_of(one)
    await reg.client.put_manifest("both", both, INDEX)
    await sign(reg, both, "mlreef-bot")
    assert error(await reg.client.call("DELETE", f"manifests/{digest_of(one)}")) == (403, "DENIED")


async def test_a_signature_by_somebody_else_pins_nothing(reg: World) -> None:
    body = await reg.client.push_image("1")
    await sign(reg, body, "mallory")
    assert (await reg.client.call("DELETE", f"manifests/{digest_of(body)}")).status_code == 202


async def test_an_upload_that_rests_for_too_long_is_closed(reg: World) -> None:
    where = (await reg.client.call("PATCH", await reg.client.upload(), content=b"chunk")).headers["location"]
    pass_time(reg, 23)
    assert (await collect(reg))["uploads"] == 0
    pass_time(reg, 2)
    report = await collect(reg)
    assert (report["uploads"], report["objects"]) == (1, 1)
    assert error(await reg.client.call("GET", where)) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert await stored(reg) == set()


async def test_bytes_that_a_crash_left_behind_go_after_a_grace(reg: World) -> None:
    async def once() -> AsyncIterator[bytes]:
        yield b"no row tells of these"

    await reg.state.objects.put(once())
    assert (await collect(reg))["objects"] == 0
    pass_time(reg, 25)
    assert (await collect(reg))["objects"] == 1
    assert await stored(reg) == set()


async def test_a_store_shared_by_mistake_loses_nothing(reg: World) -> None:
    await objects.claim(reg.state.objects, "forge")
    digest = await reg.client.push_blob(b"of nobody")
    await reg.client.call("DELETE", f"blobs/{digest}")
    pass_time(reg, 100)
    report = await collect(reg)
    assert (report["objects"], report["shared_with"]) == (0, ["forge"])
    assert digest.removeprefix("sha256:") in await stored(reg)


async def test_a_blob_that_a_push_found_is_safe_until_its_manifest_comes(reg: World) -> None:
    for data in (b"{}", b"base"):
        await reg.client.push_blob(data)
    pass_time(reg, 100)
    for data in (b"{}", b"base"):  # as clients ask before they push
        assert (await reg.client.call("HEAD", f"blobs/{digest_of(data)}")).status_code == 200
    await collect(reg)
    assert (await reg.client.put_manifest("1", manifest_of(b"base"))).status_code == 201


async def test_a_mounted_blob_outlives_its_source(reg: World) -> None:
    digest = await reg.client.push_blob(b"base")
    pass_time(reg, 100)
    target = reg.client.of("group/new", access("group/new"), access(NAME, "pull"))
    mounted = await target.call("POST", f"blobs/uploads/?mount={digest}&from={NAME}")
    assert mounted.status_code == 201
    pass_time(reg, 13)
    await reg.client.call("DELETE", f"blobs/{digest}")
    await collect(reg)
    assert await target.has_blob(b"base")


async def test_bytes_pushed_again_while_they_are_collected_survive(reg: World) -> None:
    """The push has stored its bytes; before it records them, a whole collection removes them as long unused."""
    digest = await reg.client.push_blob(b"old bytes")
    await reg.client.call("DELETE", f"blobs/{digest}")
    pass_time(reg, 100)
    again = await reg.state.objects.put(_pieces(b"old bytes"))
    assert (await collect(reg))["objects"] == 1
    with pytest.raises(Exception, match="send them again"):
        await blobs.link(reg.state, NAME, again)
    assert (await reg.client.call("HEAD", f"blobs/{digest}")).status_code == 404
    await reg.client.push_blob(b"old bytes")
    await collect(reg)
    assert await reg.client.has_blob(b"old bytes")


async def test_bytes_linked_before_they_are_collected_stay(reg: World) -> None:
    digest = await reg.client.push_blob(b"old bytes")
    await reg.client.call("DELETE", f"blobs/{digest}")
    pass_time(reg, 100)
    again = await reg.state.objects.put(_pieces(b"old bytes"))
    await blobs.link(reg.state, NAME, Stored(again.digest, again.size))
    await collection.run(reg.state)
    assert await reg.client.has_blob(b"old bytes")


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def test_a_chunk_stays_while_its_upload_is_open(reg: World) -> None:
    first = await reg.client.call("PATCH", await reg.client.upload(), content=b"abc")
    pass_time(reg, 20)
    reg.state.settings.gc_hours = 1
    await collect(reg)
    where = with_query(first.headers["location"], digest=digest_of(b"abcdef"))
    assert (await reg.client.call("PUT", where, content=b"def")).status_code == 201
    assert await reg.client.has_blob(b"abcdef")


async def test_collecting_is_for_administrators(reg: World) -> None:
    answer = await reg.client.call("POST", "/v2/_mlreef/gc", json={})
    assert error(answer) == (401, "UNAUTHORIZED")
    assert 'scope="registry:catalog:*"' in answer.headers["www-authenticate"]


async def test_the_metrics_tell_of_collections(reg: World) -> None:
    digest = await reg.client.push_blob(b"12345")
    await reg.client.call("DELETE", f"blobs/{digest}")
    pass_time(reg, 100)
    await collect(reg)
    text = (await reg.client.http.get("/metrics")).text
    assert "mlreef_registry_gc_bytes_total 5.0" in text
