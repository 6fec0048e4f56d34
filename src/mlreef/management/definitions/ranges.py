"""Which versions a definition accepts: a number, `latest`, or a range such as `^1.2`, `~1.2.3`, `1.x`, `>=1.0 <2.0`.

The words are npm's: `^` keeps the leftmost part that is not zero, `~` keeps the minor number. A pre-release is
taken only where it is asked for by its number, or by a bound that names a pre-release of the same three numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mlreef.management.processors import numbers
from mlreef.management.processors.numbers import Number

LATEST = "latest"
MAX_CHARACTERS = 100
_PART = r"(?:0|[1-9][0-9]{0,5})"
_PARTIAL = re.compile(rf"(?P<major>{_PART})(?:\.(?P<minor>{_PART}|[xX*])(?:\.(?P<patch>{_PART}|[xX*]))?)?")
_BOUND = re.compile(r"(?P<sign>\^|~|>=|<=|>|<|=)?\s*(?P<number>[0-9A-Za-z.*-]+)")
REMEDY = "write a number (1.2.0), latest, or a range: ^1.2, ~1.2.3, 1.x, >=1.0 <2.0"

Test = Callable[[Number], bool]


@dataclass(frozen=True, slots=True)
class Range:
    """All bounds must hold. `exact` is the only number it accepts, if it names one."""

    text: str
    exact: Number | None
    tests: tuple[Test, ...]
    prereleases: frozenset[tuple[int, int, int]]

    def allows(self, number: Number) -> bool:
        """Whether a version is meant."""
        if self.exact is not None:
            return number == self.exact
        if number.prerelease and number.release not in self.prereleases:
            return False
        return all(test(number) for test in self.tests)


def find(text: str) -> Range | None:
    """The range that a text writes, or None when it writes none. `latest` is every release."""
    if len(text) > MAX_CHARACTERS:
        return None
    exact = numbers.find(text)
    if exact is not None:
        return Range(text, exact, (), frozenset())
    if text in {LATEST, "*", "x"}:
        return Range(text, None, (), frozenset())
    position, tests, prereleases = 0, list[Test](), set[tuple[int, int, int]]()
    rest = text.strip()
    while position < len(rest):
        match = _BOUND.match(rest, position)
        made = _bound(match["sign"] or "", match["number"], prereleases) if match is not None else None
        if match is None or made is None:
            return None
        tests += made
        position = match.end()
        while position < len(rest) and rest[position] in " ,":
            position += 1
    return Range(text, None, tuple(tests), frozenset(prereleases)) if tests else None


def _bound(sign: str, text: str, prereleases: set[tuple[int, int, int]]) -> list[Test] | None:
    full = numbers.find(text)
    if full is not None:
        low, given = full, 3
        if full.prerelease:
            prereleases.add(full.release)
    else:
        match = _PARTIAL.fullmatch(text)
        if match is None:
            return None
        parts = [match["major"], match["minor"], match["patch"]]
        known = [int(one) for one in parts if one is not None and one.isdigit()]
        given = next((i for i, one in enumerate(parts) if one is None or not one.isdigit()), 3)
        if len(known) > given:  # 1.x.3
            return None
        low = _number(known)
    return _tests(sign, low, given)


def _tests(sign: str, low: Number, given: int) -> list[Test]:
    if sign == ">=":
        return [lambda one: one >= low]
    if sign == ">":
        over = low if given == 3 else _after(low, given)
        return [lambda one: one > over] if given == 3 else [lambda one: one >= over]
    if sign == "<":
        return [lambda one: one < low]
    if sign == "<=":
        top = _after(low, given)
        return [lambda one: one <= low] if given == 3 else [lambda one: one < top]
    if sign == "^":
        kept = next((i + 1 for i, part in enumerate(low.release) if part), given)
        high = _after(low, min(kept, given) if low.release == (0, 0, 0) else kept)
    elif sign == "~":
        high = _after(low, min(given, 2))
    elif given == 3:
        return [lambda one: one == low]
    else:
        high = _after(low, given)
    return [lambda one: one >= low, lambda one: one < high]


def _after(low: Number, parts: int) -> Number:
    """The first number whose first `parts` parts are greater."""
    numbers_ = list(low.release)
    numbers_[parts - 1] += 1
    return _number(numbers_[:parts], "0")


def _number(parts: list[int], prerelease: str = "") -> Number:
    major, minor, patch = [*parts, 0, 0, 0][:3]
    return Number(major, minor, patch, prerelease)
