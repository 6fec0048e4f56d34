"""The machine's store of unpacked images: one directory per layer, by digest, shared read-only by all jobs.

Having a layer here grants nobody the image: every job first asks the registry for the manifest with its own
credential. A layer is pulled once however many jobs wait for it, and goes, longest unused first, when space is short.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from mlreef.kit import logs
from mlreef.kit.errors import PlatformError
from mlreef.runner.executors.base import PrepareFailed
from mlreef.runner.images import layers, merging, references
from mlreef.runner.images.registry import PullFailed, Registries, RegistryClient
from mlreef.runner.payload import Credential

log = logs.get(__name__)

_ATTEMPTS = 6
_MAX_LAYERS = 127
_REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class Lease:
    """An image that is here and stays here until released."""

    digest: str
    layers: Sequence[Path]
    """Bottom first."""
    overlayable: bool
    env: Mapping[str, str]
    workdir: str
    words: str
    held: list[str] = field(default_factory=list)
    release: Callable[[], None] = lambda: None


class Images:
    """Gets images for jobs."""

    def __init__(
        self,
        directory: Path,
        *,
        known_origins: Sequence[str],
        insecure: Sequence[str],
        capacity: int,
        transport: httpx.AsyncBaseTransport | None = None,
        caps: layers.Caps | None = None,
    ) -> None:
        self._directory = directory
        self._known, self._insecure = known_origins, insecure
        self._capacity = capacity
        self._caps = caps or layers.Caps()
        self._locks: dict[str, asyncio.Lock] = {}
        self._held: Counter[str] = Counter()
        self._registries = Registries(transport)
        self._configs: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._grown = True
        shutil.rmtree(directory / "tmp", ignore_errors=True)
        for part in ("layers", "merged", "tmp"):
            (directory / part).mkdir(parents=True, exist_ok=True)
        # Only the runner finds its way in; jobs see what is bound into their sandboxes.
        directory.chmod(0o755 if os.geteuid() else 0o700)

    async def close(self) -> None:
        """Close connections."""
        await self._registries.close()

    async def get(self, name: str, credentials: Sequence[Credential]) -> Lease:
        """The image of that name, pulled as far as it is not here yet; raises `PullFailed`."""
        pause = 0.5
        for attempt in range(_ATTEMPTS):
            try:
                return await self._get(name, credentials)
            except PullFailed as exc:
                if not exc.transient or attempt == _ATTEMPTS - 1:
                    raise
                log.warning("image pull is tried again", image=name, error=exc.message)
            await asyncio.sleep(pause)
            pause = min(10.0, pause * 2)
        raise PullFailed(f"{name}: not available")

    async def _get(self, name: str, credentials: Sequence[Credential]) -> Lease:
        try:
            reference = references.parse(name)
        except PlatformError as exc:
            raise PullFailed(exc.message) from exc
        login = next((item for item in credentials if item.host == reference.host), None)
        url = references.base_url(reference.host, known=self._known, insecure=self._insecure)
        client = RegistryClient(self._registries, url, reference, login)
        digest, manifest = await client.manifest()
        config = await self._config(client, manifest["config"])
        wanted = [str(layer["digest"]) for layer in manifest["layers"]]
        if len(wanted) > _MAX_LAYERS:
            raise PullFailed(f"{reference}: more than {_MAX_LAYERS} layers")
        held: list[str] = []
        try:
            places = []
            for layer in wanted:
                held.append(_key(layer))
                self._held[_key(layer)] += 1
                places.append(await self._layer(client, layer))
            overlayable = all(_meta(place)["overlayable"] for place in places)
        except BaseException:
            self._release(held)
            raise
        if self._grown:
            self._grown = await asyncio.to_thread(self._trim)
        env = dict(item.partition("=")[::2] for item in config.get("Env") or () if "=" in item)
        words = str(reference) if reference.digest else f"{reference} ({digest})"
        release = self._releaser(held)
        return Lease(
            digest, [p / "fs" for p in places], overlayable, env, config.get("WorkingDir") or "/", words, held, release
        )

    async def _config(self, client: RegistryClient, descriptor: Mapping[str, Any]) -> dict[str, Any]:
        """The part of the image's configuration that says how to run it."""
        digest = str(descriptor["digest"])
        if digest not in self._configs:
            self._configs[digest] = (await client.config(descriptor)).get("config") or {}
            while len(self._configs) > _REMEMBERED:
                self._configs.popitem(last=False)
        return self._configs[digest]

    async def merged(self, lease: Lease) -> Path:
        """One directory with all layers in it (hard links), for programs that cannot stack directories."""
        key = "merged-" + _key(lease.digest)
        place = self._directory / "merged" / _key(lease.digest)
        self._held[key] += 1
        lease.held.append(key)
        async with self._locks.setdefault(key, asyncio.Lock()):
            if not place.is_dir():
                temporary = self._directory / "tmp" / secrets.token_hex(8)
                metas = [(layer, _meta(layer.parent)) for layer in lease.layers]
                await asyncio.to_thread(merging.merge, metas, temporary)
                temporary.rename(place)
        return place

    async def _layer(self, client: RegistryClient, digest: str) -> Path:
        place = self._directory / "layers" / _key(digest)
        async with self._locks.setdefault(digest, asyncio.Lock()):
            if not (place / "meta.json").is_file():
                await self._pull(client, digest, place)
        with contextlib.suppress(OSError):
            os.utime(place / "meta.json")
        return place

    async def _pull(self, client: RegistryClient, digest: str, place: Path) -> None:
        temporary = self._directory / "tmp" / secrets.token_hex(8)
        (temporary / "fs").mkdir(parents=True)
        temporary.chmod(0o755)
        (temporary / "fs").chmod(0o755)
        archive = temporary / "blob"
        try:
            await client.blob(digest, archive, limit=self._caps.bytes)
            unpacked = await asyncio.to_thread(layers.unpack, archive, temporary / "fs", self._caps)
            archive.unlink()
            meta = {
                "digest": digest,
                "bytes": unpacked.bytes,
                "whiteouts": unpacked.whiteouts,
                "opaque": unpacked.opaque,
                "overlayable": unpacked.overlayable,
            }
            (temporary / "meta.json").write_text(json.dumps(meta))
            # A crash of the machine must not leave a layer that looks whole and is not.
            await asyncio.to_thread(os.sync)
            shutil.rmtree(place, ignore_errors=True)
            temporary.rename(place)
            self._grown = True
        except OSError as exc:
            raise PullFailed(f"the image's layer {digest} cannot be kept: {exc}") from exc
        finally:
            await asyncio.to_thread(shutil.rmtree, temporary, ignore_errors=True)

    def _releaser(self, held: list[str]) -> Callable[[], None]:
        done = False

        def release() -> None:
            nonlocal done
            if not done:
                done = True
                self._release(held)

        return release

    def _release(self, held: Sequence[str]) -> None:
        for key in held:
            self._held[key] -= 1

    def _trim(self) -> bool:
        """Drop what is not in use, oldest first, until the store fits; whether it is still too large."""
        known = []
        for place in (self._directory / "layers").iterdir():
            with contextlib.suppress(OSError, ValueError, PrepareFailed):
                known.append(((place / "meta.json").stat().st_mtime, int(_meta(place)["bytes"]), place))
        excess = sum(size for _, size, _ in known) - self._capacity
        if excess > 0:
            for place in (self._directory / "merged").iterdir():
                if not self._held[f"merged-{place.name}"]:
                    shutil.rmtree(place, ignore_errors=True)
        for _, size, place in sorted(known, key=lambda entry: entry[0]):
            if excess <= 0:
                break
            if not self._held[place.name]:
                shutil.rmtree(place, ignore_errors=True)
                excess -= size
        return excess > 0


def _key(digest: str) -> str:
    # Short, because overlayfs takes all layers' paths in one page of memory.
    kind, _, value = digest.partition(":")
    if kind != "sha256" or len(value) != 64 or not all(c in "0123456789abcdef" for c in value):
        raise PullFailed(f"{digest[:100]!r} is not a sha256 digest")
    return value[:32]


def _meta(place: Path) -> dict[str, Any]:
    try:
        meta = json.loads((place / "meta.json").read_text())
    except (OSError, ValueError) as exc:
        raise PullFailed(f"the kept layer {place.name} is damaged: {exc}") from exc
    return dict(meta)
