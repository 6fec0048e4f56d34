"""How much a namespace may hold: the first part of a repository's name, distinct blobs counted once.

Two looks: one before bytes are received, so that nobody fills the disk, and the one that counts when a blob becomes
part of the namespace, under the namespace's lock, so that two uploads at once cannot pass it together.
"""

from __future__ import annotations

from sqlalchemy import RowMapping

from mlreef.kit.db import Tx
from mlreef.kit.objects import Stored
from mlreef.registry import store
from mlreef.registry.state import State
from mlreef.registry.wire import RegistryError, denied

_REMEMBERED_SECONDS = 2.0
"""How long a namespace without a quota is taken for one: the look that counts is the other one."""
_MOST_REMEMBERED = 1000


async def room(state: State, repository: str, digest: str | None = None) -> int:
    """How many bytes may be received for the repository now; a blob that its namespace holds costs nothing."""
    name, most = repository.partition("/")[0], state.settings.max_blob_bytes
    if state.unlimited.get(name, 0) > state.clock.monotonic():
        return most
    async with state.db.read() as tx:
        namespace = await store.find_namespace(tx, name)
        quota = _quota(state, None if namespace is None else namespace["quota"])
        if not quota:
            if len(state.unlimited) >= _MOST_REMEMBERED:
                state.unlimited.clear()
            state.unlimited[name] = state.clock.monotonic() + _REMEMBERED_SECONDS
            return most
        used = 0 if namespace is None else namespace["used"]
        held = namespace is not None and digest is not None
        if held and await store.namespace_holds(tx, namespace["id"], str(digest)):  # type: ignore[index]
            return most
    return min(most, max(0, quota - used))


class Account:
    """What a locked namespace holds, while blobs are counted in: settled once, at the end of the transaction."""

    def __init__(self, state: State, namespace: RowMapping) -> None:
        self._namespace = namespace
        self._quota = _quota(state, namespace["quota"])
        self._more = 0

    async def count_in(self, tx: Tx, stored: Stored, *, new: bool) -> None:
        """Count a blob as part of the namespace; refused when it does not fit.

        Bytes that were `new` to the whole registry are nobody's yet: no look is needed.
        """
        if not new and await store.namespace_holds(tx, self._namespace["id"], stored.digest):
            return
        used = self._namespace["used"] + self._more
        if self._quota and used + stored.size > self._quota:
            raise exceeded(self._namespace["name"], used, self._quota, stored.size)
        self._more += stored.size

    async def settle(self, tx: Tx) -> None:
        """Write down what was counted."""
        if self._more:
            await store.add_used(tx, self._namespace["id"], self._more)


async def count_out(tx: Tx, repository: store.Repository, digest: str, size: int) -> None:
    """Count a blob out when no other repository of the namespace has it; its row is gone, the lock is held."""
    if not await store.namespace_holds(tx, repository.namespace_id, digest):
        await store.add_used(tx, repository.namespace_id, -size)


async def refusal(state: State, repository: str) -> RegistryError:
    """What to say when more bytes arrived than there was room for."""
    name = repository.partition("/")[0]
    async with state.db.read() as tx:
        namespace = await store.find_namespace(tx, name)
    used = 0 if namespace is None else namespace["used"]
    return exceeded(name, used, _quota(state, None if namespace is None else namespace["quota"]), None)


def exceeded(namespace: str, used: int, quota: int, size: int | None) -> RegistryError:
    """The namespace is full."""
    wanted = "this upload does" if size is None else f"{size} bytes more do"
    return denied(
        f"the quota of namespace {namespace!r} is reached: {used} of {quota} bytes are used and {wanted} not fit. "
        "Delete images that nobody needs (their bytes are freed by the garbage collection), or ask an administrator "
        f"for more: mlreef registry quota {namespace} --set SIZE"
    )


def _quota(state: State, own: int | None) -> int:
    return state.settings.quota_bytes if own is None else own
