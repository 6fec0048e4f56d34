"""Archives of a commit: always the same bytes for the same commit and name, streamed, LFS content in place of pointers.

`git archive` writes a tar; its entries are read on the fly (POSIX pax format), pointers are replaced by what they stand
for, and the result is written as tar, compressed or not, or as zip. Nothing is ever unpacked.
"""

from __future__ import annotations

import asyncio
import bz2
import io
import stat
import zipfile
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mlreef.forge.lfs import pointers
from mlreef.forge.repos import git
from mlreef.kit.errors import invalid

FORMATS = {
    "tar.gz": "application/gzip",
    "tgz": "application/gzip",
    "gz": "application/gzip",
    "tar.bz2": "application/x-bzip2",
    "tbz": "application/x-bzip2",
    "tbz2": "application/x-bzip2",
    "tb2": "application/x-bzip2",
    "bz2": "application/x-bzip2",
    "tar": "application/x-tar",
    "zip": "application/zip",
}
_BLOCK = 512
_PIECE = 1 << 20
_OCTAL_LIMIT = 8**11

Content = Callable[[pointers.Pointer], Awaitable[AsyncIterator[bytes] | None]]
"""The bytes of an LFS object the project holds, or None to leave the pointer as it is."""


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Plain:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def _compressor(suffix: str) -> _Compressor:
    if suffix == "tar":
        return _Plain()
    if "b" in suffix:
        return bz2.BZ2Compressor()
    return zlib.compressobj(6, zlib.DEFLATED, 31)  # a gzip header without time or name, as `gzip -n` writes


@dataclass(frozen=True, slots=True)
class _Entry:
    header: bytes
    size: int

    @property
    def kind(self) -> bytes:
        return self.header[156:157]

    def resized(self, size: int) -> bytes:
        """The header for other content: size and checksum change (pax "ustar" layout, IEEE 1003.1)."""
        raw = bytearray(self.header)
        raw[124:136] = b"%011o\x00" % size if size < _OCTAL_LIMIT else b"\x80" + size.to_bytes(11, "big")
        raw[148:156] = b" " * 8
        raw[148:156] = b"%06o\x00 " % sum(raw)
        return bytes(raw)


async def stream(
    repo: Path, commit: str, *, prefix: str, path: str, suffix: str, content: Content
) -> AsyncIterator[bytes]:
    """The archive in pieces."""
    # After --end-of-options this command would take the "--" before paths for a path itself. `commit` is a resolved id,
    # which can never be read as an option, so it may stand without.
    arguments = ["--format=tar", f"--prefix={prefix}/", commit, *(["--", path] if path else [])]
    source = _Source(git.stream(repo, "archive", *arguments, config=[("tar.umask", "0002")]))
    if suffix == "zip":
        async for piece in _zip(source, content):
            yield piece
        return
    compressor, pending, waiting = _compressor(suffix), [], 0
    async for piece in _tar(source, content):
        pending.append(piece)
        waiting += len(piece)
        if waiting >= _PIECE:
            out = await asyncio.to_thread(compressor.compress, b"".join(pending))
            pending, waiting = [], 0
            if out:
                yield out
    yield await asyncio.to_thread(compressor.compress, b"".join(pending)) + compressor.flush()


