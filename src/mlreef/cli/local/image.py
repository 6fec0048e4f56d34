"""The image that a processor on this machine runs in: the environment's layers, its packages, and the project's files.

The environment comes from the server's registry once; its layers then lie in the runner's store, and what describes
them in the cache, so that later runs need no server.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from mlreef.kit.errors import Kind, PlatformError, unavailable

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_ACCEPT = f"{_MANIFEST}, application/vnd.docker.distribution.manifest.v2+json"
_PACKAGES = "/opt/deps"
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Image:
    """An image as a registry serves it."""

    manifest: bytes
    small: Mapping[str, bytes]
    files: Mapping[str, Path]
    known: Mapping[str, int]
    """Layers of the environment and their sizes."""
    upstream: Upstream | None = None
    media_type: str = _MANIFEST

    @property
    def digest(self) -> str:
        """Its digest."""
        return _digest(self.manifest)


@dataclass(slots=True)
class Environment:
    """A base image: manifest and configuration, and where its layers are to be had."""

    reference: str
    manifest: dict[str, Any]
    config: dict[str, Any]
    upstream: Upstream | None = None

    @property
    def labels(self) -> dict[str, str]:
        """What it says of itself."""
        return dict((self.config.get("config") or {}).get("Labels") or {})


@dataclass(slots=True)
class Upstream:
    """A repository of a registry, read with a user's token."""

    url: str
    repository: str
    account: tuple[str, str] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    async def read(self, path: str) -> bytes:
        """A small answer as a whole."""
        async with httpx.AsyncClient(timeout=60, follow_redirects=True) as http:
            answer = await http.get(self._address(path), headers=await self._authorized(http))
        if answer.status_code != 200:
            raise PlatformError(Kind.NOT_FOUND, f"the registry answered {answer.status_code} for {path}")
        return answer.content

    async def blob(self, digest: str) -> AsyncIterator[bytes]:
        """A layer, streamed."""
        async with httpx.AsyncClient(timeout=httpx.Timeout(30, read=300), follow_redirects=True) as http:
            headers = await self._authorized(http)
            async with http.stream("GET", self._address(f"blobs/{digest}"), headers=headers) as answer:
                if answer.status_code != 200:
                    raise unavailable(f"the registry answered {answer.status_code} for layer {digest}")
                async for chunk in answer.aiter_raw(1 << 20):
                    yield chunk

    def _address(self, path: str) -> str:
        return f"{self.url}/v2/{self.repository}/{path}"

    async def _authorized(self, http: httpx.AsyncClient) -> dict[str, str]:
        challenge = (await http.get(f"{self.url}/v2/")).headers.get("www-authenticate", "")
        found = dict(_PARAMETER.findall(challenge))
        headers = {"Accept": _ACCEPT}
        if challenge.lower().startswith("bearer") and "realm" in found:
            query = {"service": found.get("service", ""), "scope": f"repository:{self.repository}:pull"}
            answer = await http.get(found["realm"], params=query, auth=self.account)
            if answer.status_code == 200:
                token = answer.json().get("token") or answer.json().get("access_token")
                headers["Authorization"] = f"Bearer {token}"
        return headers


async def fetch(reference: str, url: str, account: tuple[str, str] | None) -> Environment:
    """An environment by `host/repository@digest` from its registry at `url`."""
    name, _, digest = reference.partition("@")
    upstream = Upstream(url.rstrip("/"), name.partition("/")[2], account)
    try:
        manifest = json.loads(await upstream.read(f"manifests/{digest}"))
        config = json.loads(await upstream.read(f"blobs/{manifest['config']['digest']}"))
    except httpx.HTTPError as exc:
        raise unavailable(f"the registry at {url} does not answer: {type(exc).__name__}") from exc
    return Environment(reference, manifest, config, upstream)


def keep(environment: Environment, place: Path) -> None:
    """Remember an environment for runs without a server."""
    place.parent.mkdir(parents=True, exist_ok=True)
    document = {"reference": environment.reference, "manifest": environment.manifest, "config": environment.config}
    place.write_text(json.dumps(document))


def find_kept(place: Path) -> Environment | None:
    """The environment as it was remembered."""
    try:
        found = json.loads(place.read_text())
        return Environment(found["reference"], found["manifest"], found["config"])
    except (OSError, ValueError, KeyError):
        return None


def registry_url(reference: str, told: str) -> str:
    """Where the registry in an image's name is spoken to."""
    host = reference.partition("/")[0]
    if urlsplit(told).netloc == host:
        return told
    local = host.partition(":")[0] in {"localhost", "127.0.0.1"}
    return f"{'http' if local else 'https'}://{host}"


def assemble(environment: Environment | None, layers: Iterable[Path]) -> Image:
    """An image of an environment's layers, if any, and more layers (plain tar files) on top of them."""
    base = environment.manifest if environment is not None else {"layers": []}
    config: dict[str, Any] = json.loads(json.dumps(environment.config)) if environment is not None else {}
    config.setdefault("architecture", {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, "amd64"))
    config.setdefault("os", "linux")
    filesystem = config.setdefault("rootfs", {"type": "layers", "diff_ids": []})
    config.pop("history", None)
    inner = config.setdefault("config", {})
    inner["Env"] = _with_packages(inner.get("Env") or [])
    inner["WorkingDir"] = "/mlreef/work"
    rows, files = list(base["layers"]), {}
    for layer in layers:
        with layer.open("rb") as file:
            digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        rows.append({"mediaType": _LAYER, "digest": digest, "size": layer.stat().st_size})
        filesystem["diff_ids"].append(digest)
        files[digest] = layer
    content = json.dumps(config, sort_keys=True).encode()
    key = _digest(content)
    about = {"mediaType": _CONFIG, "digest": key, "size": len(content)}
    manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": about, "layers": rows}
    known = {one["digest"]: int(one["size"]) for one in base["layers"]}
    upstream = environment.upstream if environment is not None else None
    return Image(json.dumps(manifest).encode(), {key: content}, files, known, upstream)


def _with_packages(env: list[str]) -> list[str]:
    if any(one.startswith("PYTHONPATH=") for one in env):
        return env
    return [*env, f"PYTHONPATH={_PACKAGES}"]


def pack(root: Path, names: Iterable[str], target: Path, prefix: str) -> None:
    """A layer of files below a folder of the image; the same files give the same bytes."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        made: set[str] = set()
        _folders(tar, prefix, made)
        for name in names:
            _folders(tar, f"{prefix}/{name}".rpartition("/")[0], made)
            info = tarfile.TarInfo(f"{prefix}/{name}")
            content = (root / name).read_bytes()
            info.size, info.mode = len(content), 0o755 if os.access(root / name, os.X_OK) else 0o644
            tar.addfile(info, io.BytesIO(content))


def _folders(tar: tarfile.TarFile, path: str, made: set[str]) -> None:
    parts = path.split("/")
    for count in range(1, len(parts) + 1):
        name = "/".join(parts[:count])
        if name not in made:
            made.add(name)
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
