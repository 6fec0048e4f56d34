"""The log of one job on disk: masked, bounded, with a running checksum, readable again from any offset.

It is kept in a file because the forge may ask for all of it again (416, 412) after a long job, and because a log must
survive a forge that is away without filling memory.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlreef.runner.masking import Masker

_RED, _CYAN, _YELLOW, _RESET, _CLEAR = "\033[31;1m", "\033[36;1m", "\033[33;1m", "\033[0;m", "\033[0K"


class Trace:
    """Append-only; `size` counts masked bytes, which is what the forge sees. What the file holds already is kept."""

    def __init__(self, path: Path, masker: Masker, *, limit: int) -> None:
        self._file = path.open("a+b")
        self._path = path
        self._masker = masker
        self._limit = limit
        self._full = False
        self.size = 0
        self.crc32 = 0
        self._file.seek(0)
        while data := self._file.read(1 << 20):
            self.size += len(data)
            self.crc32 = zlib.crc32(data, self.crc32)
        self.changed = asyncio.Event()
        """Set whenever bytes were added; who sends them clears it."""

    def write(self, data: bytes) -> None:
        """Add output of the job."""
        self._append(self._masker.feed(data))

    def say(self, text: str, *, style: str = _CYAN) -> None:
        """Add a line of the runner's own."""
        self.write(f"{style}{text}{_RESET}\n".encode())

    def warn(self, text: str) -> None:
        """Add a line that must not be overlooked."""
        self.say(text, style=_YELLOW)

    def error(self, text: str) -> None:
        """Add the line that says why the job failed."""
        self.say(text, style=_RED)

    @contextmanager
    def section(self, name: str, title: str) -> Iterator[None]:
        """A foldable part of the log, as GitLab marks them."""
        self.write(f"section_start:{int(time.time())}:{name}\r{_CLEAR}{_CYAN}{title}{_RESET}\n".encode())
        try:
            yield
        finally:
            self.write(f"section_end:{int(time.time())}:{name}\r{_CLEAR}".encode())

    def finish(self) -> None:
        """Release what masking held back: nothing more is coming."""
        self._append(self._masker.finish())

    def read(self, offset: int, length: int) -> bytes:
        """Bytes from an offset on."""
        self._file.seek(offset)
        return self._file.read(length)

    def close(self) -> None:
        """Forget the log."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _append(self, data: bytes) -> None:
        if self._full or not data:
            return
        if self.size + len(data) > self._limit:
            self._full = True
            note = f"\n{_RED}The log is longer than {self._limit} bytes; the rest is left out.{_RESET}\n"
            data = data[: max(0, self._limit - self.size)] + note.encode()
        self._file.seek(0, 2)
        self._file.write(data)
        self._file.flush()
        self.size += len(data)
        self.crc32 = zlib.crc32(data, self.crc32)
        self.changed.set()