class _Source:
    """The tar that git writes, read block by block."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()

    async def take(self, size: int) -> bytes:
        """Exactly `size` bytes, fewer only at the end."""
        while len(self._buffer) < size and (chunk := await anext(self._chunks, None)) is not None:
            self._buffer += chunk
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    async def entry(self) -> _Entry | None:
        """The next header; None at the end marker."""
        header = await self.take(_BLOCK)
        if len(header) < _BLOCK or not header.strip(b"\x00"):
            return None
        field = header[124:136]
        size = int.from_bytes(field[1:], "big") if field[0] & 0x80 else int(field.strip(b"\x00 ") or b"0", 8)
        return _Entry(header, size)

    async def body(self, size: int) -> AsyncIterator[bytes]:
        """The content of an entry and its padding."""
        left = size + -size % _BLOCK
        while left:
            part = await self.take(min(left, _PIECE))
            if not part:
                raise invalid("the archive ended early")
            left -= len(part)
            yield part


async def _tar(source: _Source, content: Content) -> AsyncIterator[bytes]:
    while (entry := await source.entry()) is not None:
        found = await _replaced(source, entry, content) if _maybe_pointer(entry) else None
        if found is None:
            yield entry.header
            async for part in source.body(entry.size):
                yield part
            continue
        pointer, body, original = found
        if body is None:
            yield entry.header + original
            continue
        yield entry.resized(pointer.size)
        async for part in body:
            yield part
        yield bytes(-pointer.size % _BLOCK)
    yield bytes(2 * _BLOCK)


def _maybe_pointer(entry: _Entry) -> bool:
    return entry.kind in {b"0", b"\x00"} and 0 < entry.size <= pointers.MAX_BYTES


async def _replaced(
    source: _Source, entry: _Entry, content: Content
) -> tuple[pointers.Pointer, AsyncIterator[bytes] | None, bytes]:
    padded = b"".join([part async for part in source.body(entry.size)])
    pointer = pointers.parse(padded[: entry.size])
    if pointer is None:
        return pointers.Pointer("", 0), None, padded
    return pointer, await content(pointer), padded


async def _zip(source: _Source, content: Content) -> AsyncIterator[bytes]:
    out = _Sink()
    moment, long_name, long_link = (1980, 1, 1, 0, 0, 0), None, None
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        while (entry := await source.entry()) is not None:
            if entry.kind in {b"g", b"x"}:
                pax = _pax(b"".join([part async for part in source.body(entry.size)])[: entry.size])
                long_name, long_link = pax.get("path", long_name), pax.get("linkpath", long_link)
                continue
            info = _zip_info(entry, long_name, moment)
            link, long_name, long_link = long_link or _field(entry.header, 157, 257), None, None
            if entry.kind == b"2":
                await asyncio.to_thread(archive.writestr, info, link)
            elif entry.kind == b"5":
                await asyncio.to_thread(archive.writestr, info, b"")
            else:
                async for _ in _zip_file(archive, info, source, entry, content):
                    if piece := out.taken():
                        yield piece
    yield out.taken()


async def _zip_file(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: _Source, entry: _Entry, content: Content
) -> AsyncIterator[None]:
    body: AsyncIterator[bytes] | None = None
    if _maybe_pointer(entry):
        _, body, original = await _replaced(source, entry, content)
        body = body or _once(original[: entry.size])
    else:
        body = _exactly(source.body(entry.size), entry.size)
    with archive.open(info, "w", force_zip64=True) as target:
        async for part in body:
            await asyncio.to_thread(target.write, part)
            yield None
    yield None


def _zip_info(entry: _Entry, long_name: str | None, moment: Any) -> zipfile.ZipInfo:
    prefix, name = _field(entry.header, 345, 500), _field(entry.header, 0, 100)
    info = zipfile.ZipInfo(long_name or (f"{prefix}/{name}" if prefix else name), moment)
    kinds = {b"2": stat.S_IFLNK, b"5": stat.S_IFDIR}
    mode = int(_field(entry.header, 100, 108) or "644", 8)
    info.external_attr = (kinds.get(entry.kind, stat.S_IFREG) | mode) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _field(header: bytes, start: int, end: int) -> str:
    return header[start:end].split(b"\x00", 1)[0].decode("utf-8", errors="replace")


def _pax(data: bytes) -> dict[str, str]:
    found = {}
    while data:
        length, _, _ = data.partition(b" ")
        record, data = data[: int(length)], data[int(length) :]
        key, _, value = record[len(length) + 1 : -1].partition(b"=")
        found[key.decode(errors="replace")] = value.decode(errors="replace")
    return found


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _exactly(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    left = size
    async for chunk in chunks:
        yield chunk[:left]
        left -= min(left, len(chunk))


class _Sink(io.RawIOBase):
    """Collects what zipfile writes; not seekable, so sizes follow the data."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """Only that."""
        return True

    def write(self, data: Any) -> int:
        """Keep a part."""
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """All parts since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
