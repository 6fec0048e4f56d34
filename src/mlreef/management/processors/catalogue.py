"""Processor versions as one caller may use them: the catalogue that definitions are resolved with."""

from __future__ import annotations

from mlreef.kit.db import Database, Tx
from mlreef.management.access.policy import Action
from mlreef.management.access.service import Access, Caller
from mlreef.management.definitions.lookups import ProcessorVersion
from mlreef.management.processors import store
from mlreef.management.processors.records import Processor, Version

LATEST = "latest"


async def find_version(tx: Tx, slug: str, number: str) -> tuple[Processor, Version] | None:
    """A published version by slug and number (`latest` for the newest), without asking who may see it."""
    processor = await store.find_by_slug(tx, slug)
    if processor is None:
        return None
    if number == LATEST:
        if processor.latest_version_id is None:
            return None
        version = await store.find_version(tx, processor.latest_version_id)
    else:
        version = await store.find_numbered(tx, processor.id, number)
    return (processor, version) if version is not None and version.status == "published" else None


class VisibleCatalogue:
    """Implements `definitions.lookups.Catalogue` for a caller."""

    def __init__(self, db: Database, access: Access, caller: Caller) -> None:
        self._db = db
        self._access = access
        self._caller = caller

    async def find_version(self, slug: str, version: str) -> ProcessorVersion | None:
        """See `Catalogue.find_version`; what the caller may not see is not there."""
        async with self._db.read() as tx:
            found = await find_version(tx, slug, version)
        if found is None:
            return None
        processor, chosen = found
        if not await self._access.allows(self._caller, processor.project_id, Action.READ_PROJECT):
            return None
        return chosen.runnable(processor)
