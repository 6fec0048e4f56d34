"""Manifests: what an image is made of. Kept only when everything that they name is in the repository."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping

from mlreef.kit.db import Tx
from mlreef.kit.errors import Kind
from mlreef.registry import documents, manifest_store, store
from mlreef.registry.state import State
from mlreef.registry.tokens import Grant
from mlreef.registry.wire import (
    TAG,
    RegistryError,
    denied,
    digest_hex,
    is_digest,
    manifest_unknown,
    name_unknown,
)

SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"
"""Referrers of this type, pushed by the service's account, pin what they are about."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A manifest that was kept: its digest, and the digest of its subject when it has one."""

    digest: str
    subject: str | None


async def put(
    state: State, repository: str, reference: str, content_type: str, body: bytes, *, grant: Grant
) -> Accepted:
    """Keep a manifest under its digest and, when `reference` is one, under a tag."""
    digest = hashlib.sha256(body).hexdigest()
    by_digest = is_digest(reference)
    if by_digest and digest_hex(reference) != digest:
        raise RegistryError(Kind.INVALID, "DIGEST_INVALID", f"the manifest's digest is sha256:{digest}")
    if not by_digest and not TAG.fullmatch(reference):
        raise RegistryError(Kind.INVALID, "TAG_INVALID", "tag: up to 128 letters, digits, '_', '.', '-'")
    document = documents.read(content_type, body)
    now = state.clock.now()
    async with state.db.write() as tx:
        found = await store.ensure_repository(tx, repository, now)
        await store.lock_namespace(tx, found.namespace_id)
        await _check_parts(tx, found.id, document)
        values = {
            "repository_id": found.id,
            "digest": digest,
            "media_type": document.media_type,
            "body": body,
            "subject": document.subject,
            "artifact_type": document.artifact_type,
            "annotations": document.annotations,
            "created_at": now,
            "touched_at": now,
            "pins": _pins(state, document, grant),
        }
        await manifest_store.put_manifest(tx, values, _parts(document))
        if not by_digest:
            await manifest_store.set_tag(tx, found.id, reference, digest, now)
    return Accepted(digest, document.subject)


async def get(state: State, repository: str, reference: str) -> RowMapping:
    """A manifest by tag or digest."""
    by_digest = is_digest(reference)
    wanted = digest_hex(reference) if by_digest else reference
    async with state.db.read() as tx:
        manifest = await manifest_store.find_manifest(tx, repository, wanted, tag=not by_digest)
        if manifest is not None:
            return manifest
        if await store.find_repository(tx, repository) is None:
            raise name_unknown(repository)
    raise manifest_unknown(reference)


async def delete(state: State, repository: str, reference: str, *, grant: Grant) -> None:
    """Forget a tag, or a manifest with the tags that name it."""
    now = state.clock.now()
    async with state.db.write() as tx:
        found = await store.find_repository(tx, repository)
        if found is None:
            raise name_unknown(repository)
        await store.lock_namespace(tx, found.namespace_id)
        if not is_digest(reference):
            done = await manifest_store.delete_tag(tx, found.id, reference, now)
        else:
            digest = digest_hex(reference)
            await _check_pin(tx, state, found.id, digest, grant)
            done = await manifest_store.delete_manifest(tx, found.id, digest)
        if not done:
            raise manifest_unknown(reference)


async def referrers(
    state: State, repository: str, digest: str, artifact_type: str | None, *, after: str, limit: int
) -> tuple[dict[str, Any], str | None]:
    """The OCI index of manifests whose subject is `digest`, and where the next page begins.

    Source: distribution specification, "Listing Referrers". What is not known has no referrers: no error.
    """
    subject = digest_hex(digest)
    async with state.db.read() as tx:
        rows = await manifest_store.list_referrers(tx, repository, subject, artifact_type, after=after, limit=limit + 1)
    listed = [_descriptor(row) for row in rows[:limit]]
    index = {"schemaVersion": 2, "mediaType": documents.OCI_INDEX, "manifests": listed}
    return index, rows[limit - 1]["digest"] if len(rows) > limit else None


def _descriptor(row: RowMapping) -> dict[str, Any]:
    described = {"mediaType": row["media_type"], "digest": f"sha256:{row['digest']}", "size": row["size"]}
    if row["artifact_type"]:
        described["artifactType"] = row["artifact_type"]
    if row["annotations"]:
        described["annotations"] = row["annotations"]
    return described


def _parts(document: documents.Document) -> list[tuple[str, str]]:
    return [("blob", one) for one in document.blobs] + [("manifest", one) for one in document.manifests]


def _pins(state: State, document: documents.Document, grant: Grant) -> bool:
    is_signature = document.subject is not None and document.artifact_type == SIGNATURE
    return is_signature and grant.account == state.settings.service_account


async def _check_parts(tx: Tx, repository: int, document: documents.Document) -> None:
    missing = [("blob", one) for one in await store.missing_blobs(tx, repository, document.blobs)]
    missing += [("manifest", one) for one in await manifest_store.missing_manifests(tx, repository, document.manifests)]
    if missing:
        kind, digest = missing[0]
        message = f"{kind} sha256:{digest} is not in this repository ({len(missing)} missing): push it first"
        raise RegistryError(Kind.NOT_FOUND, "MANIFEST_BLOB_UNKNOWN", message)


async def _check_pin(tx: Tx, state: State, repository: int, digest: str, grant: Grant) -> None:
    if grant.is_administrator or grant.account == state.settings.service_account:
        return
    pin = await manifest_store.find_pin(tx, repository, digest)
    if pin is not None:
        raise denied(
            f"the image is signed as published (sha256:{pin}): runs may need it at any time. Unpublish the version "
            "to take it out of the marketplace; an administrator may delete the image (scope registry:catalog:*)"
        )
