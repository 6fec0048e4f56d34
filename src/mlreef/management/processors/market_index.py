"""The marketplace in memory: what is filtered, counted and sorted by, as sets of bits over the entries' numbers.

The database finds words; everything else is an operation on integers with a bit per entry, so counting a facet among
100,000 processors takes microseconds and is exact. The index follows the database by its revision and holds nothing
that is not in it.
"""

from __future__ import annotations

import bisect
import itertools
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FACETS = (
    *("kind", "input_type", "output_type", "model_type", "ml_category"),
    *("environment", "framework", "licence", "tag", "owner", "verified"),
)
_DENSE = 256
# What operations cost against each other, measured: looking at an entry's values, at a value's entries, at an order.
_VALUE_COST, _SORT_COST = 60, 15


@dataclass(frozen=True, slots=True)
class Item:
    """An entry as far as it is filtered, counted and sorted by."""

    number: int
    id: str
    project_id: int
    project_path: str
    name: str
    title: str
    visibility: str
    stars: int
    usage: int
    published: float
    values: Mapping[str, tuple[str, ...]]


def item(row: Mapping[str, Any]) -> Item:
    """An entry from its row."""
    verified = row["verified_version_id"] is not None and row["verified_version_id"] == row["latest_version_id"]
    single = {name: (row[name],) if row[name] else () for name in ("kind", "model_type", "ml_category", "environment")}
    values = {
        **single,
        "framework": (row["framework"],) if row["framework"] else (),
        "licence": (row["licence"],) if row["licence"] else (),
        "input_type": tuple(dict.fromkeys(row["input_types"])),
        "output_type": tuple(dict.fromkeys(row["output_types"])),
        "tag": tuple(dict.fromkeys(row["tags"])),
        "owner": (row["project_path"].rpartition("/")[0],),
        "verified": ("true",) if verified else (),
    }
    return Item(
        number=row["number"],
        id=row["id"],
        project_id=row["project_id"],
        project_path=row["project_path"],
        name=row["name"],
        title=row["title"] or row["name"],
        visibility=row["visibility"],
        stars=row["star_count"],
        usage=row["usage_count"],
        published=row["published_at"].timestamp(),
        values=values,
    )


def _sets(one: Item) -> tuple[Any, ...]:
    return (one.visibility, one.project_id, one.values)


class Posting:
    """The entries with one value: a list of numbers, and bits once they are many."""

    __slots__ = ("_bits", "numbers")

    def __init__(self) -> None:
        self.numbers = array("Q")
        self._bits: int | None = None

    def add(self, number: int) -> None:
        """One more."""
        self.numbers.append(number)
        self._bits = None

    def discard(self, number: int) -> None:
        """One less."""
        self.numbers.remove(number)
        self._bits = None

    @property
    def bits(self) -> int:
        """The entries as bits."""
        if self._bits is None:
            found = bits_of(self.numbers)
            if len(self.numbers) < _DENSE:
                return found
            self._bits = found
        return self._bits

    def count(self, among: int, flags: bytes) -> int:
        """How many of them are among others, given twice: as bits and as bytes."""
        if len(self.numbers) >= _DENSE:
            return (self.bits & among).bit_count()
        size = len(flags) * 8
        return sum(flags[one >> 3] >> (one & 7) & 1 for one in self.numbers if one < size)


def bits_of(numbers: Iterable[int]) -> int:
    """Numbers as bits."""
    listed = numbers if isinstance(numbers, (list, array)) else list(numbers)
    if not listed:
        return 0
    digits = bytearray(b"0") * (max(listed) + 1)
    for one in listed:
        digits[one] = 49
    digits.reverse()
    return int(digits.decode(), 2)


_TRUTH = bytes.maketrans(b"01", b"\x00\x01")


def numbers_of(bits: int) -> list[int]:
    """Bits as numbers, ascending."""
    flags = format(bits, "b")[::-1].encode().translate(_TRUTH)
    return list(itertools.compress(range(len(flags)), flags))


Key = Callable[[Item], tuple[Any, ...]]
ORDERS: dict[str, Key] = {
    "recent": lambda one: (-one.published, one.number),
    "name": lambda one: (one.title.casefold(), one.number),
    "usage": lambda one: (-one.usage, -one.published, one.number),
    "stars": lambda one: (-one.stars, -one.usage, -one.published, one.number),
    # What decides between entries whose names match equally well.
    "popular": lambda one: (-(one.usage + 5 * one.stars), -one.published, one.number),
}


