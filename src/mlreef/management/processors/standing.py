"""How versions stand: published, deprecated, unpublished; and which of them their processor is described by.

Whoever changes anything of a processor holds its row first, so two changes at once come one after the other. `latest`
is the highest release that is not deprecated, or else the highest deprecated one; a pre-release never is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mlreef.kit import logs
from mlreef.kit.db import Tx
from mlreef.kit.errors import Detail, conflict, invalid, not_found
from mlreef.management.processors import describing, market_store, market_text, numbers, publication_store, store
from mlreef.management.processors.records import DEPRECATED, PUBLISHED, UNPUBLISHED, Version

log = logs.get(__name__)

_SLUG = re.compile(r"[A-Za-z0-9_][\w.-]*(?:/[\w.-]+)+/[a-z0-9][a-z0-9-]*(?:@[^\s]{1,100})?")


def latest(versions: Sequence[Version]) -> Version | None:
    """The version that `latest` means."""
    for status in (PUBLISHED, DEPRECATED):
        found = [one for one in versions if one.status == status and not one.number.prerelease]
        if found:
            return max(found, key=lambda one: one.number)
    return None


async def deprecate(
    tx: Tx, version_id: str, *, message: str, replacement: str | None, by: str, now: datetime
) -> Version:
    """Warn of a version; it can still be chosen."""
    version, versions = await _locked(tx, version_id)
    if version.status == UNPUBLISHED:
        raise conflict(f"version {version.version} is unpublished: nobody can choose it")
    if replacement is not None:
        _check_replacement(version, versions, replacement)
    return await _stand(tx, version, DEPRECATED, message=message, replacement=replacement, by=by, now=now)


async def undeprecate(tx: Tx, version_id: str, *, by: str, now: datetime) -> Version:
    """Warn no more."""
    version, _ = await _locked(tx, version_id)
    if version.status != DEPRECATED:
        raise conflict(f"version {version.version} is {version.status}, not deprecated")
    return await _stand(tx, version, PUBLISHED, message="", replacement=None, by=by, now=now)


async def unpublish(tx: Tx, version_id: str, *, reason: str, by: str, now: datetime) -> Version:
    """Take a version out of every choice; runs that used it can still be repeated, and its number stays taken."""
    version, _ = await _locked(tx, version_id)
    if version.status == UNPUBLISHED:
        raise conflict(f"version {version.version} was unpublished by {version.status_by} before")
    return await _stand(tx, version, UNPUBLISHED, message=reason, replacement=version.replacement, by=by, now=now)


async def _locked(tx: Tx, version_id: str) -> tuple[Version, list[Version]]:
    found = await store.find_version(tx, version_id)
    if found is None:
        raise not_found("Processor version")
    await store.lock(tx, found.processor_id)
    versions = await store.list_versions(tx, found.processor_id)
    return next(one for one in versions if one.id == version_id), versions


async def _stand(
    tx: Tx, version: Version, status: str, *, message: str, replacement: str | None, by: str, now: datetime
) -> Version:
    values: dict[str, Any] = {"status": status, "status_message": message, "replacement": replacement}
    await store.update_version(tx, version.id, {**values, "status_by": by, "status_at": now})
    await settle(tx, version.processor_id)
    log.info("version stands", version=version.id, status=status, by=by, reason=message)
    return await store.find_version(tx, version.id) or version


def _check_replacement(version: Version, versions: Sequence[Version], replacement: str) -> None:
    number = numbers.find(replacement)
    if number is None:
        if _SLUG.fullmatch(replacement) is None:
            message = "name another version of this processor (2.0.0) or another processor (group/project/name)"
            raise invalid("the replacement is no version and no processor", details=[Detail("replacement", message)])
        return
    if number == version.number:
        raise invalid("a version cannot replace itself", details=[Detail("replacement", "name another version")])
    if not any(one.number == number and one.selectable for one in versions):
        message = f"this processor has no published version {replacement}"
        raise invalid(message, details=[Detail("replacement", message)])


async def settle(tx: Tx, processor_id: str) -> None:
    """Describe a processor by the version that stands for it, and list it, or not, accordingly."""
    versions = await store.list_versions(tx, processor_id)
    chosen = latest(versions)
    shown = chosen or max((one for one in versions if one.selectable), key=lambda one: one.number, default=None)
    values: dict[str, Any] = {"latest_version_id": chosen.id if chosen is not None else None}
    if shown is not None:
        publication = await publication_store.find(tx, shown.publication_id)
        values["published_at"] = shown.published_at
        if publication is not None:
            values |= describing.described(publication)
    await store.update_processor(tx, processor_id, values)
    await index(tx, processor_id, shown)


async def index(tx: Tx, processor_id: str, shown: Version | None) -> None:
    """Put a processor into the marketplace under the words of a version, or take it out."""
    row = await store.find_row(tx, processor_id)
    if row is None:
        return
    texts = market_text.texts(row, shown.parameters) if shown is not None else None
    await market_store.put(tx, processor_id, texts)


async def index_missing(tx: Tx) -> int:
    """Index processors that are older than the index; says how many there were."""
    missing = await market_store.list_missing(tx)
    for processor_id in missing:
        await settle(tx, processor_id)
    return len(missing)
