"""Before an image of a processor runs: is it vouched for by a key that this runner trusts, under this very name?

A signature (cosign's simple signing) names digest and repository of the image; one of another image or another
repository proves nothing here. It is looked for under cosign's tag first, which every registry knows, then among the
image's referrers. A verdict holds for one digest in one repository, so it is remembered.

Only jobs that the management service rendered are asked for signatures; what users name in their own CI configuration
is theirs to answer for.
"""

from __future__ import annotations

import base64
import json
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from mlreef.kit import logs
from mlreef.kit.errors import PlatformError
from mlreef.runner.executors.base import PrepareFailed
from mlreef.runner.images import references
from mlreef.runner.images.references import Reference
from mlreef.runner.images.registry import PullFailed, Registries, RegistryClient
from mlreef.runner.payload import Job
from mlreef.runner.settings import Settings
from mlreef.runner.trace import Trace

log = logs.get(__name__)

SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"
_SIGNED_BY = "dev.cosignproject.cosign/signature"
_KEYS_PATH = "/api/v1/keys/signing"
_MAX_PAYLOAD, _MAX_LAYERS, _REMEMBERED = 64 << 10, 32, 4096
_OURS = {"step", "publish"}

Key = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class Unsigned(PrepareFailed):
    """The image is not vouched for."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="image_signature")


class Signatures:
    """Verifies images for the jobs of one runner."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._pinned = settings.cache_dir / "signing-keys.pem"
        self._keys: list[Key] = []
        self._good: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._registries = Registries(transport)

    async def close(self) -> None:
        """Close connections."""
        await self._registries.close()

    async def check(self, job: Job, image: str | None, trace: Trace) -> None:
        """Return when the image may run; raises `Unsigned` when it must not."""
        mode = self._settings.signatures
        if mode == "off" or image is None or not _rendered(job):
            return
        try:
            signed = await self._verify(job, image)
        except PullFailed as exc:
            problem: PlatformError = exc if exc.transient else Unsigned(exc.message)
        except PlatformError as exc:
            problem = exc
        else:
            trace.say(f"Signature: {signed}")
            return
        if mode == "require":
            raise problem
        trace.warn(f"WARNING: {problem.message}")

    async def _verify(self, job: Job, image: str) -> str:
        reference = references.parse(image)
        if reference.digest is None:
            raise Unsigned(f"{reference}: an image that must be signed is named by its digest")
        place = (f"{reference.host}/{reference.path}", reference.digest)
        if place not in self._good:
            keys = await self._trusted()
            self._good[place] = await self._find(job, reference, keys)
            while len(self._good) > _REMEMBERED:
                self._good.popitem(last=False)
        return self._good[place]

    async def _find(self, job: Job, reference: Reference, keys: Sequence[Key]) -> str:
        """What is said of the first good signature; raises with the reasons why the others are not."""
        reasons: list[str] = []
        for manifest in await self._manifests(job, reference):
            for layer in (manifest.get("layers") or ())[:_MAX_LAYERS]:
                whole = await self._with_payload(job, reference, layer)
                reason, words = _judge(whole, reference, keys)
                if words:
                    return words
                reasons.append(reason)
        why = "; ".join(dict.fromkeys(reasons)) or "there is no signature"
        raise Unsigned(
            f"{reference} is not signed by a key that this runner trusts ({why}). Publish the version again, "
            "or see docs/operations.md, 'Signing keys'"
        )

    async def _with_payload(self, job: Job, reference: Reference, layer: Any) -> Any:
        """The layer with what was signed in it; other signers than ours keep that apart."""
        if not isinstance(layer, dict) or "data" in layer or not layer.get("digest"):
            return layer
        content = await self._client(job, reference).content(str(layer["digest"]), limit=_MAX_PAYLOAD)
        return {**layer, "data": base64.b64encode(content).decode()}

    async def _manifests(self, job: Job, reference: Reference) -> list[dict[str, Any]]:
        """Manifests that may hold signatures of the image."""
        found = []
        assert reference.digest is not None  # noqa: S101 - checked before
        stem = reference.digest.replace(":", "-")
        tagged = await self._manifest(job, reference, tag=f"{stem}.sig")
        if tagged is not None:
            found.append(tagged)
        listed = await self._client(job, reference).referrers(reference.digest, SIGNATURE) if not found else []
        for entry in listed[:_MAX_LAYERS]:
            manifest = await self._manifest(job, reference, digest=str(entry.get("digest")))
            if manifest is not None and (manifest.get("subject") or {}).get("digest") == reference.digest:
                found.append(manifest)
        return found

    async def _manifest(
        self, job: Job, reference: Reference, *, tag: str = "latest", digest: str | None = None
    ) -> dict[str, Any] | None:
        wanted = Reference(reference.host, reference.path, tag, digest)
        try:
            return (await self._client(job, wanted).manifest())[1]
        except PullFailed as exc:
            if exc.transient:
                raise
            return None

    def _client(self, job: Job, reference: Reference) -> RegistryClient:
        login = next((item for item in job.credentials if item.host == reference.host), None)
        known = [self._settings.url, *self._settings.allowed_origins]
        url = references.base_url(reference.host, known=known, insecure=self._settings.insecure_registries)
        return RegistryClient(self._registries, url, reference, login)

    async def _trusted(self) -> list[Key]:
        if not self._keys:
            self._keys = _parsed(await self._pem())
        return self._keys

    async def _pem(self) -> list[bytes]:
        """The keys that the operator named, else those that the service showed when it was first asked."""
        try:
            if self._settings.trusted_keys:
                return [path.read_bytes() for path in self._settings.trusted_keys]
            if self._pinned.is_file():
                return [self._pinned.read_bytes()]
        except OSError as exc:
            raise Unsigned(f"the trusted keys cannot be read: {exc}") from exc
        for origin in dict.fromkeys([self._settings.url, *self._settings.allowed_origins]):
            try:
                answer = await self._registries.http.get(f"{origin}{_KEYS_PATH}")
            except httpx.HTTPError:
                continue
            if answer.status_code == 200 and _parsed([answer.content]):
                self._pinned.parent.mkdir(parents=True, exist_ok=True)
                temporary = self._pinned.with_suffix(".new")
                temporary.write_bytes(answer.content)
                temporary.replace(self._pinned)
                log.info("signing keys pinned", source=origin, file=str(self._pinned))
                return [answer.content]
        raise Unsigned("this runner trusts no signing key: set MLREEF_RUNNER_TRUSTED_KEYS")


