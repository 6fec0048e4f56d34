"""Processor versions as one caller may use them: the catalogue that definitions are resolved with.

A range means the highest version in it that is not deprecated, else the highest deprecated one; an unpublished version
is never chosen. `kept` names versions that a run used before: they can be used again by their number, however they
stand.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mlreef.kit.db import Database, Tx
from mlreef.management.access.policy import Action
from mlreef.management.access.service import Access, Caller
from mlreef.management.definitions import ranges
from mlreef.management.definitions.lookups import ProcessorVersion
from mlreef.management.definitions.ranges import LATEST
from mlreef.management.processors import store
from mlreef.management.processors.records import DEPRECATED, PUBLISHED, UNPUBLISHED, Processor, Version

_SHOWN = 10


def choose(versions: Sequence[Version], wanted: str, kept: Collection[str] = ()) -> Version | None:
    """The version that a definition means."""
    asked = ranges.find(wanted)
    if asked is None:
        return None
    meant = [one for one in versions if asked.allows(one.number)]
    for status in (PUBLISHED, DEPRECATED):
        found = [one for one in meant if one.status == status]
        if found:
            return max(found, key=lambda one: one.number)
    return next((one for one in meant if asked.exact is not None and one.id in kept), None)


async def find_version(tx: Tx, slug: str, wanted: str, kept: Collection[str] = ()) -> tuple[Processor, Version] | None:
    """A version by slug and number, range or `latest`, without asking who may see it."""
    processor = await store.find_by_slug(tx, slug)
    if processor is None:
        return None
    version = choose(await store.list_versions(tx, processor.id), wanted, kept)
    return (processor, version) if version is not None else None


class VisibleCatalogue:
    """Implements `definitions.lookups.Catalogue` for a caller."""

    def __init__(self, db: Database, access: Access, caller: Caller, kept: frozenset[str] = frozenset()) -> None:
        self._db = db
        self._access = access
        self._caller = caller
        self._kept = kept

    async def find_version(self, slug: str, version: str) -> ProcessorVersion | None:
        """See `Catalogue.find_version`; what the caller may not see is not there."""
        async with self._db.read() as tx:
            found = await find_version(tx, slug, version, self._kept)
        if found is None:
            return None
        processor, chosen = found
        if not await self._access.allows(self._caller, processor.project_id, Action.READ_PROJECT):
            return None
        return chosen.runnable(processor)

    async def explain(self, slug: str, version: str) -> str:
        """See `Catalogue.explain`."""
        nothing = f"there is no published processor version '{slug}@{version}' that you may use"
        async with self._db.read() as tx:
            processor = await store.find_by_slug(tx, slug)
            versions = await store.list_versions(tx, processor.id) if processor is not None else []
        if processor is None or not await self._access.allows(self._caller, processor.project_id, Action.READ_PROJECT):
            return nothing
        return _explained(slug, version, versions) or nothing


def _explained(slug: str, wanted: str, versions: Sequence[Version]) -> str | None:
    asked = ranges.find(wanted)
    gone = [one for one in versions if one.status == UNPUBLISHED and asked is not None and one.number == asked.exact]
    if gone:
        told = f": {gone[0].status_message}" if gone[0].status_message else ""
        return f"{slug}@{wanted} was unpublished{told}"
    usable = [one.version for one in versions if one.selectable]
    if not usable:
        return None
    more = f" and {len(usable) - _SHOWN} more" if len(usable) > _SHOWN else ""
    return f"{slug} has no version {wanted!r}; it has {', '.join(usable[:_SHOWN])}{more}"


__all__ = ["LATEST", "VisibleCatalogue", "choose", "find_version"]
