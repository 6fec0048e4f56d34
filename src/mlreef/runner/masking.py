"""Hides secret values in a stream of log bytes, also where a value is cut in two by a chunk boundary.

Bytes that could be the beginning of a secret are held back until the next chunk decides; `finish` releases the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = b"[MASKED]"
_SHORTEST = 4  # masking one or two letters would only make logs unreadable
_TOKEN = rb"[A-Za-z0-9_.\-]{8,}"
_LONGEST_TOKEN = 512


class Masker:
    """One per log; `feed` returns what may be shown now."""

    def __init__(self, values: Iterable[str], prefixes: Iterable[str] = ()) -> None:
        secrets = {piece.encode() for value in values for piece in _pieces(value)}
        self._secrets = sorted(secrets, key=len, reverse=True)
        self._prefixes = sorted({prefix.encode() for prefix in prefixes if len(prefix) >= _SHORTEST})
        parts = [re.escape(secret) for secret in self._secrets]
        parts += [re.escape(prefix) + _TOKEN for prefix in self._prefixes]
        self._pattern = re.compile(b"|".join(parts)) if parts else None
        # A token that may still grow at the end of a chunk, or a prefix that has only begun.
        growing = b"|".join(re.escape(prefix) + rb"[A-Za-z0-9_.\-]*" for prefix in self._prefixes)
        self._growing = re.compile(b"(?:" + growing + rb")\Z") if growing else None
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the log, give back those that are safe to show."""
        if self._pattern is None:
            return data
        data = self._held + data
        keep = self._undecided(data)
        shown, self._held = data[: len(data) - keep], data[len(data) - keep :]
        return self._masked(shown)

    def finish(self) -> bytes:
        """The bytes held back at the end of the log."""
        rest, self._held = self._held, b""
        return self._masked(rest)

    def _masked(self, data: bytes) -> bytes:
        return self._pattern.sub(MASK, data) if self._pattern else data

    def _undecided(self, data: bytes) -> int:
        """How many trailing bytes may belong to a secret that is not complete yet."""
        keep = max((_overlap(data, secret) for secret in (*self._secrets, *self._prefixes)), default=0)
        if self._growing:
            grown = self._growing.search(data, max(0, len(data) - _LONGEST_TOKEN))
            if grown:
                keep = max(keep, len(data) - grown.start())
        if keep:
            # Never cut through a complete secret that overlaps the bytes held back.
            cut = len(data) - keep
            for found in self._pattern.finditer(data) if self._pattern else ():
                if found.start() < cut < found.end():
                    keep = len(data) - found.start()
                    break
        return keep


def _overlap(data: bytes, secret: bytes) -> int:
    """The longest proper beginning of `secret` that `data` ends with."""
    longest = min(len(secret) - 1, len(data))
    tail = data[len(data) - longest :]
    start = tail.find(secret[:1])
    while start != -1:
        if secret.startswith(tail[start:]):
            return longest - start
        start = tail.find(secret[:1], start + 1)
    return 0


def _pieces(value: str) -> Iterable[str]:
    """A value of several lines is masked line by line too: tools print them one at a time."""
    yield from (piece for piece in {value, *value.splitlines()} if len(piece.strip()) >= _SHORTEST)
