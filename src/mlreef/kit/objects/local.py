"""Objects as plain files: `<root>/ab/<digest>`.

Durable means: temporary file, fsync, rename, fsync of the directory. Hashing and writing happen in a worker thread in
4 MiB batches, so that one large upload neither blocks the event loop nor is copied more often than needed.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import math
import os
import secrets
import time
import weakref
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import BinaryIO

from mlreef.kit.errors import not_found
from mlreef.kit.objects.base import CHUNK, Stored, TooLarge, checked, is_digest, verify

_BATCH = 4 << 20
_SMALL = 64 << 10
_LEFT_OVER_SECONDS = 86400
_NO_WAIT = getattr(os, "RWF_NOWAIT", 0)


class LocalObjects:
    """A directory of objects; `root` is created when missing, what a killed process left half received is swept.

    The 256 directories are made at once, so that storing an object never has to make and sync one.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._temporary = root / "tmp"
        self._temporary.mkdir(parents=True, exist_ok=True)
        weakref.finalize(self, os.close, self._enter())
        if not (root / "ff").is_dir():
            for number in range(256):
                (root / f"{number:02x}").mkdir(exist_ok=True)
            _sync_directory(root)

    def _enter(self) -> int:
        """Share the lock of the temporary files while this store is in use; gives its descriptor.

        Who gets it alone knows that nobody receives, and sweeps everything. Beside others, who may be receiving right
        now, only what is a day old goes.
        """
        descriptor = os.open(self._temporary, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        newest = math.inf
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            newest = time.time() - _LEFT_OVER_SECONDS
        for left in self._temporary.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if left.stat().st_mtime < newest:
                    left.unlink()
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return descriptor

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
        limit = max_size if size is None else size
        body = aiter(chunks)
        begin, is_all = await _begin(body, limit)
        if is_all:
            data = b"".join(begin)
            stored = Stored(hashlib.sha256(data).hexdigest(), len(data))
            verify(stored.digest, stored.size, expect, size)
            await asyncio.to_thread(self._keep, temporary, data, stored.digest)
            return stored
        try:
            stored = await self._receive(temporary, begin, body, limit)
            verify(stored.digest, stored.size, expect, size)
            await asyncio.to_thread(self._publish, temporary, stored.digest)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return stored

    def _keep(self, temporary: Path, data: bytes, digest: str) -> None:
        """Everything that waits for the disk in one trip to a thread: what small objects cost most."""
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            try:
                _write_all(descriptor, data)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._publish(temporary, digest)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    async def _receive(self, path: Path, begin: list[bytes], rest: AsyncIterator[bytes], limit: int | None) -> Stored:
        hasher, batch = hashlib.sha256(), begin
        total = waiting = sum(map(len, begin))
        with path.open("wb", buffering=0) as file:
            writing: asyncio.Future[None] | None = None
            async for chunk in rest:
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
            # Here and not in a thread: whoever opens an object has just looked for it, so its place is in memory.
            file = self._path(digest).open("rb", 0)
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


async def _begin(body: AsyncIterator[bytes], limit: int | None) -> tuple[list[bytes], bool]:
    """The first bytes of a body, a little more than `_SMALL` at most, and whether they are all."""
    begin, total = [], 0
    async for chunk in body:
        if not chunk:
            continue
        begin.append(chunk)
        total += len(chunk)
        if limit is not None and total > limit:
            raise TooLarge(limit)
        if total > _SMALL:
            return begin, False
    return begin, True


def _write(file: BinaryIO, hasher: hashlib._Hash, batch: list[bytes]) -> None:
    for chunk in batch:
        hasher.update(chunk)
        _write_all(file.fileno(), chunk)


def _write_all(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]


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
