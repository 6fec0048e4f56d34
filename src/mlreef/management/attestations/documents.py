"""The shapes of what is signed: cosign's simple signing of an image, and DSSE around an in-toto statement.

Both are OCI manifests that refer to the image (`subject`), and carry the tags by which cosign looks for them in
registries without referrers (`sha256-<digest>.sig`, `.att`).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlreef.clients import registry
from mlreef.management.attestations.keys import Signer

SBOM, STATEMENT = "application/vnd.cyclonedx+json", "application/vnd.in-toto+json"
SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"
_PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
_ENVELOPE = "application/vnd.dsse.envelope.v1+json"
_SIGNED_BY = "dev.cosignproject.cosign/signature"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A manifest to push, the blobs it needs, and the tag that cosign knows it by."""

    tag: str
    manifest: bytes
    blobs: tuple[bytes, ...]

    @property
    def digest(self) -> str:
        """The manifest's digest."""
        return registry.digest_of(self.manifest)


def signature(signer: Signer, image: registry.Manifest, reference: str, notes: Mapping[str, str]) -> Artifact:
    """The signature of an image in one repository; `reference` is the repository with its host."""
    payload = encode(
        {
            "critical": {
                "identity": {"docker-reference": reference},
                "image": {"docker-manifest-digest": image.digest},
                "type": "cosign container image signature",
            },
            "optional": dict(notes),
        }
    )
    # `data` (OCI image specification, "Embedded Content") spares verifiers a request.
    extra = {"data": base64.b64encode(payload).decode(), "annotations": {_SIGNED_BY: signer.sign(payload)}}
    return _artifact(image, SIGNATURE, _PAYLOAD, payload, extra=extra, suffix="sig")


def envelope(signer: Signer, image: registry.Manifest, statement: bytes, predicate_type: str) -> Artifact:
    """A statement about an image in a signed envelope (DSSE, in-toto attestation)."""
    signed = b"DSSEv1 %d %s %d %s" % (len(STATEMENT), STATEMENT.encode(), len(statement), statement)
    content = encode(
        {
            "payloadType": STATEMENT,
            "payload": base64.b64encode(statement).decode(),
            "signatures": [{"keyid": signer.key_id, "sig": signer.sign(signed)}],
        }
    )
    notes = {"annotations": {"predicateType": predicate_type, _SIGNED_BY: ""}}
    return _artifact(image, STATEMENT, _ENVELOPE, content, extra=notes, suffix="att")


def _artifact(
    image: registry.Manifest, kind: str, media_type: str, content: bytes, *, extra: Mapping[str, Any], suffix: str
) -> Artifact:
    layer = {"mediaType": media_type, "digest": registry.digest_of(content), "size": len(content), **extra}
    layers = [f"sha256:{hashlib.sha256(content).hexdigest()}"]
    config = encode({"architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers", "diff_ids": layers}})
    manifest = {
        "schemaVersion": 2,
        "mediaType": registry.MANIFEST,
        "artifactType": kind,
        "config": {
            "mediaType": kind if suffix == "sig" else "application/vnd.oci.image.config.v1+json",
            "digest": registry.digest_of(config),
            "size": len(config),
        },
        "layers": [layer],
        "subject": image.descriptor,
    }
    tag = f"{image.digest.replace(':', '-')}.{suffix}"
    return Artifact(tag, encode(manifest), (config, content))


def encode(document: Any) -> bytes:
    """A document's canonical bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
