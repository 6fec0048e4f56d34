"""What others use of processors: finding versions, and counting their use."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from mlreef.extraction import manifest
from mlreef.extraction.manifest import Wanted
from mlreef.kit.db import Tx
from mlreef.kit.errors import conflict
from mlreef.management.processors import store
from mlreef.management.processors.catalogue import LATEST, VisibleCatalogue, find_version

__all__ = ["LATEST", "VisibleCatalogue", "Wanted", "asked", "find_version", "use"]


async def use(tx: Tx, version_ids: Sequence[str], kept: Collection[str] = ()) -> None:
    """A run starts with these versions: count it, and refuse what was unpublished since they were chosen."""
    await store.count_use(tx, version_ids)
    for one in (await store.list_by_ids(tx, version_ids)).values():
        if not one.selectable and one.id not in kept:
            raise conflict(f"version {one.version} was unpublished at this moment: {one.status_message or 'no reason'}")


async def asked(tx: Tx, version_ids: Sequence[str]) -> dict[str, Wanted]:
    """What each version asks of where it runs: limits and network; nothing for one that is not there any more."""
    found = await store.list_by_ids(tx, version_ids)
    none = Wanted()
    return {
        one: replace(manifest.wanted(found[one].manifest), network=found[one].network) if one in found else none
        for one in version_ids
    }
