"""Receiving blobs: sessions of chunks that become one blob, in one piece or not at all.

A chunk is hashed and kept in the object store as it arrives. A session of one chunk (what docker, podman and skopeo
send) is therefore finished without copying a byte; several chunks are streamed together once.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

from mlreef.kit.errors import Kind
from mlreef.kit.ids import new_token
from mlreef.kit.objects import DigestMismatch, ObjectStore, Stored, TooLarge
from mlreef.registry import blobs, quotas, store, upload_store
from mlreef.registry.state import State
from mlreef.registry.wire import RegistryError, upload_unknown

_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?(\d+)-(\d+)(?:/(?:\d+|\*))?")
_MOST_CHUNKS = 10_000

Chunks = Sequence[Any]


async def start(state: State, repository: str) -> str:
    """Open a session and return its id, which only its opener knows."""
    upload = new_token("")
    now = state.clock.now()
    async with state.db.write() as tx:
        found = await store.ensure_repository(tx, repository, now)
        await upload_store.start_upload(tx, upload, found.id, now)
    return upload


async def progress(state: State, repository: str, upload: str) -> Chunks:
    """The chunks received so far; raises when the session is not open in this repository."""
    async with state.db.read() as tx:
        chunks = await upload_store.list_chunks(tx, repository, upload)
    if chunks is None:
        raise upload_unknown()
    return chunks


async def append(
    state: State, repository: str, upload: str, body: AsyncIterator[bytes], content_range: str | None
) -> int:
    """Receive one chunk; returns how many bytes the session holds now. Out of order is 416."""
    chunks = await progress(state, repository, upload)
    received = total(chunks)
    length = _expected(repository, upload, content_range, received)
    if len(chunks) >= _MOST_CHUNKS:
        message = f"an upload takes at most {_MOST_CHUNKS} chunks: send larger ones"
        raise RegistryError(Kind.TOO_LARGE, "SIZE_INVALID", message)
    stored = await _receive(state, repository, body, None, length=length, before=received)
    if not stored.size:
        return received
    async with state.db.write() as tx:
        now_there = await upload_store.list_chunks(tx, repository, upload)
        if now_there is None:
            raise upload_unknown()
        if len(now_there) != len(chunks):
            raise RegistryError(Kind.CONFLICT, "BLOB_UPLOAD_INVALID", "another chunk of this upload arrived meanwhile")
        await blobs.know(tx, state, stored)
        await upload_store.add_chunk(tx, upload, len(chunks), stored.digest, stored.size)
    return received + stored.size


async def finish(
    state: State, repository: str, upload: str, body: AsyncIterator[bytes], *, digest: str, content_range: str | None
) -> Stored:
    """Receive what is left, check the digest and make the bytes a blob of the repository."""
    chunks = await progress(state, repository, upload)
    if chunks:
        if await append(state, repository, upload, body, content_range) != total(chunks):
            chunks = await progress(state, repository, upload)
        stored = await _joined(state.objects, chunks, digest)
    else:
        length = _expected(repository, upload, content_range, 0)
        stored = await _receive(state, repository, body, digest, length=length)
    await blobs.link(state, repository, stored, upload, chunks=len(chunks))
    return stored


async def monolithic(state: State, repository: str, digest: str, body: AsyncIterator[bytes]) -> Stored:
    """Receive a whole blob in one request."""
    stored = await _receive(state, repository, body, digest)
    await blobs.link(state, repository, stored)
    return stored


async def cancel(state: State, repository: str, upload: str) -> None:
    """Close a session without keeping anything."""
    chunks = await progress(state, repository, upload)
    async with state.db.write() as tx:
        await upload_store.end_upload(tx, upload, chunks=len(chunks))


def total(chunks: Chunks) -> int:
    """Bytes received so far."""
    return sum(int(chunk["size"]) for chunk in chunks)


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


async def _joined(objects: ObjectStore, chunks: Chunks, digest: str) -> Stored:
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
