"""Attaching documents to an image: OCI 1.1 referrers, found by whoever knows the image's digest.

A registry that does not know referrers answers without `OCI-Subject`; then the tag that the specification names for
that case (`sha256-<digest>`) lists them.
"""

from __future__ import annotations

import hashlib
from typing import Any, Dict, Mapping

from mlreef_epf import registry

EMPTY = b"{}"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_EMPTY_DIGEST = "sha256:" + hashlib.sha256(EMPTY).hexdigest()


def attach(
    target: registry.Registry, repository: str, subject: Mapping[str, Any], media_type: str, document: Any
) -> str:
    """Push a document that refers to an image of the repository; returns the referrer manifest's digest."""
    content = registry.encode(document)
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    target.push_small(repository, digest, content)
    target.push_small(repository, _EMPTY_DIGEST, EMPTY)
    manifest = {
        "schemaVersion": 2,
        "mediaType": registry.OCI_MANIFEST,
        "artifactType": media_type,
        "config": {"mediaType": _EMPTY_TYPE, "digest": _EMPTY_DIGEST, "size": len(EMPTY), "data": "e30="},
        "layers": [{"mediaType": media_type, "digest": digest, "size": len(content)}],
        "subject": dict(subject),
    }
    return target.put_referrer(repository, manifest)


def subject(manifest: Mapping[str, Any], digest: str) -> Dict[str, Any]:
    """The descriptor by which documents refer to an image."""
    return {"mediaType": manifest["mediaType"], "digest": digest, "size": len(registry.encode(manifest))}
