"""Receiving blobs: sessions of chunks that become one blob, in one piece or not at all.

A chunk is hashed and kept in the object store as it arrives. A session of one chunk (what docker, podman and skopeo
send) is therefore finished without copying a byte; several chunks are streamed together once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlreef.kit.db import Tx
from mlreef.kit.errors import Kind
from mlreef.kit.objects import DigestMismatch, ObjectStore, Stored, TooLarge
from mlreef.registry import blobs, quotas, sessions, store, upload_store
from mlreef.registry.state import State
from mlreef.registry.wire import RegistryError, upload_unknown

_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?(\d+)-(\d+)(?:/(?:\d+|\*))?")
_MOST_CHUNKS = 10_000


@dataclass(frozen=True, slots=True)
class Session:
    """An open upload: since when, its chunks in order, and whether the database knows it already."""

    begin: datetime
    chunks: Sequence[Any]
    has_row: bool

    @property
    def received(self) -> int:
        """Bytes received so far."""
        return sum(int(chunk["size"]) for chunk in self.chunks)


def start(state: State, repository: str) -> str:
    """Open a session and return its name; nothing is written before bytes arrive."""
    return sessions.new(repository, state.clock.now())


async def progress(state: State, repository: str, upload: str) -> Session:
    """The session as far as it came; raises when it is not open in this repository."""
    async with state.db.read() as tx:
        return await _session(tx, state, repository, upload)


async def _session(tx: Tx, state: State, repository: str, upload: str) -> Session:
    now = state.clock.now()
    begin = sessions.find_begin(repository, upload, now, state.settings.upload_hours)
    found = await upload_store.find_session(tx, repository, upload)
    if found is not None and found[0]:
        return Session(begin or now, found[1], has_row=True)
    if found is not None or begin is None:
        raise upload_unknown()
    return Session(begin, (), has_row=False)


async def append(
    state: State, repository: str, upload: str, body: AsyncIterator[bytes], content_range: str | None
) -> int:
    """Receive one chunk; returns how many bytes the session holds now. Out of order is 416."""
    session = await progress(state, repository, upload)
    received = session.received
    length = _expected(repository, upload, content_range, received)
    if len(session.chunks) >= _MOST_CHUNKS:
        message = f"an upload takes at most {_MOST_CHUNKS} chunks: send larger ones"
        raise RegistryError(Kind.TOO_LARGE, "SIZE_INVALID", message)
    stored = await _receive(state, repository, body, None, length=length, before=received)
    if not stored.size:
        return received
    async with state.db.write() as tx:
        found = await store.ensure_repository(tx, repository, state.clock.now())
        now_there = await _session(tx, state, repository, upload)
        if len(now_there.chunks) != len(session.chunks):
            raise RegistryError(Kind.CONFLICT, "BLOB_UPLOAD_INVALID", "another chunk of this upload arrived meanwhile")
        await blobs.know(tx, state, stored)
        if not now_there.has_row:
            await upload_store.ensure_upload(tx, upload, found.id, session.begin)
        await upload_store.add_chunk(tx, upload, len(session.chunks), stored.digest, stored.size)
    return received + stored.size


async def finish(
    state: State, repository: str, upload: str, body: AsyncIterator[bytes], *, digest: str, content_range: str | None
) -> Stored:
    """Receive what is left, check the digest and make the bytes a blob of the repository."""
    session = await progress(state, repository, upload)
    if session.chunks:
        if await append(state, repository, upload, body, content_range) != session.received:
            session = await progress(state, repository, upload)
        stored = await _joined(state.objects, session.chunks, digest)
    else:
        length = _expected(repository, upload, content_range, 0)
        stored = await _receive(state, repository, body, digest, length=length)
    await blobs.link(state, repository, stored, upload, has_row=session.has_row)
    return stored


async def finish_small(state: State, repository: str, upload: str, data: bytes, *, digest: str) -> Stored | None:
    """Take a whole small blob by a session that has received nothing yet; None when it must be looked at closely.

    These bytes are all that the digest names, so the session needs no look before they are kept: that it was neither
    given up nor has received anything is seen when they become a blob.
    """
    opened = sessions.find_begin(repository, upload, state.clock.now(), state.settings.upload_hours) is not None
    if not opened or hashlib.sha256(data).hexdigest() != digest:
        return None
    stored = await _receive(state, repository, once(data), digest)
    await blobs.link(state, repository, stored, upload, has_row=False)
    return stored


async def once(data: bytes) -> AsyncIterator[bytes]:
    """A body that has arrived already."""
    yield data


async def monolithic(state: State, repository: str, digest: str, body: AsyncIterator[bytes]) -> Stored:
    """Receive a whole blob in one request."""
    stored = await _receive(state, repository, body, digest)
    await blobs.link(state, repository, stored)
    return stored


async def cancel(state: State, repository: str, upload: str) -> None:
    """Close a session without keeping anything."""
    async with state.db.write() as tx:
        found = await store.ensure_repository(tx, repository, state.clock.now())
        session = await _session(tx, state, repository, upload)
        if session.has_row:
            await upload_store.close_upload(tx, upload)
        else:
            await upload_store.ensure_upload(tx, upload, found.id, session.begin, closed=True)


def _expected(repository: str, upload: str, content_range: str | None, received: int) -> int | None:
    """The length that `Content-Range` announces, when the chunk follows what was received."""
    if content_range is None:
        return None
    match = _CONTENT_RANGE.fullmatch(content_range.strip())
    first, last = (int(match[1]), int(match[2])) if match else (-1, -1)
    if first != received or last < first:
        raise RegistryError(
            Kind.INVALID,
            "BLOB_UPLOAD_INVALID",
            f"chunks must follow each other: the next one starts at {received}",
            status=416,
            range=f"0-{max(0, received - 1)}",
            location=f"/v2/{repository}/blobs/uploads/{upload}",
            docker_upload_uuid=upload,
        )
    return last - first + 1


async def _receive(
    state: State,
    repository: str,
    body: AsyncIterator[bytes],
    digest: str | None,
    *,
    length: int | None = None,
    before: int = 0,
) -> Stored:
    """Into the object store with the bytes, never more than the namespace has room for."""
    room = await quotas.room(state, repository, digest)
    try:
        stored = await state.objects.put(body, expect=digest, max_size=max(0, room - before))
    except DigestMismatch as exc:
        raise RegistryError(Kind.INVALID, "DIGEST_INVALID", exc.message) from exc
    except TooLarge as exc:
        if room < state.settings.max_blob_bytes:
            raise await quotas.refusal(state, repository) from exc
        raise
    if length is not None and stored.size != length:
        message = f"Content-Range announces {length} bytes, {stored.size} arrived: send the chunk again"
        raise RegistryError(Kind.INVALID, "SIZE_INVALID", message)
    return stored


async def _joined(objects: ObjectStore, chunks: Sequence[Any], digest: str) -> Stored:
    if len(chunks) == 1 and chunks[0]["digest"] == digest:
        return Stored(digest, chunks[0]["size"])

    async def stream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            async for piece in objects.open(chunk["digest"]):
                yield piece

    try:
        return await objects.put(stream(), expect=digest)
    except DigestMismatch as exc:
        raise RegistryError(Kind.INVALID, "DIGEST_INVALID", exc.message) from exc
