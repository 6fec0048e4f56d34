"""Objects in memory: for tests and for services run without anything to keep."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path

from mlreef.kit.errors import not_found
from mlreef.kit.objects.base import CHUNK, Stored, TooLarge, checked, verify


class MemoryObjects:
    """The interface of `ObjectStore`, forgotten with the process."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}

    async def put(
        self,
        chunks: AsyncIterable[bytes],
        *,
        expect: str | None = None,
        size: int | None = None,
        max_size: int | None = None,
    ) -> Stored:
        """See `ObjectStore.put`."""
        received = bytearray()
        limit = max_size if size is None else size
        async for chunk in chunks:
            received += chunk
            if limit is not None and len(received) > limit:
                raise TooLarge(limit)
        digest = hashlib.sha256(received).hexdigest()
        verify(digest, len(received), expect, size)
        self._objects[digest] = bytes(received)
        return Stored(digest, len(received))

    async def stat(self, digest: str) -> int | None:
        """See `ObjectStore.stat`."""
        held = self._objects.get(checked(digest))
        return None if held is None else len(held)

    async def open(self, digest: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See `ObjectStore.open`."""
        held = self._objects.get(checked(digest))
        if held is None:
            raise not_found("Object")
        wanted = held[start:end]
        for offset in range(0, len(wanted), CHUNK):
            yield wanted[offset : offset + CHUNK]

    def local_path(self, digest: str) -> Path | None:
        """There is no file."""
        checked(digest)
        return None

    async def delete(self, digest: str) -> None:
        """See `ObjectStore.delete`."""
        self._objects.pop(checked(digest), None)

    async def iter_all(self) -> AsyncIterator[tuple[str, int]]:
        """See `ObjectStore.iter_all`."""
        for digest, held in list(self._objects.items()):
            yield digest, len(held)

    async def close(self) -> None:
        """Nothing is held open."""
