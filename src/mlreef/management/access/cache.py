"""Answers believed for a moment: bounded, by monotonic time, and forgotten at once when asked."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

from mlreef.kit.clock import Clock

V = TypeVar("V")


class Moments(Generic[V]):
    """A cache whose entries live `seconds`; the oldest leave when there are more than `limit`."""

    def __init__(self, clock: Clock, seconds: float, *, limit: int = 10_000) -> None:
        self._clock = clock
        self._seconds = seconds
        self._limit = limit
        self._entries: OrderedDict[tuple[str, ...], tuple[float, V]] = OrderedDict()

    def find(self, key: tuple[str, ...]) -> V | None:
        """What is believed under a key."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._clock.monotonic() - entry[0] >= self._seconds:
            del self._entries[key]
            return None
        return entry[1]

    def keep(self, key: tuple[str, ...], value: V, *, asked_at: float) -> V:
        """Believe `value` from the moment it was asked for."""
        self._entries.pop(key, None)
        self._entries[key] = (asked_at, value)
        while len(self._entries) > self._limit:
            self._entries.popitem(last=False)
        return value

    def forget(self) -> None:
        """Ask anew from now on."""
        self._entries.clear()
