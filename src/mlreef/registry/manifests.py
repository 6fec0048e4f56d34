"""Manifests: what an image is made of. Kept only when everything that they name is in the repository."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping

from mlreef.kit.db import Tx
from mlreef.kit.errors import Kind
from mlreef.registry import store
from mlreef.registry.state import State
from mlreef.registry.wire import TAG, RegistryError, digest_hex, manifest_unknown

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_KNOWN = {OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A manifest that was kept: its digest, and the digest of its subject when it has one."""

    digest: str
    subject: str | None


async def put(state: State, repository: str, reference: str, media_type: str, body: bytes) -> Accepted:
    """Keep a manifest under its digest and, when `reference` is one, under a tag."""
    document = _parsed(media_type, body)
    digest = hashlib.sha256(body).hexdigest()
    by_digest = reference.startswith("sha256:")
    if by_digest and digest_hex(reference) != digest:
        raise RegistryError(Kind.INVALID, "DIGEST_INVALID", f"the manifest's digest is sha256:{digest}")
    if not by_digest and not TAG.fullmatch(reference):
        raise RegistryError(Kind.INVALID, "TAG_INVALID", "tag: up to 128 letters, digits, '_', '.', '-'")
    now = state.clock.now()
    subject = document.get("subject") or {}
    subject_digest = digest_hex(subject["digest"]) if subject else None
    config = document.get("config") or {}
    values = {
        "digest": digest,
        "media_type": media_type,
        "body": body,
        "subject": subject_digest,
        "artifact_type": document.get("artifactType") or config.get("mediaType"),
        "annotations": document.get("annotations") or {},
        "created_at": now,
    }
    async with state.db.write() as tx:
        found = await store.ensure_repository(tx, repository, now)
        await _check_references(tx, found, document)
        await store.put_manifest(tx, {**values, "repository_id": found})
        if not by_digest:
            await store.set_tag(tx, found, reference, digest, now)
    return Accepted(digest, subject_digest)


async def get(state: State, repository: str, reference: str) -> RowMapping:
    """A manifest by tag or digest."""
    async with state.db.read() as tx:
        found = await store.find_repository(tx, repository)
        if found is not None:
            digest = await _resolved(tx, found, reference)
            manifest = None if digest is None else await store.find_manifest(tx, found, digest)
            if manifest is not None:
                return manifest
    raise manifest_unknown(reference)


async def delete(state: State, repository: str, reference: str) -> None:
    """Forget a tag, or a manifest with the tags that name it."""
    async with state.db.write() as tx:
        found = await store.find_repository(tx, repository)
        if found is not None:
            if reference.startswith("sha256:"):
                done = await store.delete_manifest(tx, found, digest_hex(reference))
            else:
                done = await store.delete_tag(tx, found, reference)
            if done:
                return
    raise manifest_unknown(reference)


async def referrers(state: State, repository: str, digest: str, artifact_type: str | None) -> dict[str, Any]:
    """The OCI index of manifests whose subject is `digest` (distribution specification, "Listing Referrers")."""
    async with state.db.read() as tx:
        found = await store.find_repository(tx, repository)
        rows = [] if found is None else await store.list_referrers(tx, found, digest_hex(digest), artifact_type)
    entries = [
        {
            "mediaType": row["media_type"],
            "digest": f"sha256:{row['digest']}",
            "size": len(row["body"]),
            "artifactType": row["artifact_type"],
            "annotations": row["annotations"],
        }
        for row in rows
    ]
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}


async def _resolved(tx: Tx, repository: int, reference: str) -> str | None:
    if reference.startswith("sha256:"):
        return digest_hex(reference)
    return await store.find_tag(tx, repository, reference)


def _parsed(media_type: str, body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise _bad(f"not JSON: {exc}") from exc
    if not isinstance(document, dict) or document.get("schemaVersion") != 2:
        raise _bad("an object with schemaVersion 2 is needed")
    if media_type not in _KNOWN:
        raise _bad(f"Content-Type {media_type!r} is not a manifest type known here")
    if document.get("mediaType", media_type) != media_type:
        raise _bad("Content-Type and the manifest's own mediaType differ")
    return document


async def _check_references(tx: Tx, repository: int, document: dict[str, Any]) -> None:
    for descriptor in _descriptors(document, "manifests"):
        if await store.find_manifest(tx, repository, digest_hex(descriptor["digest"])) is None:
            raise RegistryError(
                Kind.NOT_FOUND, "MANIFEST_BLOB_UNKNOWN", f"manifest {descriptor['digest']} is not in this repository"
            )
    parts = [*_descriptors(document, "layers"), *([document["config"]] if document.get("config") else [])]
    for descriptor in parts:
        if await store.find_blob(tx, repository, digest_hex(_digest_of(descriptor))) is None:
            raise RegistryError(
                Kind.NOT_FOUND, "MANIFEST_BLOB_UNKNOWN", f"blob {descriptor['digest']} is not in this repository"
            )


def _descriptors(document: dict[str, Any], field: str) -> list[dict[str, Any]]:
    listed = document.get(field) or []
    if not isinstance(listed, list):
        raise _bad(f"{field} must be a list of descriptors")
    for descriptor in listed:
        _digest_of(descriptor)
    return listed


def _digest_of(descriptor: Any) -> str:
    if not isinstance(descriptor, dict) or not isinstance(descriptor.get("digest"), str):
        raise _bad("every descriptor needs a digest")
    return str(descriptor["digest"])


def _bad(message: str) -> RegistryError:
    return RegistryError(Kind.INVALID, "MANIFEST_INVALID", f"manifest: {message}")
