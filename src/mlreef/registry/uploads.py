"""Receiving blobs: sessions of chunks that become one blob, in one piece or not at all.

A chunk is hashed and kept in the object store as it arrives. A session of one chunk (what docker, podman and skopeo
send) is therefore finished without copying a byte; several chunks are streamed together once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import RowMapping

from mlreef.kit.errors import Kind
from mlreef.kit.ids import new_token
from mlreef.kit.objects import DigestMismatch, ObjectStore, Stored
from mlreef.registry import store
from mlreef.registry.state import State
from mlreef.registry.wire import RegistryError, upload_unknown


async def start(state: State, repository: str) -> str:
    """Open a session and return its id, which only its opener knows."""
    upload = new_token("")
    now = state.clock.now()
    async with state.db.write() as tx:
        await store.start_upload(tx, upload, await store.ensure_repository(tx, repository, now), now)
    return upload


async def progress(state: State, repository: str, upload: str) -> Sequence[RowMapping]:
    """The chunks received so far; raises when the session is not open in this repository."""
    async with state.db.read() as tx:
        found = await store.find_repository(tx, repository)
        if found is None or not await store.upload_exists(tx, upload, found):
            raise upload_unknown()
        return await store.list_chunks(tx, upload)


async def append(
    state: State, repository: str, upload: str, body: AsyncIterator[bytes], content_range: str | None
) -> int:
    """Receive one chunk; returns how many bytes the session holds now. Out of order is 416."""
    chunks = await progress(state, repository, upload)
    received = sum(int(chunk["size"]) for chunk in chunks)
    if content_range is not None and content_range.partition("-")[0] != str(received):
        message = f"chunks must follow each other: the next one starts at {received}"
        raise RegistryError(Kind.INVALID, "BLOB_UPLOAD_INVALID", message, status=416, range=f"0-{max(0, received - 1)}")
    stored = await state.objects.put(body, max_size=state.settings.max_blob_bytes - received)
    if not stored.size:
        return received
    async with state.db.write() as tx:
        if len(await store.list_chunks(tx, upload)) != len(chunks):
            raise RegistryError(Kind.CONFLICT, "BLOB_UPLOAD_INVALID", "another chunk of this upload arrived meanwhile")
        await store.add_chunk(tx, upload, len(chunks), stored.digest, stored.size)
    return received + stored.size


async def finish(state: State, repository: str, upload: str, digest: str, body: AsyncIterator[bytes]) -> Stored:
    """Receive what is left, check the digest and make the bytes a blob of the repository."""
    chunks = await progress(state, repository, upload)
    if chunks:
        await append(state, repository, upload, body, None)
        chunks = await progress(state, repository, upload)
        stored = await _joined(state.objects, chunks, digest)
    else:
        stored = await _receive(state, body, digest)
    await link(state, repository, stored, upload)
    return stored


async def monolithic(state: State, repository: str, digest: str, body: AsyncIterator[bytes]) -> Stored:
    """Receive a whole blob in one request."""
    stored = await _receive(state, body, digest)
    await link(state, repository, stored, None)
    return stored


async def link(state: State, repository: str, stored: Stored, upload: str | None) -> None:
    """Record the stored bytes as a blob of the repository, and close the session they came by."""
    now = state.clock.now()
    async with state.db.write() as tx:
        found = await store.ensure_repository(tx, repository, now)
        await store.link_blob(tx, found, stored.digest, stored.size, now)
        if upload is not None:
            await store.end_upload(tx, upload)


async def cancel(state: State, repository: str, upload: str) -> None:
    """Close a session without keeping anything."""
    await progress(state, repository, upload)
    async with state.db.write() as tx:
        await store.end_upload(tx, upload)


async def _receive(state: State, body: AsyncIterator[bytes], digest: str) -> Stored:
    try:
        return await state.objects.put(body, expect=digest, max_size=state.settings.max_blob_bytes)
    except DigestMismatch as exc:
        raise RegistryError(Kind.INVALID, "DIGEST_INVALID", exc.message) from exc


async def _joined(objects: ObjectStore, chunks: Sequence[RowMapping], digest: str) -> Stored:
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
