"""What others use of processors: finding versions, and counting their use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlreef.extraction import manifest
from mlreef.extraction.manifest import Wanted
from mlreef.kit.db import Tx
from mlreef.management.processors import store
from mlreef.management.processors.catalogue import LATEST, VisibleCatalogue, find_version
from mlreef.management.processors.store import count_use

__all__ = ["LATEST", "VisibleCatalogue", "Wanted", "asked", "count_use", "find_version"]


async def asked(tx: Tx, version_ids: Sequence[str]) -> dict[str, Wanted]:
    """What each version asks of where it runs: limits and network; nothing for one that is not there any more."""
    found = await store.list_by_ids(tx, version_ids)
    none = Wanted()
    return {
        one: replace(manifest.wanted(found[one].manifest), network=found[one].network) if one in found else none
        for one in version_ids
    }
