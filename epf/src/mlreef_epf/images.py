"""Images put together from layers on top of a base image: configuration, manifest, push.

No daemon and no container: an image is two JSON documents and some blobs (OCI image specification 1.1). Documents are
canonical and dated 1970, so that the same content has the same digest wherever it is built.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Callable, Container, Dict, List, Mapping, Optional, Sequence, Tuple

from mlreef_epf import errors, layers, log, registry, web

_SMALL = 4 << 20
CREATED = "1970-01-01T00:00:00Z"
_OCI = ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip")
_DOCKER = ("application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}


@dataclass(frozen=True)
class Base:
    """An image to build on: nothing at all, or what a registry holds."""

    manifest: Dict[str, Any] = field(default_factory=lambda: {"mediaType": registry.OCI_MANIFEST, "layers": []})
    config: Dict[str, Any] = field(default_factory=dict)
    repository: str = ""
    source: Optional[registry.Registry] = None
    reference: str = ""
    raw: bytes = b""
    """The manifest's own bytes."""

    @property
    def labels(self) -> Dict[str, str]:
        """Its labels."""
        return (self.config.get("config") or {}).get("Labels") or {}


def architecture() -> str:
    """This machine's architecture by OCI's names."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def get_base(source: registry.Registry, repository: str, reference: str) -> Base:
    """Read the image to build on; of an index, the part for this machine."""
    found = source.find_raw(repository, reference)
    if found is None:
        raise errors.Failure("the base image %s:%s is not in the registry" % (repository, reference))
    manifest, digest = json.loads(found[0].decode("utf-8")), found[1]
    if "manifests" in manifest:
        fits = [m for m in manifest["manifests"] if (m.get("platform") or {}).get("architecture") == architecture()]
        if not fits:
            raise errors.Failure("the base image %s has no variant for %s" % (repository, architecture()))
        digest = fits[0]["digest"]
        found = source.find_raw(repository, digest)
        if found is None:
            raise errors.Failure("the base image %s lacks its variant %s" % (repository, digest))
        manifest = json.loads(found[0].decode("utf-8"))
    manifest.setdefault("mediaType", registry.OCI_MANIFEST)
    return Base(manifest, source.get_config(repository, manifest), repository, source, digest, found[0])


def assemble(
    base: Base,
    added: Sequence[Tuple[layers.Layer, str, Optional[Dict[str, str]]]],
    settings: Mapping[str, Any],
    annotations: Mapping[str, str],
) -> Tuple[bytes, Dict[str, Any]]:
    """The configuration (bytes) and manifest of a base with layers added: (layer, how it came, annotations) each."""
    docker = base.manifest.get("mediaType") == registry.DOCKER_MANIFEST
    config_type, layer_type = _DOCKER if docker else _OCI
    content = registry.encode(_config(base, added, settings))
    rows = [{"mediaType": layer_type, "digest": layer.digest, "size": layer.size} for layer, _, _ in added]
    noted = [dict(row, annotations=notes) if notes else row for row, (_, _, notes) in zip(rows, added)]  # noqa: B905
    manifest = {
        "schemaVersion": 2,
        "mediaType": base.manifest.get("mediaType") or registry.OCI_MANIFEST,
        "config": {
            "mediaType": config_type,
            "digest": "sha256:" + hashlib.sha256(content).hexdigest(),
            "size": len(content),
        },
        "layers": base.manifest["layers"] + noted,
    }
    return content, manifest if docker else dict(manifest, annotations=annotations)


def _config(
    base: Base, added: Sequence[Tuple[layers.Layer, str, Optional[Dict[str, str]]]], settings: Mapping[str, Any]
) -> Dict[str, Any]:
    before, history = base.config.get("rootfs") or {}, base.config.get("history") or ()
    return {
        "created": CREATED,
        "architecture": base.config.get("architecture") or architecture(),
        "os": "linux",
        "config": _merged(base.config.get("config") or {}, settings),
        "rootfs": {
            "type": "layers",
            "diff_ids": [*(before.get("diff_ids") or ()), *(layer.diff_id for layer, _, _ in added)],
        },
        "history": [*history, *({"created": CREATED, "created_by": text} for _, text, _ in added)],
    }


def _merged(base: Mapping[str, Any], settings: Mapping[str, Any]) -> Dict[str, Any]:
    merged = dict(base, **settings)
    env = dict(item.partition("=")[::2] for item in (base.get("Env") or []) + (settings.get("Env") or []))
    merged["Env"] = ["%s=%s" % pair for pair in sorted(env.items())]
    merged["Labels"] = dict(base.get("Labels") or {}, **(settings.get("Labels") or {}))
    return merged


class Push:
    """Sends one image to one repository."""

    def __init__(self, target: registry.Registry, repository: str, scratch: str) -> None:
        self._target, self._repository, self._scratch = target, repository, scratch

    def send(
        self,
        base: Base,
        files: Mapping[str, str],
        content: bytes,
        manifest: Any,
        tag: Optional[str],
        *,
        known: Container[str] = (),
        source: str = "",
        pool: Optional[ThreadPoolExecutor] = None,
    ) -> Tuple[str, int]:
        """Send what the repository lacks, then the manifest; returns (digest, total size).

        `known` layers are in the repository for certain; `source` is another repository with a layer that has no file.
        """
        total = sum(row["size"] for row in manifest["layers"])
        progress = log.Progress("pushed", len(manifest["layers"]), total, noun="layers")

        def one(row: Mapping[str, Any]) -> None:
            if row["digest"] not in known:
                self._layer(base, files.get(row["digest"]), row, source, progress)
            progress.add(files=1)

        def settings() -> None:
            self._target.push_small(self._repository, manifest["config"]["digest"], content)

        work: List[Callable[[], None]] = [functools.partial(one, row) for row in manifest["layers"]]
        work.append(settings)
        if pool is None:
            for task in work:
                task()
        else:
            for future in [pool.submit(task) for task in work]:
                future.result()
        digest = self._target.put_manifest(self._repository, tag, manifest)
        progress.done()
        return digest, total

    def _layer(
        self, base: Base, path: Optional[str], row: Mapping[Any, Any], source: str, progress: log.Progress
    ) -> None:
        digest = row["digest"]
        if path is not None and row["size"] <= _SMALL:
            with open(path, "rb") as handle:
                self._target.push_small(self._repository, digest, handle.read())
        elif not self._target.has_blob(self._repository, digest):
            self._provide(base, path, row, source, progress)

    def _provide(
        self, base: Base, path: Optional[str], row: Mapping[Any, Any], source: str, progress: log.Progress
    ) -> None:
        digest = row["digest"]
        if path is None and source not in ("", self._repository):
            if self._target.mount(self._repository, digest, source):
                return
        if path is None and base.source is not None and digest in {one["digest"] for one in base.manifest["layers"]}:
            same = base.source.url == self._target.url
            if same and self._target.mount(self._repository, digest, base.repository):
                return
            path = os.path.join(self._scratch, digest.replace(":", "-"))
            base.source.fetch_blob(base.repository, digest, path)
        if path is None:
            raise errors.Failure("the layer %s cannot be had from the repository %s any more" % (digest, source))
        self._target.push_blob(self._repository, digest, web.FileBody(path, lambda n: progress.add(count=n)))
