"""Recursive listings of large trees, kept so that reading them page by page does not walk them page by page.

A tree never changes under its id, so a listing is never stale; it is looked up per project, because an id alone is no
permission. The cache is bounded by the number of entries it holds.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from mlreef.forge.repos import objects

_WORTH_KEEPING = 500
_MAX_ENTRIES = 400_000


class Listings:
    """The most recently used large listings."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, str, str], Sequence[objects.Entry]] = OrderedDict()
        self._entries = 0

    async def list_tree(self, repo: Path, tree_id: str, prefix: str, *, recursive: bool) -> Sequence[objects.Entry]:
        """All entries of a tree."""
        key = (repo, tree_id, prefix)
        if recursive and key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        found = await asyncio.to_thread(objects.list_tree, repo, tree_id, prefix, recursive=recursive)
        if recursive and len(found) >= _WORTH_KEEPING:
            self._keep(key, found)
        return found

    def _keep(self, key: tuple[Path, str, str], found: Sequence[objects.Entry]) -> None:
        if key not in self._kept:
            self._entries += len(found)
        self._kept[key] = found
        while self._entries > _MAX_ENTRIES and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._entries -= len(dropped)
