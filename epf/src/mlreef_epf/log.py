"""What the job's log shows besides the processor's own output: lines, collapsible sections, progress.

Sections use GitLab's markers (docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections), which every
viewer of traces folds. Everything goes to stdout in one write, so lines never mix with the processor's bytes.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from typing import Iterator, Optional

_lock = threading.Lock()


def write(data: bytes) -> None:
    """Write all bytes to stdout unchanged; a closed log never stops a job."""
    view = memoryview(data)
    with _lock, contextlib.suppress(OSError):
        while view:
            try:
                view = view[os.write(1, view) :]
            except BlockingIOError:
                select.select([], [1], [], 1.0)


def say(text: str) -> None:
    """One line of our own in the log."""
    write(("[mlreef] %s\n" % text).encode("utf-8", "replace"))


@contextlib.contextmanager
def section(name: str, title: str) -> Iterator[None]:
    """Fold everything logged inside under one title."""
    write(("\x1b[0Ksection_start:%d:%s\r\x1b[0K%s\n" % (time.time(), name, title)).encode())
    try:
        yield
    finally:
        write(("\x1b[0Ksection_end:%d:%s\r\x1b[0K\n" % (time.time(), name)).encode())


def size(count: float) -> str:
    """A byte count for people: 1.4 GB."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return "%d B" % value if unit == "B" else "%.1f %s" % (value, unit)
        value /= 1000
    return ""


class Progress:
    """Says how far a transfer is, at most every few seconds; safe from several threads."""

    def __init__(
        self, verb: str, files: int, total_bytes: Optional[int] = None, noun: str = "files", every: float = 5.0
    ) -> None:
        self._verb, self._files, self._bytes, self._every = verb, files, total_bytes, every
        self._noun = noun
        self._done_files = self._done_bytes = 0
        self._start = self._last = time.monotonic()
        self._guard = threading.Lock()

    def add(self, files: int = 0, count: int = 0) -> None:
        """Count what was moved since the last call."""
        with self._guard:
            self._done_files += files
            self._done_bytes += count
            now = time.monotonic()
            due = now - self._last >= self._every
            if due:
                self._last = now
        if due:
            say("%s ... %s" % (self._verb, self._figures()))

    def done(self) -> None:
        """The closing line."""
        elapsed = time.monotonic() - self._start
        say("%s %d %s, %s in %.1f s" % (self._verb, self._done_files, self._noun, size(self._done_bytes), elapsed))

    def _figures(self) -> str:
        of_bytes = " of %s" % size(self._bytes) if self._bytes else ""
        return "%d of %d %s, %s%s" % (self._done_files, self._files, self._noun, size(self._done_bytes), of_bytes)
