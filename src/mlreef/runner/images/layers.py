"""Unpacks one image layer into a directory, believing nothing: no way out, no devices, no privileges, bounded.

Whiteouts become what overlayfs understands (a 0/0 character device, an opaque attribute) and are also returned, for
merging layers without overlayfs. Source: OCI image specification, "Layer Filesystem Changeset".
"""

from __future__ import annotations

import bz2
import gzip
import io
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from mlreef.runner.executors.base import PrepareFailed

_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_OPAQUE_ATTRIBUTE = "user.overlay.opaque"
_MAX_WINDOW = 128 << 20
"""What zstd itself takes unless asked for more (`--long`); a frame may ask for gigabytes of memory."""
_MAX_HEADERS = 8 << 20
"""Bytes between two files: names, attributes, padding. Python's tarfile would hold gigabytes of them in memory."""


class BadLayer(PrepareFailed):
    """A layer that is not what a layer may be."""

    def __init__(self, message: str) -> None:
        super().__init__(f"image layer refused: {message}", reason="image_pull_failure")


@dataclass(frozen=True, slots=True)
class Caps:
    """Bounds of one layer."""

    bytes: int = 40 << 30
    entries: int = 1_000_000


@dataclass(slots=True)
class Unpacked:
    """What came out."""

    bytes: int = 0
    entries: int = 0
    whiteouts: list[str] = field(default_factory=list)
    opaque: list[str] = field(default_factory=list)
    overlayable: bool = True
    """False when this file system cannot hold the marks overlayfs needs."""


def unpack(archive: Path, target: Path, caps: Caps) -> Unpacked:
    """Unpack a layer (tar; plain, gzip or zstd) below `target`, which must be an empty directory of ours."""
    from zstandard import ZstdError

    result = Unpacked()
    try:
        with _decompressed(archive) as stream, tarfile.open(fileobj=(bounded := _Bounded(stream)), mode="r|") as tar:
            for member in tar:
                bounded.allow(member.size if member.isreg() else 0)
                result.entries += 1
                result.bytes += member.size if member.isreg() else 0
                if result.entries > caps.entries or result.bytes > caps.bytes:
                    raise BadLayer(f"more than {caps.entries} entries or {caps.bytes} bytes")
                _place(tar, member, target, result)
    except (tarfile.TarError, EOFError, OSError, gzip.BadGzipFile, ZstdError) as exc:
        raise BadLayer(f"{type(exc).__name__}: {exc}") from exc
    return result


class _Bounded(io.RawIOBase):
    """A stream that ends with an error when more is read than files and their headers may need."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._left = _MAX_HEADERS

    def allow(self, size: int) -> None:
        """A file of that size comes next, and then headers again."""
        self._left = size + _MAX_HEADERS

    def read(self, size: int = -1, /) -> bytes:
        """As of any stream."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise BadLayer(f"more than {_MAX_HEADERS} bytes that are no file's")
        return data


@contextmanager
def _decompressed(archive: Path) -> Iterator[IO[bytes]]:
    with archive.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        if magic[:2] == b"\x1f\x8b":
            from isal import igzip

            with cast("IO[bytes]", igzip.GzipFile(fileobj=file, mode="rb")) as stream:
                yield stream
        elif magic[:3] == b"BZh":
            with bz2.BZ2File(file) as stream:
                yield cast("IO[bytes]", stream)
        elif magic == b"\x28\xb5\x2f\xfd":
            from zstandard import ZstdDecompressor

            decompressor = ZstdDecompressor(max_window_size=_MAX_WINDOW)
            # podman's "zstd:chunked" has many frames, and a table of contents in one that is skipped.
            with decompressor.stream_reader(file, read_across_frames=True, closefd=False) as stream:
                yield cast("IO[bytes]", stream)
        else:
            yield file


def _place(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, result: Unpacked) -> None:
    parts = _parts(member.name)
    if not parts:
        return
    parent = _parent(target, parts)
    name, path = parts[-1], parent / parts[-1]
    if name == _OPAQUE:
        _opaque(parent, "/".join(parts[:-1]), result)
    elif name.startswith(_WHITEOUT):
        _white_out(parent / name.removeprefix(_WHITEOUT), "/".join(parts), result)
    elif member.isdir():
        if path.is_symlink() or not path.is_dir():
            _clear(path)
            path.mkdir()
        # Always open to everybody and never writable: jobs of any user id share the layer.
        path.chmod(0o755)
    elif member.issym():
        _clear(path)
        path.symlink_to(member.linkname)
    elif member.islnk():
        _link(target, member, path)
    elif member.isreg():
        _clear(path)
        _write(tar, member, path)
    # Devices, pipes and sockets have no place in a sandbox: it brings its own /dev.


def _parts(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts or "\0" in name or len(name) > 4096:
        raise BadLayer(f"unsafe path {name[:200]!r}")
    return parts


def _parent(target: Path, parts: list[str]) -> Path:
    """The directory of an entry, made if need be; never reached through a link."""
    place = target
    for part in parts[:-1]:
        place /= part
        try:
            mode = place.lstat().st_mode
        except FileNotFoundError:
            place.mkdir(mode=0o755)
            continue
        if not stat.S_ISDIR(mode):
            raise BadLayer(f"{'/'.join(parts)!r} leads through something that is not a directory")
    return place


def _link(target: Path, member: tarfile.TarInfo, path: Path) -> None:
    parts = _parts(member.linkname)
    if not parts:
        raise BadLayer(f"{member.name!r} is a link to nothing")
    source = _parent(target, parts) / parts[-1]
    if not source.is_file() or source.is_symlink():
        raise BadLayer(f"{member.name!r} is a hard link to {member.linkname!r}, which this layer does not hold")
    if source != path:
        _clear(path)
        os.link(source, path, follow_symlinks=False)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    source = tar.extractfile(member)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    mode = 0o755 if member.mode & 0o100 else 0o644  # no setuid, readable by whatever user the job is
    with os.fdopen(os.open(path, flags, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        if source is not None:
            shutil.copyfileobj(cast("Any", source), file, 1 << 20)
    with suppress(OSError, OverflowError):
        os.utime(path, (member.mtime, member.mtime))


def _clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _opaque(directory: Path, name: str, result: Unpacked) -> None:
    result.opaque.append(name)
    try:
        os.setxattr(directory, _OPAQUE_ATTRIBUTE, b"y")
    except OSError:
        result.overlayable = False


def _white_out(path: Path, name: str, result: Unpacked) -> None:
    if path.name in {"", ".", ".."}:
        raise BadLayer(f"unsafe whiteout {name[:200]!r}")
    result.whiteouts.append(str(Path(name).parent / path.name))
    _clear(path)
    try:
        os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))
    except OSError:
        result.overlayable = False
