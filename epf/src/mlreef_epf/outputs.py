"""Storing what a processor left: hash every file, send what the server lacks, register the tree.

Outputs are the user's code's work and so hostile: only regular files with sane names, within limits on number and size,
opened without following links. The processor's processes are gone by now, so nothing changes underneath.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import os
import stat
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from mlreef_epf import cache, errors, lfs, log

CHUNK = 1 << 20
PATH_MAX = 1024
_KEPT_MAX = 1 << 30
_GIT = (".git", ".gitattributes", ".gitmodules")
_KINDS = ((stat.S_ISLNK, "a symbolic link"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"))


class Found(NamedTuple):
    """One output file: relative path, absolute path, size, git mode."""

    path: str
    place: str
    size: int
    mode: str


def scan(name: str, directory: str, max_files: int, max_bytes: int) -> List[Found]:
    """The files of one output, sorted by path; refuses what cannot be stored, saying which file and why."""
    found, folders, total = [], [""], 0
    if os.path.islink(directory):
        raise errors.Failure("output %r: its directory has been replaced by a symbolic link" % name)
    while folders and os.path.isdir(directory):
        folder = folders.pop()
        os.chmod(os.path.join(directory, folder), 0o755)  # noqa: S103 - a processor may have locked it
        with os.scandir(os.path.join(directory, folder)) as entries:
            for entry in entries:
                path = _checked(name, folder + entry.name)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path + "/")
                    continue
                status = entry.stat(follow_symlinks=False)
                if not stat.S_ISREG(status.st_mode):
                    kind = next((text for test, text in _KINDS if test(status.st_mode)), "a device")
                    raise errors.Failure("output %r: %s is %s; only regular files can be stored" % (name, path, kind))
                found.append(Found(path, entry.path, status.st_size, "100755" if status.st_mode & 0o100 else "100644"))
                total += status.st_size
                if len(found) > max_files or total > max_bytes:
                    limit = "%d files" % max_files if len(found) > max_files else log.size(max_bytes)
                    raise errors.Failure("output %r holds more than %s; raise the limit or write less" % (name, limit))
    return sorted(found, key=lambda item: item.path)


def _checked(output: str, path: str) -> str:
    name = path.rpartition("/")[2]
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raise errors.Failure("output %r: the file name %r is not UTF-8; rename it" % (output, path)) from None
    if any(ord(c) < 32 or ord(c) == 127 for c in name) or name.lower() in _GIT or "\\" in name:
        raise errors.Failure("output %r: the file name %r cannot be stored in git; rename it" % (output, path))
    if len(path.encode("utf-8")) > PATH_MAX:
        raise errors.Failure("output %r: the path %s... is longer than %d bytes" % (output, path[:60], PATH_MAX))
    return path


def digest(item: Found) -> str:
    """The SHA-256 of a file's content."""
    state = hashlib.sha256()
    handle = os.open(item.place, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb", buffering=0) as stream:
        for piece in iter(lambda: stream.read(CHUNK), b""):
            state.update(piece)
    return state.hexdigest()


def store(name: str, found: Sequence[Found], uploads: lfs.Store, held: Optional[cache.Cache] = None) -> Dict[str, Any]:
    """Send the files' bytes to the project's LFS store and return their tree manifest.

    They are kept in the cache too: the next step most likely runs on this machine and reads them.
    """
    for item in found:
        os.chmod(item.place, 0o644)  # a processor may have left files that even we cannot read
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        digests = list(pool.map(digest, found))
    entries = [
        {"path": item.path, "size": item.size, "oid": oid, "mode": item.mode}
        for item, oid in zip(found, digests)  # noqa: B905 - zip(strict=) needs Python 3.10
    ]
    paths = {lfs.Object(oid, item.size): item.place for item, oid in zip(found, digests)}  # noqa: B905
    progress = log.Progress("sent", len(paths), sum(item.size for item in paths))
    sent = uploads.upload(paths, progress)
    if held is not None and sum(item.size for item in found) <= _KEPT_MAX:
        _keep(held, paths)
    total = sum(item.size for item in found)
    log.say("output %s: %d files, %s (%d new to the store)" % (name, len(found), log.size(total), sent))
    return {"version": 1, "entries": entries}


def _keep(held: cache.Cache, paths: Mapping[lfs.Object, str]) -> None:
    for item, place in paths.items():
        with contextlib.suppress(OSError, cache.Mismatch), open(place, "rb") as handle:
            if not held.has(cache.LFS, item.oid):
                held.store(cache.LFS, item.oid, item.size, iter(lambda: handle.read(CHUNK), b""))  # noqa: B023
