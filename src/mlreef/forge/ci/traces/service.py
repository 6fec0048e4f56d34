"""Rules of job logs: a chunk goes exactly at the end, the whole has a checksum, the ended log becomes one object."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import statuses
from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.jobs import service as jobs_service
from mlreef.forge.ci.jobs import store as jobs_store
from mlreef.forge.ci.statuses import Status
from mlreef.forge.ci.traces import store
from mlreef.kit.db import Database, Tx
from mlreef.kit.errors import Kind, PlatformError, invalid

PIECE = 1 << 20
MAX_CHUNK = 8 << 20
MAX_CHECKSUM_FAULTS = 5
"""A trace that never matches its checksum must not keep a job from ending."""
_RANGE = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?")
_CRC = re.compile(r"crc32:([0-9a-fA-F]{8})")


@dataclass(frozen=True, slots=True)
class Appended:
    """How long the trace is now, and whether the chunk was what continued it."""

    size: int
    accepted: bool
    too_large: bool = False


def start_of(content_range: str | None) -> int:
    """Where a chunk begins; its end is written differently by every runner and means nothing."""
    if content_range is None:
        raise invalid("400 Missing header Content-Range")
    match = _RANGE.fullmatch(content_range.strip())
    if match is None:
        raise invalid("400 Invalid Content-Range")
    return int(match[1])


async def append(ci: Ci, tx: Tx, job: RowMapping, start: int, data: bytes) -> Appended:
    """Add a chunk to a live job's trace; a gap or an overlap adds nothing and tells the present size."""
    if start != job["trace_size"]:
        return Appended(job["trace_size"], accepted=False)
    if start + len(data) > ci.settings.maximum_trace_bytes:
        await jobs_service.finish(ci, tx, job["id"], Status.FAILED, reason="trace_size_exceeded")
        return Appended(start, accepted=False, too_large=True)
    crc = zlib.crc32(data, job["trace_crc"])
    added = bool(data) and await store.append(tx, job["id"], start=start, data=data, crc=crc, now=ci.clock.now())
    now = await jobs_store.get(tx, job["id"])
    return Appended(now["trace_size"], accepted=added or (not data and now["trace_size"] == start))


async def complete(tx: Tx, job: RowMapping, output: Mapping[str, Any] | None, checksum: Any) -> bool:
    """Whether the trace held is the one the runner sent; counts mismatches and gives in after several."""
    output = output if isinstance(output, Mapping) else {}
    match = _CRC.fullmatch(str(output.get("checksum") or checksum or ""))
    size = output.get("bytesize")
    wrong = match is not None and int(match[1], 16) != job["trace_crc"]
    wrong = wrong or (isinstance(size, int) and match is not None and size != job["trace_size"])
    if not wrong:
        return True
    faults = job["checksum_faults"] + 1
    await jobs_store.change(tx, job["id"], statuses.ALIVE, {"checksum_faults": faults})
    return bool(faults > MAX_CHECKSUM_FAULTS)


async def iter_trace(ci: Ci, db: Database, job_id: int, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes of a trace, wherever they lie; it may be archived between two pieces."""
    position = start
    while position < end:
        async with db.read() as tx:
            job = await jobs_store.get(tx, job_id)
            piece = await store.read(tx, job_id, position, min(end, position + PIECE))
        if piece:
            position += len(piece)
            yield piece
        elif job["trace_digest"] is not None:
            async for chunk in ci.objects.open(job["trace_digest"], position, end):
                yield chunk
            return
        else:
            raise PlatformError(Kind.UNAVAILABLE, "the trace was erased while it was read")


async def archive(ci: Ci, db: Database) -> int:
    """Turn the chunks of ended jobs into objects; the object is durable before the chunks go."""
    async with db.read() as tx:
        rows = await jobs_store.unarchived(tx, 20)
    for job in rows:
        size = job["trace_size"]
        stored = await ci.objects.put(iter_trace(ci, db, job["id"], 0, size), size=size)
        async with db.write() as tx:
            current = await jobs_store.get(tx, job["id"])
            if current["trace_size"] == size:  # not erased meanwhile
                await jobs_store.archive_trace(tx, job["id"], stored.digest)
                await store.drop(tx, job["id"])
    return len(rows)
