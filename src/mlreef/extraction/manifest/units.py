"""Sizes, times and conditions as people write them: `2GiB`, `1h30m`, `>= 0.9`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

SIZE = r"[0-9]{1,12}(?:\.[0-9]{1,6})? ?(?:[KMGT]i?B?|B)?"
DURATION = r"(?:[0-9]{1,9}(?:\.[0-9]{1,3})? ?(?:d|h|min|m|s) ?)+"
CONDITION = r"(?:>=|<=|==|!=|>|<) ?[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"

_FACTORS = {"": 1, "B": 1}
_FACTORS |= {f"{letter}{end}": 1000**power for power, letter in enumerate("KMGT", 1) for end in ("", "B")}
_FACTORS |= {f"{letter}i{end}": 1024**power for power, letter in enumerate("KMGT", 1) for end in ("", "B")}
_SECONDS = {"d": 86400, "h": 3600, "min": 60, "m": 60, "s": 1}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


def size(text: str) -> int | None:
    """Bytes in a text such as `2GiB`; None for what is no size."""
    if not re.fullmatch(SIZE, text.strip()):
        return None
    match = re.fullmatch(r"([0-9.]+) ?([A-Za-z]*)", text.strip())
    return int(float(match[1]) * _FACTORS[match[2]]) if match else None


def duration(text: str) -> int | None:
    """Seconds in a text such as `1h30m`; None for what is no time."""
    if not re.fullmatch(DURATION, text.strip()):
        return None
    parts = re.findall(r"([0-9.]+) ?(d|h|min|m|s)", text)
    return round(sum(float(number) * _SECONDS[unit] for number, unit in parts))


@dataclass(frozen=True, slots=True)
class Condition:
    """What a number has to be."""

    compare: str
    value: float

    def holds(self, number: float) -> bool:
        """Whether a number is so; not-a-number never is."""
        return number == number and _COMPARE[self.compare](number, self.value)  # noqa: PLR0124 - NaN

    def __str__(self) -> str:
        return f"{self.compare} {self.value:g}" if abs(self.value) < 1e6 else f"{self.compare} {self.value!r}"


def condition(text: str) -> Condition | None:
    """The condition in a text such as `>= 0.9`; None for what is none."""
    if not re.fullmatch(CONDITION, text.strip()):
        return None
    match = re.fullmatch(r"(>=|<=|==|!=|>|<) ?(\S+)", text.strip())
    return Condition(match[1], float(match[2])) if match else None
