"""Objects as plain files: `<root>/ab/<digest>`.

Durable means: temporary file, fsync, rename, fsync of the directory. Hashing and writing happen in a worker thread in
4 MiB batches, so that one large upload neither blocks the event loop nor is copied more often than needed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import BinaryIO

from mlreef.kit.errors import not_found
from mlreef.kit.objects.base import CHUNK, Stored, TooLarge, checked, is_digest, verify

_BATCH = 4 << 20
_LEFT_OVER_SECONDS = 86400
_NO_WAIT = getattr(os, "RWF_NOWAIT", 0)


class LocalObjects:
    """A directory of objects; `root` is created when missing, temporary files left over a day ago are swept at start.

    The 256 directories are made at once, so that storing an object never has to make and sync one.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._temporary = root / "tmp"
        self._temporary.mkdir(parents=True, exist_ok=True)
        for left in self._temporary.iterdir():
            # Other workers may be receiving right now: only what nobody can be writing any more is swept.
            with contextlib.suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > _LEFT_OVER_SECONDS:
                    left.unlink()
        if not (root / "ff").is_dir():
            for number in range(256):
                (root / f"{number:02x}").mkdir(exist_ok=True)
            _sync_directory(root)

    async def put(
        self,
        chunks: AsyncIterable[bytes],
        *,
        expect: str | None = None,
        size: int | None = None,
        max_size: int | None = None,
    ) -> Stored:
        """See `ObjectStore.put`."""
        temporary = self._temporary / secrets.token_hex(16)
        try:
            stored = await self._receive(temporary, chunks, max_size if size is None else size)
            verify(stored.digest, stored.size, expect, size)
            await asyncio.to_thread(self._publish, temporary, stored.digest)
        finally:
            temporary.unlink(missing_ok=True)
        return stored

    async def _receive(self, path: Path, chunks: AsyncIterable[bytes], limit: int | None) -> Stored:
        hasher, total, batch, waiting = hashlib.sha256(), 0, [], 0
        with path.open("wb", buffering=0) as file:
            writing: asyncio.Future[None] | None = None
            async for chunk in chunks:
                if not chunk:
                    continue
                batch.append(chunk)
                waiting += len(chunk)
                total += len(chunk)
                if limit is not None and total > limit:
                    if writing is not None:
                        await writing
                    raise TooLarge(limit)
                if waiting >= _BATCH:
                    if writing is not None:
                        await writing
                    writing = asyncio.ensure_future(asyncio.to_thread(_write, file, hasher, batch))
                    batch, waiting = [], 0
            if writing is not None:
                await writing
            await asyncio.to_thread(_finish, file, hasher, batch)
        return Stored(hasher.hexdigest(), total)

    def _publish(self, temporary: Path, digest: str) -> None:
        target = self._path(digest)
        temporary.replace(target)
        _sync_directory(target.parent)

    async def stat(self, digest: str) -> int | None:
        """See `ObjectStore.stat`."""
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError:
            return None

    async def open(self, digest: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See `ObjectStore.open`."""
        try:
            file = await asyncio.to_thread(self._path(digest).open, "rb", 0)
        except FileNotFoundError:
            raise not_found("Object") from None
        with file:
            position = start
            while end is None or position < end:
                size = CHUNK if end is None else min(CHUNK, end - position)
                chunk = _cached(file, size, position)
                if chunk is None:
                    chunk = await asyncio.to_thread(os.pread, file.fileno(), size, position)
                if not chunk:
                    return
                position += len(chunk)
                yield chunk

    def local_path(self, digest: str) -> Path | None:
        """The file, when it exists."""
        path = self._path(digest)
        return path if path.is_file() else None

    async def delete(self, digest: str) -> None:
        """See `ObjectStore.delete`."""
        await asyncio.to_thread(self._path(digest).unlink, missing_ok=True)

    async def iter_all(self) -> AsyncIterator[tuple[str, int]]:
        """See `ObjectStore.iter_all`."""
        for number in range(256):
            for found in await asyncio.to_thread(_listed, self._root / f"{number:02x}"):
                yield found

    async def close(self) -> None:
        """Nothing is held open."""

    def _path(self, digest: str) -> Path:
        checked(digest)
        return self._root / digest[:2] / digest


def _write(file: BinaryIO, hasher: hashlib._Hash, batch: list[bytes]) -> None:
    for chunk in batch:
        hasher.update(chunk)
        view = memoryview(chunk)
        while view:
            view = view[os.write(file.fileno(), view) :]


def _finish(file: BinaryIO, hasher: hashlib._Hash, batch: list[bytes]) -> None:
    _write(file, hasher, batch)
    os.fsync(file.fileno())


def _cached(file: BinaryIO, size: int, position: int) -> bytes | None:
    """Bytes that the system holds in memory, without waiting; None when a thread must wait for the disk.

    What is pulled is mostly what was pushed or pulled a moment ago, and handing a read to a thread costs more than it.
    """
    if not _NO_WAIT:
        return None
    buffer = bytearray(size)
    try:
        count = os.preadv(file.fileno(), [buffer], position, _NO_WAIT)
    except OSError:
        return None
    return bytes(memoryview(buffer)[:count]) if count else None


def _listed(directory: Path) -> list[tuple[str, int]]:
    found = []
    for entry in os.scandir(directory):
        with contextlib.suppress(FileNotFoundError):
            if is_digest(entry.name):
                found.append((entry.name, entry.stat().st_size))
    return found


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
