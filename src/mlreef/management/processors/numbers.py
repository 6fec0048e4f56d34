"""Semantic version numbers with pre-releases: https://semver.org (build metadata is not part of a number here)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import total_ordering

_FORM = re.compile(
    r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})"
    r"(?:-((?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
)
MAX_CHARACTERS = 60


@total_ordering
@dataclass(frozen=True, slots=True)
class Number:
    """Compares as versions do: a pre-release comes before its release."""

    major: int
    minor: int
    patch: int
    prerelease: str = ""

    def __str__(self) -> str:
        release = f"{self.major}.{self.minor}.{self.patch}"
        return f"{release}-{self.prerelease}" if self.prerelease else release

    def __lt__(self, other: Number) -> bool:
        return self._key() < other._key()

    @property
    def release(self) -> tuple[int, int, int]:
        """The three numbers."""
        return (self.major, self.minor, self.patch)

    def columns(self) -> dict[str, int]:
        """The three numbers by name."""
        return {"major": self.major, "minor": self.minor, "patch": self.patch}

    def _key(self) -> tuple[tuple[int, int, int], bool, list[tuple[bool, int, str]]]:
        # Rule 11 of the specification: numeric parts by value and before words, fewer parts before more.
        parts = [
            (not one.isdigit(), int(one) if one.isdigit() else 0, one) for one in self.prerelease.split(".") if one
        ]
        return (self.release, not self.prerelease, parts)


FIRST = Number(1, 0, 0)


def find(text: str) -> Number | None:
    """The number that a text writes, or None."""
    match = _FORM.fullmatch(text) if len(text) <= MAX_CHARACTERS else None
    return Number(int(match[1]), int(match[2]), int(match[3]), match[4] or "") if match else None


def following(numbers: Sequence[Number]) -> Number:
    """The next patch after the greatest, or the release that a pre-release prepares; 1.0.0 when there is none."""
    if not numbers:
        return FIRST
    greatest = max(numbers)
    step = 0 if greatest.prerelease else 1
    return Number(greatest.major, greatest.minor, greatest.patch + step)
