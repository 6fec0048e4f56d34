"""Keeps a job's files below a size: measured while it runs, ended when it writes more.

No quota of a file system is at hand for everybody, so this looks again and again, and more often the quicker looking
is. What a job writes between two looks may exceed the limit by that much. Files that were removed but are still held
open count too, where the job has a user of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mlreef.runner.executors import base

MOST_FILES = 2_000_000
_SHORTEST_SECONDS, _SHARE = 0.2, 10


class Watch:
    """Ends a command whose directory grows beyond the limit; `excess` says so afterwards."""

    def __init__(self, directory: Path, limit: int) -> None:
        self._directory = directory
        self._limit = limit
        self.excess = ""

    async def over(self, handle: base.Handle) -> None:
        """Look until there is too much, then end the command; runs beside it and is cancelled with it."""
        loop = asyncio.get_running_loop()
        while self._limit:
            started = loop.time()
            size, files = await asyncio.to_thread(used, self._directory, self._limit)
            if size > self._limit:
                self.excess = f"wrote more than its {self._limit} bytes of disk space"
            elif files > MOST_FILES:
                self.excess = f"made more than {MOST_FILES} files"
            if self.excess:
                await handle.cancel()
                return
            await asyncio.sleep(max(_SHORTEST_SECONDS, _SHARE * (loop.time() - started)))


def used(directory: Path, limit: int) -> tuple[int, int]:
    """Bytes on disk and number of entries; stops counting when there is clearly too much."""
    size = files = 0
    seen: set[int] = set()
    for status in _held_open(directory):
        size += 512 * status.st_blocks
    for status in _entries(directory):
        files += 1
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            if status.st_ino in seen:
                continue
            seen.add(status.st_ino)
        size += 512 * status.st_blocks
        if size > limit or files > MOST_FILES:
            break
    return size, files


def _entries(directory: Path) -> Iterator[os.stat_result]:
    folders = [str(directory)]
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    yield status
                    if stat.S_ISDIR(status.st_mode):
                        folders.append(entry.path)


def _held_open(directory: Path) -> Iterator[os.stat_result]:
    """Removed files that processes of the job's user still hold."""
    work = (directory / "work").lstat()
    if work.st_uid == os.geteuid():
        return
    counted: set[int] = set()
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if not process.name.isdigit() or process.stat().st_uid != work.st_uid:
                continue
            for descriptor in (process / "fd").iterdir():
                status = descriptor.stat()
                removed = stat.S_ISREG(status.st_mode) and status.st_nlink == 0 and status.st_dev == work.st_dev
                if removed and status.st_ino not in counted:
                    counted.add(status.st_ino)
                    yield status
