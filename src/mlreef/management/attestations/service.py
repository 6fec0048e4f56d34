"""Accepting an image: what its build job tells of it is checked, then image and provenance are signed.

The tag by which people find the image is set last. Whatever fails before leaves an image that nobody knows of.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlreef.clients.registry import MANIFEST, Manifest, RegistryClient
from mlreef.kit.errors import Kind, PlatformError, invalid
from mlreef.management.attestations import documents, keys
from mlreef.management.state import State

_ACCOUNT = "mlreef-bot"
_TRIES, _PAUSE = 3, 0.5
_BASES = 64


@dataclass(frozen=True, slots=True)
class Image:
    """An image to vouch for: where it lies, and what its makers say it is made from."""

    reference: str
    """Host and repository, without tag or digest."""
    digest: str
    tag: str | None
    attestations: Mapping[str, str]
    demanded: bool = True
    """Whether it must come with a bill of materials and provenance; else the image alone is signed."""
    builder: str = ""
    base: str = ""
    """The image whose layers must be its first ones."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """External parameters that the provenance must have."""
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Desk:
    """What signing keeps once per process."""

    signer: keys.Signer
    registry: RegistryClient
    bases: dict[str, tuple[str, ...]] = field(default_factory=dict)


def desk(state: State) -> Desk:
    """The signer and the registry of this instance, made at the first call."""
    found = state.parts.get(Desk)
    if not isinstance(found, Desk):
        settings = state.settings
        account = (_ACCOUNT, settings.service_token) if settings.service_token else None
        client = RegistryClient(state.http, settings.public_registry_url, account)
        found = state.parts[Desk] = Desk(keys.open_signer(settings), client)
    return found


async def vouch(state: State, image: Image) -> dict[str, str]:
    """Check and sign; returns the digests of bill of materials, provenance and signature."""
    for attempt in range(1, _TRIES + 1):
        try:
            return await _vouch(desk(state), image)
        except PlatformError as exc:
            if exc.kind is not Kind.UNAVAILABLE or attempt == _TRIES:
                raise
            await asyncio.sleep(_PAUSE * attempt)
    raise AssertionError


async def _vouch(at: Desk, image: Image) -> dict[str, str]:
    repository = image.reference.partition("/")[2]
    if not image.demanded:
        found = await _get(at, repository, image.digest)
        signature = documents.signature(at.signer, found, image.reference, image.notes)
        await _push(at, repository, signature)
        return {"signature": signature.digest}
    wanted = {"sbom": documents.SBOM, "provenance": documents.STATEMENT}
    if missing := sorted(set(wanted) - set(image.attestations)):
        raise invalid(f"the image comes without {' and '.join(missing)}")
    found, statement, *_ = await asyncio.gather(
        _get(at, repository, image.digest),
        _statement(at, repository, image),
        _refers(at, repository, image.attestations["sbom"], image.digest, documents.SBOM),
    )
    await _check_base(at, image, found)
    signature = documents.signature(at.signer, found, image.reference, image.notes)
    envelope = documents.envelope(at.signer, found, statement, json.loads(statement)["predicateType"])
    await asyncio.gather(*(_push(at, repository, one) for one in (signature, envelope)))
    if image.tag is not None:
        await at.registry.put_manifest(repository, image.tag, found.body, found.media_type)
    return {"sbom": image.attestations["sbom"], "provenance": envelope.digest, "signature": signature.digest}


async def _get(at: Desk, repository: str, digest: str) -> Manifest:
    found = await at.registry.find_manifest(repository, digest)
    if found is None:
        raise invalid(f"the registry has no {repository}@{digest}")
    return found


async def _refers(at: Desk, repository: str, digest: str, image: str, kind: str) -> Manifest:
    """The attestation of that digest, when it is of the kind wanted and about the image."""
    found = await _get(at, repository, digest)
    subject = found.document.get("subject")
    if not isinstance(subject, dict) or subject.get("digest") != image:
        raise invalid(f"the attestation {digest} is about another image")
    if found.document.get("artifactType") != kind:
        raise invalid(f"the attestation {digest} is not of type {kind}")
    return found


async def _statement(at: Desk, repository: str, image: Image) -> bytes:
    """The provenance, when it is about the image and says what this service knows to be so."""
    found = await _refers(at, repository, image.attestations["provenance"], image.digest, documents.STATEMENT)
    try:
        content = await at.registry.get_blob(repository, found.document["layers"][0]["digest"])
        told = json.loads(content)
        subjects = [one["digest"]["sha256"] for one in told["subject"]]
        asked = told["predicate"]["buildDefinition"]["externalParameters"]
        builder = told["predicate"]["runDetails"]["builder"]["id"]
        if not isinstance(told["predicateType"], str):
            raise TypeError("predicateType")
    except (LookupError, TypeError, ValueError) as exc:
        raise invalid(f"the provenance cannot be read: {type(exc).__name__}: {exc}") from exc
    if subjects != [image.digest.removeprefix("sha256:")]:
        raise invalid("the provenance is about another image")
    if image.builder and builder != image.builder:
        raise invalid(f"the provenance names the builder {builder!r}, not {image.builder!r}")
    for name, value in image.asked.items():
        if asked.get(name) != value:
            raise invalid(f"the provenance says {name} is {asked.get(name)!r}, not {value!r}")
    return content


async def _check_base(at: Desk, image: Image, found: Manifest) -> None:
    """The chosen environment is the one used: its layers are the image's first ones."""
    host, _, rest = image.base.partition("/")
    if not image.base or host != image.reference.partition("/")[0]:
        return
    repository, _, digest = rest.partition("@")
    wanted = at.bases.get(image.base)
    if wanted is None:
        base = await _get(at, repository, digest)
        if "layers" not in base.document:
            return  # an index: which of its images was used depends on the machine
        wanted = tuple(one["digest"] for one in base.document["layers"])
        if len(at.bases) >= _BASES:
            at.bases.clear()
        at.bases[image.base] = wanted
    layers = tuple(one["digest"] for one in found.document.get("layers") or ())
    if layers[: len(wanted)] != wanted:
        raise invalid(f"the image is not built on {image.base}")


async def _push(at: Desk, repository: str, artifact: documents.Artifact) -> None:
    await asyncio.gather(*(at.registry.push_blob(repository, blob) for blob in artifact.blobs))
    await at.registry.put_manifest(repository, artifact.tag, artifact.manifest, MANIFEST)