def _rendered(job: Job) -> bool:
    """Whether the management service wrote this job; a project's own variables cannot take that away."""
    ours = any(one.key == "MLREEF_JOB_KIND" and one.value in _OURS for one in job.variables)
    return ours or any(one.key == "MLREEF_CONFIG" and one.value for one in job.variables)


def _judge(layer: Any, reference: Reference, keys: Sequence[Key]) -> tuple[str, str]:
    """Why one signature does not count, or what to say of it when it does."""
    try:
        payload = base64.b64decode(layer["data"], validate=True)
        signature = base64.b64decode(layer["annotations"][_SIGNED_BY], validate=True)
    except (LookupError, TypeError, ValueError):
        return "a signature cannot be read", ""
    if len(payload) > _MAX_PAYLOAD:
        return "a signature is too long", ""
    if not any(_signed(key, signature, payload) for key in keys):
        return "a signature is by an unknown key", ""
    try:
        critical = json.loads(payload)["critical"]
        digest, name = critical["image"]["docker-manifest-digest"], critical["identity"]["docker-reference"]
    except (LookupError, TypeError, ValueError):
        return "a signature cannot be read", ""
    if digest != reference.digest:
        return "a signature is of another image", ""
    if name != f"{reference.host}/{reference.path}":
        return f"a signature is of the same image in another repository, {str(name)[:200]}", ""
    return "", f"good, of {name}"


def _signed(key: Key, signature: bytes, content: bytes) -> bool:
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, content)
        else:
            key.verify(signature, content, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _parsed(files: Sequence[bytes | Path]) -> list[Key]:
    """The public keys of PEM files, each of which may hold several."""
    found: list[Key] = []
    for content in files:
        text = content.read_bytes() if isinstance(content, Path) else content
        for part in text.split(b"-----BEGIN PUBLIC KEY-----")[1:]:
            body = part.partition(b"-----END PUBLIC KEY-----")[0]
            try:
                key = serialization.load_pem_public_key(
                    b"-----BEGIN PUBLIC KEY-----" + body + b"-----END PUBLIC KEY-----\n"
                )
            except ValueError:
                continue
            if isinstance(key, Key):
                found.append(key)
    return found
