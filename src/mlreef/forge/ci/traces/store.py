"""Queries for trace chunks: appended, read in order, dropped once archived."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select, update

from mlreef.forge.ci import tables
from mlreef.forge.ci.statuses import ALIVE
from mlreef.kit.db import Tx

chunks = tables.trace_chunks
jobs = tables.jobs


async def append(tx: Tx, job_id: int, *, start: int, data: bytes, crc: int, now: datetime) -> bool:
    """Add a chunk if the trace is exactly `start` bytes long now and the job lives; tells whether it was added."""
    statement = update(jobs).where(
        jobs.c.id == job_id,
        jobs.c.trace_size == start,
        jobs.c.status.in_([state.value for state in ALIVE]),
    )
    grown = {"trace_size": start + len(data), "trace_crc": crc, "contacted_at": now, "acknowledged": True}
    if (await tx.execute(statement.values(**grown))).rowcount != 1:
        return False
    await tx.execute(insert(chunks).values(job_id=job_id, start=start, data=data))
    return True


async def read(tx: Tx, job_id: int, start: int, end: int) -> bytes:
    """The bytes from `start` up to, not including, `end`, as far as there are any."""
    first = select(chunks.c.start).where(chunks.c.job_id == job_id, chunks.c.start <= start)
    begin = await tx.scalar(first.order_by(chunks.c.start.desc()).limit(1))
    if begin is None:
        return b""
    query = select(chunks.c.data).where(chunks.c.job_id == job_id, chunks.c.start >= begin, chunks.c.start < end)
    data = b"".join(bytes(row["data"]) for row in await tx.all(query.order_by(chunks.c.start)))
    return data[start - begin : end - begin]


async def drop(tx: Tx, job_id: int) -> None:
    """Forget a job's chunks."""
    await tx.execute(delete(chunks).where(chunks.c.job_id == job_id))
