"""Blobs of repositories: linking stored bytes, mounting from elsewhere, taking away.

Bytes lie in the object store before any row says so. The garbage collection removes bytes and their row in `objects`
under the row's lock; so bytes whose row is new must be looked at once more before anybody counts on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import RowMapping

from mlreef.kit.db import Tx
from mlreef.kit.errors import Kind
from mlreef.kit.objects import Stored
from mlreef.registry import manifest_store, quotas, store, upload_store
from mlreef.registry.state import State
from mlreef.registry.wire import RegistryError, blob_unknown, upload_unknown


async def find(state: State, repository: str, digest: str, *, counted_on: bool) -> RowMapping:
    """A blob of the repository; one that a pushing client counts on is safe from collection for a while."""
    async with state.db.read() as tx:
        found = await store.find_blob_by_name(tx, repository, digest)
    if found is None:
        raise blob_unknown(f"sha256:{digest}")
    now = state.clock.now()
    if counted_on and found["touched_at"] < now - timedelta(hours=state.settings.gc_hours / 2):
        async with state.db.write() as tx:
            if not await store.touch_blob(tx, found["repository_id"], digest, now):
                raise blob_unknown(f"sha256:{digest}")
    return found


@dataclass(frozen=True, slots=True)
class Arrival:
    """Stored bytes that shall be a blob, and the session that they came by: closed when it has a row, else unknown."""

    stored: Stored
    upload: str | None = None
    has_row: bool = False


async def link(
    state: State, repository: str, stored: Stored, upload: str | None = None, *, has_row: bool = True
) -> None:
    """Record stored bytes as a blob of the repository, and close the session they came by; durable on return."""

    async def work(arrivals: Sequence[Arrival]) -> None:
        await _link(state, repository, arrivals)

    await state.links.add(repository, Arrival(stored, upload, has_row), work)


async def _link(state: State, repository: str, arrivals: Sequence[Arrival]) -> None:
    now = state.clock.now()
    async with state.db.write() as tx:
        found = await store.ensure_repository(tx, repository, now)
        account = quotas.Account(state, await store.lock_namespace(tx, found.namespace_id))
        fresh = [one.upload for one in arrivals if one.upload is not None and not one.has_row]
        if fresh and await upload_store.has_any(tx, fresh):
            raise upload_unknown()
        for one in arrivals:
            if one.upload is not None and one.has_row and not await upload_store.close_upload(tx, one.upload):
                raise upload_unknown()
        for one in sorted(arrivals, key=lambda one: one.stored.digest):  # two that wait for each other never end
            await _into(tx, state, found, one.stored, account)
        await account.settle(tx)


async def _into(tx: Tx, state: State, repository: store.Repository, stored: Stored, account: quotas.Account) -> None:
    new = await know(tx, state, stored)
    now = state.clock.now()
    if new or not await store.touch_blob(tx, repository.id, stored.digest, now):
        await account.count_in(tx, stored, new=new)
        await store.insert_blob(tx, repository.id, stored.digest, stored.size, now)


async def know(tx: Tx, state: State, stored: Stored) -> bool:
    """Make the garbage collection respect stored bytes; raises when it was faster. Whether they were unknown before.

    The look into the store is one `stat`, inside the transaction on purpose: it holds the object's row.
    """
    new = await store.touch_object(tx, stored.digest, stored.size, state.clock.now())
    if new and await state.objects.stat(stored.digest) != stored.size:
        message = "the same bytes were being removed at this moment: send them again"
        raise RegistryError(Kind.UNAVAILABLE, "BLOB_UPLOAD_INVALID", message, retry_after="1")
    return new


async def mount(state: State, repository: str, digest: str, sources: Iterable[str]) -> Stored | None:
    """The blob taken over from the first source that has it; None when none has, and bytes must be sent."""
    for source in sources:
        async with state.db.read() as tx:
            found = await store.find_blob_by_name(tx, source, digest)
        if found is not None:
            stored = Stored(digest, found["size"])
            if await _take_over(state, repository, source, stored):
                return stored
    return None


async def _take_over(state: State, repository: str, source: str, stored: Stored) -> bool:
    now = state.clock.now()
    async with state.db.write() as tx:
        origin = await store.find_repository(tx, source)
        found = await store.ensure_repository(tx, repository, now)
        # The namespace before the source's row, as the collection does.
        account = quotas.Account(state, await store.lock_namespace(tx, found.namespace_id))
        # Held until the commit: a collection of the source's namespace waits, and the object stays in use.
        if origin is None or not await store.touch_blob(tx, origin.id, stored.digest, now):
            return False
        await _into(tx, state, found, stored, account)
        await account.settle(tx)
    return True


async def delete(state: State, repository: str, digest: str) -> None:
    """Take a blob out of the repository, unless a manifest needs it."""
    async with state.db.write() as tx:
        found = await store.find_repository(tx, repository)
        blob = None if found is None else await store.find_blob(tx, found.id, digest)
        if found is None or blob is None:
            raise blob_unknown(f"sha256:{digest}")
        await store.lock_namespace(tx, found.namespace_id)
        user = await manifest_store.find_user(tx, found.id, digest)
        if user is not None:
            message = f"the blob is part of manifest sha256:{user}: delete that first"
            raise RegistryError(Kind.CONFLICT, "DENIED", message, status=405, allow="GET, HEAD")
        if await store.unlink_blob(tx, found.id, digest):
            await quotas.count_out(tx, found, digest, blob["size"])
