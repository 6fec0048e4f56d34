"""Reading manifests: what they claim to be, what they are made of, and what they refer to.

Sources: OCI image specification 1.1 (manifest, index, descriptor), Docker image manifest version 2, schema 2. Media
types of configs and layers are the client's business; those of manifests are not, for they say what must be kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from mlreef.kit.errors import Kind
from mlreef.registry.wire import RegistryError, digest_hex

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_MANIFESTS, _INDEXES = {OCI_MANIFEST, DOCKER_MANIFEST}, {OCI_INDEX, DOCKER_LIST}
_ELSEWHERE = ("application/vnd.docker.image.rootfs.foreign.", "application/vnd.oci.image.layer.nondistributable.")
_MAX_PARTS = 20_000
_MAX_TYPE = 255


@dataclass(frozen=True, slots=True)
class Document:
    """What the registry needs to know of a manifest; digests are 64 hexadecimal digits."""

    media_type: str
    subject: str | None
    artifact_type: str | None
    annotations: dict[str, str]
    blobs: tuple[str, ...]
    manifests: tuple[str, ...]


def read(content_type: str, body: bytes) -> Document:
    """Check a manifest as far as a registry depends on it; anything wrong is MANIFEST_INVALID."""
    document = _parsed(body)
    media_type = _media_type(content_type, document)
    is_index = media_type in _INDEXES
    config = document.get("config")
    layers = [one for one in _descriptors(document, "layers") if not _is_elsewhere(one)]
    if not is_index and not isinstance(config, dict):
        raise bad("a manifest needs a config; artifacts without one name the empty config of the image specification")
    parts = [] if is_index else [*layers, config]
    kind = document.get("artifactType") or ((config or {}).get("mediaType") if not is_index else None)
    subject = document.get("subject")
    return Document(
        media_type=media_type,
        subject=None if subject is None else _digest(subject),
        artifact_type=_text(kind, "artifactType"),
        annotations=_annotations(document),
        blobs=tuple(_digest(one) for one in parts),
        manifests=tuple(_digest(one) for one in _descriptors(document, "manifests")) if is_index else (),
    )


def bad(message: str) -> RegistryError:
    """The manifest cannot be taken as it is."""
    return RegistryError(Kind.INVALID, "MANIFEST_INVALID", f"manifest: {message}")


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise bad(f"not JSON: {exc}") from exc
    if not isinstance(document, dict):
        raise bad("a JSON object is needed")
    if document.get("schemaVersion") == 1:
        raise bad("Docker's schema 1 is not accepted: push the image with a client of 2017 or newer")
    if document.get("schemaVersion") != 2:
        raise bad("an object with schemaVersion 2 is needed")
    return document


def _media_type(content_type: str, document: dict[str, Any]) -> str:
    own = document.get("mediaType")
    media_type = content_type or own
    if own is not None and own != media_type:
        raise bad(f"Content-Type {content_type!r} and the manifest's own mediaType {own!r} differ")
    if media_type not in _MANIFESTS | _INDEXES:
        raise bad(f"{media_type!r} is no kind of manifest kept here: OCI image manifest or index, Docker schema 2")
    return str(media_type)


def _descriptors(document: dict[str, Any], field: str) -> list[dict[str, Any]]:
    listed = document.get(field) or []
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise bad(f"{field} must be a list of descriptors")
    if len(listed) > _MAX_PARTS:
        raise bad(f"{field} has {len(listed)} entries, at most {_MAX_PARTS} are accepted")
    return listed


def _is_elsewhere(descriptor: dict[str, Any]) -> bool:
    """Layers that their makers allow nobody to redistribute: clients fetch them from `urls`."""
    return bool(descriptor.get("urls")) and str(descriptor.get("mediaType")).startswith(_ELSEWHERE)


def _digest(descriptor: Any) -> str:
    if not isinstance(descriptor, dict) or not isinstance(descriptor.get("digest"), str):
        raise bad("every descriptor needs a digest")
    return digest_hex(descriptor["digest"])


def _text(value: Any, field: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _MAX_TYPE or "\0" in value:
        raise bad(f"{field} must be a text of at most {_MAX_TYPE} characters")
    return value


def _annotations(document: dict[str, Any]) -> dict[str, str]:
    found = document.get("annotations") or {}
    texts = [*found.keys(), *found.values()] if isinstance(found, dict) else [None]
    if not all(isinstance(one, str) and "\0" not in one for one in texts):
        raise bad("annotations must map names to texts")
    return found
