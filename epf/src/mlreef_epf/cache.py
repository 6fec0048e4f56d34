"""A content-addressed cache of input files on the machine, shared by the jobs that run there.

Objects are keyed by git blob id or LFS SHA-256. Nothing in it is trusted: content is hashed while it is written
and again while it is read in, and jobs get copies (never links), so that a job can spoil only its own files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from typing import Any, Iterable, Iterator, Optional, Tuple

CHUNK = 1 << 20
GIT, LFS = "git", "lfs"
_TRIM_EVERY_S = 3600


class Mismatch(Exception):
    """The bytes are not what their address says."""


def hasher(kind: str, size: int) -> Any:
    """The hash whose hex digest is the address of content of this kind and size."""
    if kind == LFS:
        return hashlib.sha256()
    digest = hashlib.sha1()  # noqa: S324 - git's object ids are SHA-1; they are addresses here
    digest.update(b"blob %d\0" % size)
    return digest


class Cache:
    """Objects under one directory: <kind>/<first two characters>/<the rest>."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        os.makedirs(os.path.join(directory, "tmp"), exist_ok=True)

    def place(self, kind: str, oid: str, target: str, mode: int = 0o444) -> bool:
        """Copy an object to a path, verified; False when the cache does not hold it (any more)."""
        source = self._path(kind, oid)
        try:
            with open(source, "rb") as handle:
                digest = hasher(kind, os.fstat(handle.fileno()).st_size)
                with open(target, "xb") as out:
                    for piece in iter(lambda: handle.read(CHUNK), b""):
                        digest.update(piece)
                        out.write(piece)
                    os.fchmod(out.fileno(), mode)
        except FileNotFoundError:
            return False
        if digest.hexdigest() == oid:
            with contextlib.suppress(OSError):
                os.utime(source)  # the oldest go first when space is short
            return True
        os.unlink(target)
        with contextlib.suppress(OSError):
            os.unlink(source)
        return False

    def has(self, kind: str, oid: str) -> bool:
        """Whether an object seems to be there; `place` has the last word."""
        return os.path.isfile(self._path(kind, oid))

    def small(self, kind: str, oid: str, limit: int) -> Optional[bytes]:
        """The content of an object no larger than the limit, else None."""
        try:
            with open(self._path(kind, oid), "rb") as handle:
                if os.fstat(handle.fileno()).st_size > limit:
                    return None
                return handle.read()
        except FileNotFoundError:
            return None

    def store(self, kind: str, oid: str, size: int, pieces: Iterable[bytes]) -> None:
        """Write an object atomically; raises Mismatch when the bytes do not hash to their address."""
        handle, name = tempfile.mkstemp(dir=os.path.join(self._directory, "tmp"))
        try:
            with os.fdopen(handle, "wb") as out:
                digest, count = hasher(kind, size), 0
                for piece in pieces:
                    digest.update(piece)
                    out.write(piece)
                    count += len(piece)
            if digest.hexdigest() != oid or count != size:
                raise Mismatch(
                    "%s %s: received %d of %d bytes that hash to %s" % (kind, oid, count, size, digest.hexdigest())
                )
            target = self._path(kind, oid)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.chmod(name, 0o444)
            os.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise

    def trim(self, limit: int) -> None:
        """Drop the objects unused for longest until the cache fits; looks at most once an hour."""
        stamp = os.path.join(self._directory, "trimmed")
        with contextlib.suppress(OSError):
            if time.time() - os.stat(stamp).st_mtime < _TRIM_EVERY_S:
                return
        with contextlib.suppress(OSError):
            with open(stamp, "w"):
                os.utime(stamp)
            held = sorted(self._objects())
            excess = sum(entry[1] for entry in held) - limit
            for _, size, path in held:
                if excess <= 0:
                    break
                os.unlink(path)
                excess -= size

    def _objects(self) -> Iterator[Tuple[float, int, str]]:
        for kind in (GIT, LFS):
            for folder, _, names in os.walk(os.path.join(self._directory, kind)):
                for name in names:
                    path = os.path.join(folder, name)
                    with contextlib.suppress(OSError):
                        status = os.stat(path)
                        yield status.st_mtime, status.st_size, path

    def _path(self, kind: str, oid: str) -> str:
        return os.path.join(self._directory, kind, oid[:2], oid[2:])


@contextlib.contextmanager
def opened(directory: str) -> Iterator[Cache]:
    """The machine's cache, or a private one for this job when there is none or it is not writable."""
    if directory:
        try:
            yield Cache(directory)
            return
        except PermissionError:
            pass
    private = tempfile.mkdtemp(prefix="mlreef-cache-")
    try:
        yield Cache(private)
    finally:
        shutil.rmtree(private, ignore_errors=True)
