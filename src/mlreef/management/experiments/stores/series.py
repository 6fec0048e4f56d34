"""Queries over metric series: appending to the tail chunk, summaries, points."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, tuple_, update

from mlreef.kit.db import Tx
from mlreef.management.experiments import packing, tables
from mlreef.management.experiments.packing import Point, Summary

MAX_KEYS = 2000

Stream = tuple[str, str]  # source, family
Place = tuple[str, str, str]  # source, family, key


async def take_sequences(tx: Tx, numbers: Mapping[Stream, Sequence[int]]) -> dict[Stream, int]:
    """Remember the highest number of each stream's batches; returns up to which number they were stored before."""
    table = tables.sequences
    known: dict[Stream, int] = {}
    for some in _parts(numbers):
        where = tuple_(table.c.source, table.c.family).in_(some)
        for row in await tx.all(select(table).where(where).with_for_update()):
            known[row["source"], row["family"]] = row["last"]
    last = {stream: max(found) for stream, found in numbers.items()}
    added = [_named(stream, last=number) for stream, number in last.items() if stream not in known]
    grown = [_bound(stream, last=number) for stream, number in last.items() if number > known.get(stream, number)]
    if added:
        await tx.execute(insert(table), added)
    if grown:
        key = (table.c.source == bindparam("b_source"), table.c.family == bindparam("b_family"))
        await tx.execute(update(table).where(*key).values(last=bindparam("b_last")), grown)
    return {stream: known.get(stream, 0) for stream in numbers}


def _named(stream: Stream, **values: Any) -> dict[str, Any]:
    return {"source": stream[0], "family": stream[1], **values}


def _bound(stream: Stream, **values: Any) -> dict[str, Any]:
    return {"b_source": stream[0], "b_family": stream[1], **{f"b_{name}": value for name, value in values.items()}}


def _parts(items: Iterable[Any]) -> Iterator[list[Any]]:
    """Parts small enough for one statement's parameters."""
    rest = list(items)
    for start in range(0, len(rest), 200):
        yield rest[start : start + 200]


@dataclass(slots=True)
class Addition:
    """Points for one series; `numbered` says that their batch had a number, so none of them came before."""

    points: list[Point]
    numbered: bool = False


async def append(tx: Tx, source: str, family: str, key: str, points: Sequence[Point]) -> None:
    """Add points to one series; those it has already are left out."""
    await append_all(tx, {(source, family, key): Addition(list(points))})


async def append_all(tx: Tx, additions: Mapping[Place, Addition]) -> None:
    """Add points to many series in a handful of statements; all chunks of a series but the last are full."""
    known = await _known(tx, sorted(additions))
    tails = await _tails(tx, additions, known)
    changes = _Changes()
    for place, addition in additions.items():
        before = known.get(place)
        count = before.count if before is not None else 0
        last = (count - 1) // packing.CAPACITY
        fresh = addition.points
        if not addition.numbered:
            recent = [tails[*place, number].data for number in (last - 1, last) if (*place, number) in tails]
            fresh = packing.fresh(fresh, [point for blob in recent for point in packing.points_of(blob)])
        if fresh:
            changes.extend(place, count, tails.get((*place, last)), fresh)
            changes.summarise(place, before, packing.summarise(fresh))
    await changes.write(tx)


async def _known(tx: Tx, places: Sequence[Place]) -> dict[Place, Summary]:
    series = tables.series
    found: dict[Place, Summary] = {}
    for some in _parts(places):
        where = tuple_(series.c.source, series.c.family, series.c.key).in_(some)
        # One order for all writers, so that on PostgreSQL they never wait for each other in a circle.
        order = (series.c.source, series.c.family, series.c.key)
        for row in await tx.all(select(series).where(where).order_by(*order).with_for_update()):
            found[row["source"], row["family"], row["key"]] = _summary(dict(row))
    return found


def _summary(row: Mapping[str, Any]) -> Summary:
    lasts = (row["first"], row["last"], row.get("last_step"))
    return Summary(row["count"], row["least"], row["greatest"], *lasts, row["total"] or 0.0)


@dataclass(frozen=True, slots=True)
class _Tail:
    id: int
    data: bytes
    summary: Summary


async def _tails(
    tx: Tx, additions: Mapping[Place, Addition], known: Mapping[Place, Summary]
) -> dict[tuple[str, str, str, int], _Tail]:
    chunks = tables.chunks
    wanted: list[tuple[str, str, str, int]] = []
    for place, summary in known.items():
        last = (summary.count - 1) // packing.CAPACITY
        if not additions[place].numbered:
            wanted += [(*place, number) for number in (last - 1, last) if number >= 0]
        elif summary.count % packing.CAPACITY:
            wanted.append((*place, last))
    found: dict[tuple[str, str, str, int], _Tail] = {}
    for some in _parts(wanted):
        where = tuple_(chunks.c.source, chunks.c.family, chunks.c.key, chunks.c.number).in_(some)
        for row in await tx.all(select(chunks).where(where)):
            found[row["source"], row["family"], row["key"], row["number"]] = _Tail(
                row["id"], row["data"], _summary(dict(row))
            )
    return found


