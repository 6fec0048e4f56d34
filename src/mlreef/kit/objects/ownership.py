"""Who keeps objects in a store: each service leaves a mark, and whoever removes objects looks for others' marks.

Services may use one bucket or disk with a prefix or directory each. Given the very same place by mistake, one that
collects garbage would take the others' objects for its own: it asks `others` first, and then leaves everything alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from mlreef.kit.objects.base import ObjectStore

_OWNERS = ("forge", "management", "registry")


def mark_of(owner: str) -> str:
    """The digest of an owner's mark: marks are objects like any other."""
    return hashlib.sha256(_text(owner)).hexdigest()


async def claim(store: ObjectStore, owner: str) -> None:
    """Leave the mark of a service in its store; once is enough, again changes nothing."""
    if await store.stat(mark_of(owner)) is None:
        await store.put(_once(_text(owner)))


async def others(store: ObjectStore, owner: str) -> list[str]:
    """Which other services keep objects in the same store."""
    return [one for one in _OWNERS if one != owner and await store.stat(mark_of(one)) is not None]


def _text(owner: str) -> bytes:
    return f"The service {owner!r} of MLReef keeps objects here.\n".encode()


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