@dataclass(slots=True)
class Index:
    """Entries, the sets that they are in, and the orders that they can have."""

    revision: int = 0
    items: dict[int, Item] = field(default_factory=dict)
    by_value: dict[str, dict[str, Posting]] = field(default_factory=lambda: {name: {} for name in FACETS})
    columns: dict[str, dict[int, tuple[str, ...]]] = field(default_factory=lambda: {name: {} for name in FACETS})
    by_visibility: dict[str, Posting] = field(default_factory=dict)
    by_project: dict[int, set[int]] = field(default_factory=dict)
    orders: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in ORDERS})
    _frequent: dict[str, list[tuple[str, Posting]]] = field(default_factory=dict)

    # -- following the database

    def fill(self, items: Iterable[Item]) -> None:
        """Take many entries at once, before anything is asked."""
        for one in items:
            self._enter(one)
        for name, key in ORDERS.items():
            self.orders[name] = [one.number for one in sorted(self.items.values(), key=key)]

    def put(self, one: Item) -> None:
        """Take an entry, or what changed of it."""
        old = self.items.get(one.number)
        if old is not None:
            self._unsort(old)
            if _sets(old) != _sets(one):
                self._leave(old)
                old = None
        if old is None:
            self._enter(one)
        self.items[one.number] = one
        for name, key in ORDERS.items():
            self.orders[name].insert(self._place(name, key(one)), one.number)

    def remove(self, number: int) -> None:
        """An entry is not listed any more."""
        old = self.items.get(number)
        if old is not None:
            self._unsort(old)
            self._leave(old)

    def _place(self, order: str, key: tuple[Any, ...]) -> int:
        of = ORDERS[order]
        return bisect.bisect_left(self.orders[order], key, key=lambda number: of(self.items[number]))

    def _unsort(self, old: Item) -> None:
        for name, key in ORDERS.items():
            del self.orders[name][self._place(name, key(old))]

    def _leave(self, old: Item) -> None:
        for name, values in old.values.items():
            self._frequent.pop(name, None)
            del self.columns[name][old.number]
            for value in values:
                posting = self.by_value[name][value]
                posting.discard(old.number)
                if not posting.numbers:
                    del self.by_value[name][value]
        self.by_visibility[old.visibility].discard(old.number)
        self.by_project[old.project_id].discard(old.number)
        del self.items[old.number]

    def _enter(self, one: Item) -> None:
        self.items[one.number] = one
        for name, values in one.values.items():
            self._frequent.pop(name, None)
            self.columns[name][one.number] = values
            for value in values:
                self.by_value[name].setdefault(value, Posting()).add(one.number)
        self.by_visibility.setdefault(one.visibility, Posting()).add(one.number)
        self.by_project.setdefault(one.project_id, set()).add(one.number)

    # -- answering

    def visible(self, visibilities: Sequence[str]) -> int:
        """Entries whose project everybody of a kind may see."""
        found = 0
        for one in visibilities:
            if one in self.by_visibility:
                found |= self.by_visibility[one].bits
        return found

    def of_projects(self, projects: Iterable[int]) -> int:
        """Entries of some projects."""
        return bits_of([number for one in projects for number in self.by_project.get(one, ())])

    def with_value(self, name: str, values: Sequence[str]) -> int:
        """Entries with any of some values; an owner owns what is below it too."""
        postings, found = self.by_value[name], 0
        for value in values:
            if value in postings:
                found |= postings[value].bits
        if name == "owner":
            below = tuple(f"{value}/" for value in values)
            for owner, posting in postings.items():
                if owner.startswith(below):
                    found |= posting.bits
        return found

    def with_stars(self, least: int) -> int:
        """Entries with so many stars at least."""
        order = self.orders["stars"]
        end = bisect.bisect_right(order, -least, key=lambda number: -self.items[number].stars)
        return bits_of(order[:end])

    def count(self, name: str, among: int, limit: int, numbers: Sequence[int] | None = None) -> list[tuple[str, int]]:
        """The values that most entries among some have, each with their number; `numbers` are the same as a list."""
        if among.bit_count() <= _VALUE_COST * len(self.by_value[name]):
            columns = map(self.columns[name].__getitem__, numbers if numbers is not None else numbers_of(among))
            counted = Counter(itertools.chain.from_iterable(columns))
            return sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:limit]
        flags = among.to_bytes((among.bit_length() + 7) >> 3, "little")
        found: list[tuple[int, str]] = []
        if name not in self._frequent:
            self._frequent[name] = sorted(self.by_value[name].items(), key=lambda one: -len(one[1].numbers))
        for value, posting in self._frequent[name]:
            if len(found) >= limit and len(posting.numbers) < -found[limit - 1][0]:
                break  # none of the rest can be among the most frequent
            count = posting.count(among, flags)
            if count:
                bisect.insort(found, (-count, value))
        return [(value, -count) for count, value in found[:limit]]

    def page(self, order: str, among: int, offset: int, limit: int) -> list[int]:
        """A slice of some entries in an order."""
        key = ORDERS[order]
        size = among.bit_count()
        if size * size * _SORT_COST < (offset + limit) * len(self.items):
            ordered = sorted(numbers_of(among), key=lambda number: key(self.items[number]))
            return ordered[offset : offset + limit]
        flags = among.to_bytes((among.bit_length() + 7) >> 3, "little")
        size, found, left = len(flags) * 8, list[int](), offset  # of bits from here on
        for number in self.orders[order]:
            if number < size and flags[number >> 3] >> (number & 7) & 1:
                if left:
                    left -= 1
                else:
                    found.append(number)
                    if len(found) == limit:
                        break
        return found
