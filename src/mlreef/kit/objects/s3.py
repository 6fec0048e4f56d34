"""Objects on S3-compatible storage, through obstore.

Bytes are received into a local spool first: the key is their digest, which is known only at the end, and S3 has no
atomic rename. The upload is then a multipart put that the storage acknowledges when it is durable.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import IO, Any

import obstore
from obstore.store import S3Store

from mlreef.kit.errors import Kind, PlatformError, not_found
from mlreef.kit.objects.base import CHUNK, Stored, TooLarge, checked, is_digest, verify

_SPOOL_IN_MEMORY = 8 << 20


class S3Objects:
    """A prefix of a bucket; keys are `<prefix>/ab/<digest>`."""

    def __init__(self, store: S3Store, prefix: str) -> None:
        self._store: Any = store
        self._prefix = prefix.strip("/")

    async def put(
        self,
        chunks: AsyncIterable[bytes],
        *,
        expect: str | None = None,
        size: int | None = None,
        max_size: int | None = None,
    ) -> Stored:
        """See `ObjectStore.put`."""
        hasher, total = hashlib.sha256(), 0
        limit = max_size if size is None else size
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_IN_MEMORY) as spool:
            async for chunk in chunks:
                total += len(chunk)
                if limit is not None and total > limit:
                    raise TooLarge(limit)
                await asyncio.to_thread(_append, spool, hasher, chunk)
            digest = hasher.hexdigest()
            verify(digest, total, expect, size)
            if await self.stat(digest) is None:
                spool.seek(0)
                await self._guarded(obstore.put_async(self._store, self._key(digest), _reads(spool)))
        return Stored(digest, total)

    async def stat(self, digest: str) -> int | None:
        """See `ObjectStore.stat`."""
        try:
            head = await obstore.head_async(self._store, self._key(digest))
        except FileNotFoundError:
            return None
        return int(head["size"])

    async def open(self, digest: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See `ObjectStore.open`."""
        size = await self.stat(digest)
        if size is None:
            raise not_found("Object")
        stop = size if end is None else min(end, size)
        if stop <= start:
            return
        options: Any = {"range": (start, stop)}
        answer = await self._guarded(obstore.get_async(self._store, self._key(digest), options=options))
        async for chunk in answer.stream(min_chunk_size=CHUNK):
            yield bytes(chunk)

    def local_path(self, digest: str) -> Path | None:
        """There is no local file."""
        checked(digest)
        return None

    async def delete(self, digest: str) -> None:
        """See `ObjectStore.delete`."""
        try:
            await obstore.delete_async(self._store, self._key(digest))
        except FileNotFoundError:
            return

    async def iter_all(self) -> AsyncIterator[tuple[str, int]]:
        """See `ObjectStore.iter_all`."""
        prefix = f"{self._prefix}/" if self._prefix else None
        async for batch in obstore.list(self._store, prefix):
            for found in batch:
                digest = found["path"].rpartition("/")[2]
                if is_digest(digest) and found["path"] == self._key(digest):
                    yield digest, int(found["size"])

    async def close(self) -> None:
        """Connections belong to the client's pool and end with it."""

    def _key(self, digest: str) -> str:
        checked(digest)
        return f"{self._prefix}/{digest[:2]}/{digest}" if self._prefix else f"{digest[:2]}/{digest}"

    async def _guarded(self, awaitable: Any) -> Any:
        try:
            return await awaitable
        except obstore.exceptions.BaseError as exc:
            raise PlatformError(Kind.UNAVAILABLE, f"object storage does not answer: {exc}") from exc


def _append(spool: IO[bytes], hasher: hashlib._Hash, chunk: bytes) -> None:
    hasher.update(chunk)
    spool.write(chunk)


async def _reads(spool: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(spool.read, 5 << 20):
        yield chunk
