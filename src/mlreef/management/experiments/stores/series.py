"""Queries over metric series: appending to the tail chunk, summaries, points."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select, update

from mlreef.kit.db import Tx
from mlreef.management.experiments import packing, tables
from mlreef.management.experiments.packing import Point, Summary

MAX_KEYS = 2000


async def take_sequence(tx: Tx, source: str, family: str, number: int) -> bool:
    """Whether a numbered batch is new; batches of a source and family come in order."""
    table = tables.sequences
    where = (table.c.source == source, table.c.family == family)
    last = await tx.scalar(select(table.c.last).where(*where).with_for_update())
    if last is None:
        await tx.insert(table, {"source": source, "family": family, "last": number})
        return True
    if number <= last:
        return False
    await tx.execute(update(table).where(*where).values(last=number))
    return True


async def append(
    tx: Tx, source: str, family: str, key: str, points: Sequence[Point], *, numbered: bool = False
) -> list[Point]:
    """Add points to a series. Unless their batch was numbered, those it has already are left out. Returns the new."""
    series, chunks = tables.series, tables.chunks
    where = (series.c.source == source, series.c.family == family, series.c.key == key)
    known = await tx.find(select(series).where(*where).with_for_update())
    place = (chunks.c.source == source, chunks.c.family == family, chunks.c.key == key)
    tails = await tx.all(select(chunks).where(*place).order_by(chunks.c.number.desc()).limit(2)) if known else []
    recent = [point for row in tails for point in packing.points_of(row["data"])]
    fresh = packing.fresh(points, recent)
    if not fresh:
        return []
    room = list(fresh)
    number = 0
    if tails:
        tail = tails[0]
        number = tail["number"] + 1
        free = packing.CAPACITY - tail["count"]
        if free > 0:
            merged = packing.points_of(tail["data"]) + room[:free]
            room = room[free:]
            await tx.execute(update(chunks).where(chunks.c.id == tail["id"]).values(**_chunk(merged)))
    for start in range(0, len(room), packing.CAPACITY):
        values = {"source": source, "family": family, "key": key, "number": number}
        await tx.insert(chunks, {**values, **_chunk(room[start : start + packing.CAPACITY])})
        number += 1
    await _summarise(tx, dict(known) if known else None, (source, family, key), packing.summarise(fresh))
    return fresh


def _chunk(points: Sequence[Point]) -> dict[str, Any]:
    summary = packing.summarise(points)
    return {
        "count": summary.count,
        "least": summary.least,
        "greatest": summary.greatest,
        "first": _finite(summary.first),
        "last": _finite(summary.last),
        "total": summary.total,
        "data": packing.pack(points),
    }


def _finite(value: float | None) -> float | None:
    # Databases disagree on NaN; its absence says as much.
    return value if value is not None and math.isfinite(value) else None


async def _summarise(tx: Tx, known: Mapping[str, Any] | None, place: tuple[str, str, str], added: Summary) -> None:
    series = tables.series
    source, family, key = place
    merged = added
    if known is not None:
        before = Summary(
            known["count"],
            known["least"],
            known["greatest"],
            known["first"],
            known["last"],
            known["last_step"],
            known["total"] or 0.0,
        )
        merged = before.merged(added)
    values = {
        "count": merged.count,
        "least": merged.least,
        "greatest": merged.greatest,
        "first": _finite(merged.first),
        "last": _finite(merged.last),
        "last_step": _finite(merged.last_step),
        "total": _finite(merged.total),
    }
    if known is None:
        await tx.insert(series, {"source": source, "family": family, "key": key, **values})
    else:
        where = (series.c.source == source, series.c.family == family, series.c.key == key)
        await tx.execute(update(series).where(*where).values(**values))


async def keys(tx: Tx, source: str, family: str) -> set[str]:
    """The names of a source's series."""
    series = tables.series
    where = (series.c.source == source, series.c.family == family)
    return {row["key"] for row in await tx.all(select(series.c.key).where(*where))}


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
