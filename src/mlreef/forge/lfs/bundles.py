"""Many small objects in one request: the transfer `mlreef-bundle`, agreed on by the batch API's own `transfers` list.

A request per file costs more than the file when a data set holds thousands of images. A bundle is objects one after
the other, each `<oid> <size>\\n` and its bytes. All are durable before the answer, as with single uploads.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass

from mlreef.kit.errors import Kind, PlatformError, invalid, not_found
from mlreef.kit.objects import ObjectStore

NAME = "mlreef-bundle"
MAX_BYTES, MAX_OBJECTS = 16 << 20, 1000
_OID = re.compile(r"[0-9a-f]{64}")
_HEADER = re.compile(rb"([0-9a-f]{64}) ([0-9]{1,9})")
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Item:
    """One object of a bundle; its bytes hash to its name."""

    oid: str
    content: memoryview


async def received(chunks: AsyncIterator[bytes]) -> list[Item]:
    """Read and check a whole bundle; raises when anything in it is not what it says."""
    data = bytearray()
    async for chunk in chunks:
        data += chunk
        if len(data) > MAX_BYTES:
            raise PlatformError(Kind.TOO_LARGE, f"a bundle holds at most {MAX_BYTES} bytes; send smaller ones")
    return await asyncio.to_thread(lambda: list(_items(bytes(data))))


def _items(data: bytes) -> Iterator[Item]:
    view, place = memoryview(data), 0
    for count in range(len(data)):
        if place == len(data):
            return
        if count == MAX_OBJECTS:
            raise PlatformError(Kind.TOO_LARGE, f"a bundle holds at most {MAX_OBJECTS} objects; send smaller ones")
        end = data.find(b"\n", place, place + 80)
        match = _HEADER.fullmatch(data, place, end) if end > 0 else None
        if match is None:
            raise invalid(f"object {count + 1} of the bundle: `<oid> <size>` and a line end are needed")
        oid, size = match.group(1).decode(), int(match.group(2))
        content = view[end + 1 : end + 1 + size]
        if len(content) != size or hashlib.sha256(content).hexdigest() != oid:
            raise invalid(f"object {count + 1} of the bundle: its bytes are not those of {oid}; send it again")
        yield Item(oid, content)
        place = end + 1 + size


async def store(objects: ObjectStore, items: list[Item]) -> None:
    """Keep all of them; they wait for the disk together."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(item: Item) -> None:
        async with gate:
            await objects.put(_pieces(item), expect=item.oid, size=len(item.content))

    async with asyncio.TaskGroup() as group:
        for item in items:
            group.create_task(one(item))


def asked(body: bytes) -> list[str]:
    """The object ids of a request for a bundle, one a line."""
    oids = body.decode("ascii", "replace").split()
    if len(oids) > MAX_OBJECTS or not all(_OID.fullmatch(oid) for oid in oids):
        raise invalid(f"one object id a line is needed, at most {MAX_OBJECTS}")
    return oids


async def packed(objects: ObjectStore, oids: list[str], held: Mapping[str, int]) -> bytes:
    """A bundle of objects that the project holds; raises not_found when it does not hold one of them."""
    if not all(oid in held for oid in oids):
        raise not_found("LFS Object")
    if sum(held[oid] for oid in oids) > MAX_BYTES:
        raise PlatformError(Kind.TOO_LARGE, f"a bundle holds at most {MAX_BYTES} bytes; ask for fewer objects")
    paths = await asyncio.to_thread(lambda: [objects.local_path(oid) for oid in oids])
    if all(paths):
        contents = await asyncio.to_thread(lambda: [path.read_bytes() for path in paths if path is not None])
    else:
        contents = [b"".join([piece async for piece in objects.open(oid)]) for oid in oids]
    rows = zip(oids, contents, strict=True)
    return b"".join(b"%b %d\n%b" % (oid.encode(), len(content), content) for oid, content in rows)


async def _pieces(item: Item) -> AsyncIterator[bytes]:
    yield bytes(item.content)
