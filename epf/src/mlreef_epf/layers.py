"""Deterministic image layers: the same tree gives the same bytes, so that registries and caches recognise it.

Entries are sorted, dated 1970, owned by root and compressed with gzip level 1. Hard links become plain files: package
installers link to their cache, and a layer must not depend on that.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import tarfile
from dataclasses import dataclass
from typing import Any, Iterator, Tuple

CHUNK = 1 << 20


@dataclass(frozen=True)
class Layer:
    """A compressed layer in a file."""

    path: str
    digest: str
    diff_id: str
    size: int


class _Hashing:
    def __init__(self, out: Any) -> None:
        self._out, self.state, self.count = out, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self.state.update(data)
        self.count += len(data)
        return int(self._out.write(data))

    def flush(self) -> None:
        self._out.flush()

    @property
    def digest(self) -> str:
        return "sha256:" + self.state.hexdigest()


def build(source: str, target: str, prefix: str = "", keep_modes: bool = False) -> Layer:
    """Write the layer that puts a directory's content at a prefix of the image."""
    with open(target, "wb") as raw:
        packed = _Hashing(raw)
        with gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=1, mtime=0) as compressed:
            plain = _Hashing(compressed)
            sink: Any = plain  # tarfile asks for no more than write()
            with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT, bufsize=CHUNK) as archive:
                _add_parents(archive, prefix)
                for path, place in _walk(source, prefix):
                    _add(archive, path, place, keep_modes)
    return Layer(target, packed.digest, plain.digest, packed.count)


def _add_parents(archive: tarfile.TarFile, prefix: str) -> None:
    parts = [part for part in prefix.split("/") if part]
    for count in range(1, len(parts) + 1):
        info = tarfile.TarInfo("/".join(parts[:count]))
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(info)


def _walk(source: str, prefix: str) -> Iterator[Tuple[str, str]]:
    for folder, folders, files in os.walk(source):
        folders.sort()
        inside = os.path.relpath(folder, source)
        for name in sorted(folders + files):
            path = os.path.normpath(os.path.join(prefix.strip("/"), inside, name))
            yield path, os.path.join(folder, name)


def _add(archive: tarfile.TarFile, path: str, place: str, keep_modes: bool) -> None:
    status = os.lstat(place)
    info = tarfile.TarInfo(path)
    info.mode = stat.S_IMODE(status.st_mode) if keep_modes else 0o755 if status.st_mode & 0o100 else 0o644
    if stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
        info.mode = info.mode if keep_modes else 0o755
        archive.addfile(info)
    elif stat.S_ISLNK(status.st_mode):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(place), 0o777
        archive.addfile(info)
    elif stat.S_ISREG(status.st_mode):
        info.size = status.st_size
        with open(place, "rb") as handle:
            archive.addfile(info, handle)


def unpack(packed: str, root: str) -> None:
    """Lay a layer's files over a directory (our own layers: no whiteouts)."""
    with tarfile.open(packed, mode="r:gz") as archive:
        if hasattr(tarfile, "tar_filter"):
            archive.extraction_filter = tarfile.tar_filter
        archive.extractall(root)  # noqa: S202 - filtered where Python knows how, and our own images
