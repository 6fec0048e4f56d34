"""Semantic version numbers: https://semver.org, without pre-releases."""

from __future__ import annotations

import re
from typing import NamedTuple

_FORM = re.compile(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})")


class Number(NamedTuple):
    """Compares as versions do."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


FIRST = Number(1, 0, 0)


def find(text: str) -> Number | None:
    """The number that a text writes, or None."""
    match = _FORM.fullmatch(text)
    return Number(int(match[1]), int(match[2]), int(match[3])) if match else None


def following(numbers: list[Number]) -> Number:
    """The next patch after the greatest; 1.0.0 when there is none."""
    if not numbers:
        return FIRST
    greatest = max(numbers)
    return greatest._replace(patch=greatest.patch + 1)
