"""What every object store must do: memory, local files and S3 alike."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mlreef.kit import objects
from mlreef.kit.errors import Kind, PlatformError
from mlreef.kit.objects import DigestMismatch, ObjectStore, SizeMismatch, TooLarge


@pytest.fixture
async def store(objects_url: str) -> AsyncIterator[ObjectStore]:
    opened = objects.from_url(objects_url)
    yield opened
    await opened.close()


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def read(store: ObjectStore, digest: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in store.open(digest, start, end)])


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def test_bytes_come_back_as_they_went_in(store: ObjectStore) -> None:
    stored = await store.put(chunks(b"one ", b"", b"two"))
    assert (stored.digest, stored.size) == (sha(b"one two"), 7)
    assert await read(store, stored.digest) == b"one two"
    assert await store.stat(stored.digest) == 7


async def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    stored = await store.put(chunks())
    assert (await store.stat(stored.digest), await read(store, stored.digest)) == (0, b"")


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, 3, b"012"), (5, None, b"56789"), (3, 100, b"3456789"), (4, 4, b"")]
)
async def test_a_range_is_half_open(store: ObjectStore, start: int, end: int | None, expected: bytes) -> None:
    stored = await store.put(chunks(b"0123456789"))
    assert await read(store, stored.digest, start, end) == expected


async def test_a_large_object_survives_many_chunks(store: ObjectStore) -> None:
    part = bytes(range(256)) * 4096
    stored = await store.put(chunks(*[part] * 12))
    assert stored.size == 12 * len(part)
    assert await read(store, stored.digest, 11 * len(part)) == part


async def test_other_bytes_than_announced_leave_nothing(store: ObjectStore) -> None:
    wanted = sha(b"announced")
    with pytest.raises(DigestMismatch):
        await store.put(chunks(b"something else"), expect=wanted)
    assert await store.stat(wanted) is None
    assert await store.stat(sha(b"something else")) is None


@pytest.mark.parametrize("size", [3, 30])
async def test_another_size_than_announced_leaves_nothing(store: ObjectStore, size: int) -> None:
    with pytest.raises((SizeMismatch, TooLarge)):
        await store.put(chunks(b"0123456789"), size=size)
    assert await store.stat(sha(b"0123456789")) is None


async def test_more_than_the_limit_is_refused(store: ObjectStore) -> None:
    with pytest.raises(TooLarge):
        await store.put(chunks(b"x" * 100, b"y" * 100), max_size=150)


async def test_a_sender_that_fails_leaves_nothing(store: ObjectStore) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        await store.put(broken())
    assert await store.stat(sha(b"half")) is None


async def test_twenty_senders_of_the_same_bytes_make_one_object(store: ObjectStore) -> None:
    stored = await asyncio.gather(*(store.put(chunks(b"same", b" bytes")) for _ in range(20)))
    assert {item.digest for item in stored} == {sha(b"same bytes")}
    assert await read(store, stored[0].digest) == b"same bytes"


async def test_a_missing_object_is_not_found(store: ObjectStore) -> None:
    assert await store.stat(sha(b"never")) is None
    with pytest.raises(PlatformError) as caught:
        await read(store, sha(b"never"))
    assert caught.value.kind is Kind.NOT_FOUND


async def test_deleting_twice_is_no_error(store: ObjectStore) -> None:
    stored = await store.put(chunks(b"short life"))
    await store.delete(stored.digest)
    await store.delete(stored.digest)
    assert await store.stat(stored.digest) is None


@pytest.mark.parametrize("name", ["../../etc/passwd", "A" * 64, "", "0" * 63, "0" * 64 + "/x"])
async def test_only_a_digest_can_name_an_object(store: ObjectStore, name: str) -> None:
    with pytest.raises(PlatformError):
        await store.stat(name)


def test_only_what_nobody_writes_any_more_is_swept_at_start(tmp_path: Path) -> None:
    other = objects.from_url(f"file://{tmp_path}")
    (tmp_path / "tmp/arriving").write_bytes(b"another worker's")
    (tmp_path / "tmp/forgotten").write_bytes(b"cut off long ago")
    os.utime(tmp_path / "tmp/forgotten", (1, 1))
    objects.from_url(f"file://{tmp_path}")
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == ["arriving"]
    del other
    objects.from_url(f"file://{tmp_path}")
    assert list((tmp_path / "tmp").iterdir()) == []
