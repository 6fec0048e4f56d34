"""Making what git wrote survive a power cut.

Measured: with `core.fsync=all` git syncs objects and references, but never the directories that name them, so an
acknowledged push could still vanish. `syncfs(2)` on the repository before the acknowledgement closes that gap.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

from mlreef.kit.errors import Kind, PlatformError

LOCK_SECONDS = 3600


async def settle(repo: Path) -> None:
    """Return when everything written to the repository so far is on disk, names included."""
    await asyncio.to_thread(_settle, repo)


def _settle(repo: Path) -> None:
    syncfs: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        for directory, _, _ in os.walk(repo):
            sync_directory(Path(directory))
        return
    descriptor = os.open(repo, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if syncfs(descriptor) != 0:
            raise PlatformError(Kind.UNAVAILABLE, f"the disk failed: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(repo: Path, *, older: float = LOCK_SECONDS) -> int:
    """Remove what an interrupted git left: locks that would refuse every later push, and quarantined objects.

    Only what is older than `older` seconds goes; at start nobody else writes and everything may.
    """
    removed = 0
    before = time.time() - older
    candidates = [repo / "HEAD.lock", repo / "packed-refs.lock", repo / "config.lock"]
    candidates += (repo / "refs").rglob("*.lock")
    candidates += (repo / "objects" / "pack").glob("tmp_*")
    candidates += (repo / "objects").glob("??/tmp_obj_*")
    candidates += (repo / "objects").glob("tmp_objdir-*")
    for path in candidates:
        try:
            found = path.lstat()
            if found.st_mtime > before:
                continue
            if stat.S_ISDIR(found.st_mode):
                _remove_tree(path)
            else:
                path.unlink()
            removed += 1
        except FileNotFoundError:
            continue
    return removed


def _remove_tree(path: Path) -> None:
    for directory, folders, files in os.walk(path, topdown=False):
        for name in files:
            (Path(directory) / name).unlink(missing_ok=True)
        for name in folders:
            (Path(directory) / name).rmdir()
    path.rmdir()