class _Changes:
    """Rows to write, gathered so that each kind takes one statement."""

    def __init__(self) -> None:
        self._grown: list[dict[str, Any]] = []
        self._chunks: list[dict[str, Any]] = []
        self._updated: list[dict[str, Any]] = []
        self._series: list[dict[str, Any]] = []

    def extend(self, place: Place, count: int, tail: _Tail | None, fresh: list[Point]) -> None:
        """Fill the last chunk up, then begin new ones."""
        rest = fresh
        free = -count % packing.CAPACITY
        if tail is not None and free:
            head, rest = fresh[:free], fresh[free:]
            merged = tail.summary.merged(packing.summarise(head))
            columns = {f"b_{name}": value for name, value in _columns(merged).items()}
            self._grown.append({"b_id": tail.id, "b_data": tail.data + packing.pack(head), **columns})
        number = -(-count // packing.CAPACITY)
        source, family, key = place
        for start in range(0, len(rest), packing.CAPACITY):
            part = rest[start : start + packing.CAPACITY]
            values = {"source": source, "family": family, "key": key, "number": number, "data": packing.pack(part)}
            self._chunks.append({**values, **_columns(packing.summarise(part))})
            number += 1

    def summarise(self, place: Place, before: Summary | None, added: Summary) -> None:
        """The series' own summary."""
        source, family, key = place
        merged = added if before is None else before.merged(added)
        values = {**_columns(merged), "last_step": _finite(merged.last_step)}
        if before is None:
            self._series.append({"source": source, "family": family, "key": key, **values})
        else:
            bound = {f"b_{name}": value for name, value in values.items()}
            self._updated.append({"b_source": source, "b_family": family, "b_key": key, **bound})

    async def write(self, tx: Tx) -> None:
        """Write everything."""
        chunks, series = tables.chunks, tables.series
        names = ["count", "least", "greatest", "first", "last", "total"]
        if self._grown:
            grown: dict[str, Any] = {name: bindparam(f"b_{name}") for name in [*names, "data"]}
            await tx.execute(update(chunks).where(chunks.c.id == bindparam("b_id")).values(grown), self._grown)
        if self._chunks:
            await tx.execute(insert(chunks), self._chunks)
        if self._series:
            await tx.execute(insert(series), self._series)
        if self._updated:
            updated: dict[str, Any] = {name: bindparam(f"b_{name}") for name in [*names, "last_step"]}
            key = [series.c[name] == bindparam(f"b_{name}") for name in ("source", "family", "key")]
            await tx.execute(update(series).where(*key).values(updated), self._updated)


def _columns(summary: Summary) -> dict[str, Any]:
    return {
        "count": summary.count,
        "least": summary.least,
        "greatest": summary.greatest,
        "first": _finite(summary.first),
        "last": _finite(summary.last),
        "total": _finite(summary.total),
    }


def _finite(value: float | None) -> float | None:
    # Databases disagree on NaN; its absence says as much.
    return value if value is not None and math.isfinite(value) else None


async def keys(tx: Tx, source: str, family: str) -> set[str]:
    """The names of a source's series."""
    series = tables.series
    where = (series.c.source == source, series.c.family == family)
    return {row["key"] for row in await tx.all(select(series.c.key).where(*where))}


async def count_keys(tx: Tx, sources: Collection[str], family: str) -> dict[str, int]:
    """How many series each source has."""
    series = tables.series
    where = (series.c.source.in_(list(sources)), series.c.family == family)
    statement = select(series.c.source, func.count().label("many")).where(*where).group_by(series.c.source)
    return {row["source"]: row["many"] for row in await tx.all(statement)}


async def summaries(tx: Tx, sources: Collection[str], family: str = "metric") -> dict[str, dict[str, Any]]:
    """For each source its series' summaries by key."""
    series = tables.series
    found: dict[str, dict[str, Any]] = {}
    rows = await tx.all(
        select(series).where(series.c.source.in_(list(sources)), series.c.family == family).order_by(series.c.key)
    )
    for row in rows:
        found.setdefault(row["source"], {})[row["key"]] = {
            "last": row["last"],
            "min": row["least"],
            "max": row["greatest"],
            "first": row["first"],
            "mean": row["total"] / row["count"] if row["count"] and row["total"] is not None else None,
            "count": row["count"],
            "last_step": row["last_step"],
        }
    return found


async def blobs(tx: Tx, source: str, family: str, key: str, *, offset: int = 0) -> tuple[list[bytes], int]:
    """The chunks of a series from the one that holds point `offset`, and how many points to drop of the first."""
    chunks = tables.chunks
    skipped = offset // packing.CAPACITY
    where = (chunks.c.source == source, chunks.c.family == family, chunks.c.key == key, chunks.c.number >= skipped)
    rows = await tx.all(select(chunks.c.data).where(*where).order_by(chunks.c.number))
    return [row["data"] for row in rows], offset - skipped * packing.CAPACITY


async def restart(tx: Tx, source: str) -> None:
    """A source begins anew and will number its batches from one."""
    await tx.execute(delete(tables.sequences).where(tables.sequences.c.source == source))


async def counts(tx: Tx, sources: Collection[str]) -> dict[tuple[str, str, str], int]:
    """How many points each series of some sources has, by (source, family, key)."""
    series = tables.series
    columns = (series.c.source, series.c.family, series.c.key, series.c.count)
    rows = await tx.all(select(*columns).where(series.c.source.in_(list(sources))))
    return {(row["source"], row["family"], row["key"]): row["count"] for row in rows}
