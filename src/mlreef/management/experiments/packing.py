"""Metric points packed into chunks of float64 triples with their summary.

A chunk holds up to `CAPACITY` points of one series as (step, time, value), little-endian, so that adding points is
joining bytes. Its summary answers what lists and tables ask (least, greatest, last, count) without unpacking anything.
NaN and infinities are stored as they came, but never become a least or greatest value.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

CAPACITY = 1000


class Point(NamedTuple):
    """One measurement."""

    step: float
    time_ms: float
    value: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Of a chunk or a whole series; `least` and `greatest` are None while no finite value came."""

    count: int
    least: float | None
    greatest: float | None
    first: float | None
    last: float | None
    last_step: float | None
    total: float

    def merged(self, later: Summary) -> Summary:
        """The summary of this followed by `later`."""
        return Summary(
            self.count + later.count,
            _pick(min, self.least, later.least),
            _pick(max, self.greatest, later.greatest),
            self.first,
            later.last,
            later.last_step,
            self.total + later.total,
        )


def _pick(choose: object, left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return right if left is None else left
    return min(left, right) if choose is min else max(left, right)


def summarise(points: Sequence[Point]) -> Summary:
    """The summary of one or more points."""
    finite = [point.value for point in points if math.isfinite(point.value)]
    return Summary(
        len(points),
        min(finite, default=None),
        max(finite, default=None),
        points[0].value,
        points[-1].value,
        points[-1].step,
        sum(finite),
    )


def pack(points: Sequence[Point]) -> bytes:
    """The points one after another; packed parts may be joined."""
    packed = array("d", chain.from_iterable(points))
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


class Columns(NamedTuple):
    """A series unpacked: equally long columns."""

    steps: array[float]
    times: array[float]
    values: array[float]


def unpack(blobs: Iterable[bytes]) -> Columns:
    """All points of the chunks, in order."""
    packed = array("d")
    for blob in blobs:
        packed.frombytes(blob)
    if sys.byteorder == "big":
        packed.byteswap()
    return Columns(packed[0::3], packed[1::3], packed[2::3])


def points_of(blob: bytes) -> list[Point]:
    """The points of one chunk."""
    columns = unpack([blob])
    return [Point(*point) for point in zip(*columns, strict=True)]


def fresh(points: Sequence[Point], recent: Iterable[Point]) -> list[Point]:
    """`points` without those that were stored already: a repeated report changes nothing."""
    known = {_identity(point) for point in recent}
    found = []
    for point in points:
        identity = _identity(point)
        if identity not in known:
            known.add(identity)
            found.append(point)
    return found


def _identity(point: Point) -> tuple[float, float, object]:
    return (point.step, point.time_ms, "nan" if math.isnan(point.value) else point.value)


def downsample(columns: Columns, wanted: int) -> Columns:
    """At most about `wanted` points that keep every bucket's least and greatest value, and both ends."""
    size = len(columns.values)
    if size <= max(wanted, 4):
        return columns
    buckets = max(1, (wanted - 2) // 2)
    keep = [0]
    for bucket in range(buckets):
        start, end = 1 + (size - 2) * bucket // buckets, 1 + (size - 2) * (bucket + 1) // buckets
        if start < end:
            keep += _extremes(columns.values, start, end)
    keep.append(size - 1)
    return Columns(*(array("d", (column[index] for index in keep)) for column in columns))


def _extremes(values: array[float], start: int, end: int) -> list[int]:
    window = values[start:end]
    if any(map(math.isnan, window)):
        # NaN makes min and max depend on the order; a bucket that has one shows it.
        return sorted({start + next(index for index, value in enumerate(window) if math.isnan(value))})
    low, high = window.index(min(window)), window.index(max(window))
    return [start + index for index in sorted({low, high})]
