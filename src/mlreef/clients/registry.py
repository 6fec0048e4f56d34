"""An OCI registry over its documented interface: manifests and small blobs, with tokens that are kept while they last.

Source: OCI distribution specification 1.1; distribution "Token Authentication Specification". Layers never pass here.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx

from mlreef.kit.errors import Kind, PlatformError, unavailable

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
_DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_ACCEPT = f"{MANIFEST}, {INDEX}, {_DOCKER}, {_DOCKER_LIST}"
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_MAX_BYTES = 16 << 20
_KINDS = {401: Kind.FORBIDDEN, 403: Kind.FORBIDDEN, 404: Kind.NOT_FOUND, 429: Kind.UNAVAILABLE}


class RegistryError(PlatformError):
    """The registry refused, or answered with something else than what was asked for."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest: its digest, its own bytes, and what they say."""

    digest: str
    media_type: str
    body: bytes
    document: Mapping[str, Any]

    @property
    def descriptor(self) -> dict[str, Any]:
        """How other manifests refer to it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.body)}


class RegistryClient:
    """One registry, used with one account (`username`, `password`) or none."""

    def __init__(self, http: httpx.AsyncClient, url: str, account: tuple[str, str] | None = None) -> None:
        self._http, self._url, self._account = http, url.rstrip("/"), account
        self._tokens: dict[str, tuple[str, float]] = {}

    async def find_manifest(self, repository: str, reference: str) -> Manifest | None:
        """A manifest by digest or tag; one that does not have the digest asked for is an error."""
        path = f"{repository}/manifests/{reference}"
        answer = await self._send("GET", path, repository, headers={"accept": _ACCEPT}, allow=(404,))
        if answer.status_code == 404:
            return None
        digest = digest_of(answer.content)
        if reference.startswith("sha256:") and digest != reference:
            raise RegistryError(Kind.INVALID, f"the registry has other content under {repository}@{reference}")
        try:
            document = json.loads(answer.content)
        except ValueError as exc:
            raise RegistryError(Kind.INVALID, f"the manifest {repository}@{reference} is not JSON") from exc
        if not isinstance(document, dict):
            raise RegistryError(Kind.INVALID, f"the manifest {repository}@{reference} is not an object")
        media_type = document.get("mediaType") or answer.headers.get("content-type", "")
        return Manifest(digest, media_type, answer.content, document)

    async def get_blob(self, repository: str, digest: str) -> bytes:
        """A small blob, verified."""
        answer = await self._send("GET", f"{repository}/blobs/{digest}", repository)
        if len(answer.content) > _MAX_BYTES or digest_of(answer.content) != digest:
            raise RegistryError(Kind.INVALID, f"the registry has other content under {digest}")
        return answer.content

    async def push_blob(self, repository: str, content: bytes) -> dict[str, Any]:
        """Send a small blob; returns the start of its descriptor."""
        digest = digest_of(content)
        headers = {"content-type": "application/octet-stream"}
        path = f"{repository}/blobs/uploads/"
        answer = await self._send("POST", path, repository, params={"digest": digest}, content=content, headers=headers)
        if answer.status_code != 201:
            target = httpx.URL(urljoin(f"{self._url}/", answer.headers["location"])).copy_merge_params(
                {"digest": digest}
            )
            await self._send("PUT", str(target), repository, content=content, headers=headers)
        return {"digest": digest, "size": len(content)}

    async def put_manifest(
        self, repository: str, reference: str | None, body: bytes, media_type: str
    ) -> httpx.Response:
        """Register a manifest under a tag, or under its digest alone."""
        path = f"{repository}/manifests/{reference or digest_of(body)}"
        headers = {"content-type": media_type}
        return await self._send("PUT", path, repository, content=body, headers=headers)

    async def _send(
        self, method: str, path: str, repository: str, *, allow: tuple[int, ...] = (), **sent: Any
    ) -> httpx.Response:
        url = path if path.startswith("http") else f"{self._url}/v2/{path}"
        headers = sent.pop("headers", {})
        answer = await self._request(method, url, headers=headers | self._authorization(repository), **sent)
        if answer.status_code == 401:
            await self._log_in(answer.headers.get("www-authenticate", ""), repository)
            answer = await self._request(method, url, headers=headers | self._authorization(repository), **sent)
        if answer.status_code == 409:
            # Somebody else created the same at this moment.
            await asyncio.sleep(0.1)
            answer = await self._request(method, url, headers=headers | self._authorization(repository), **sent)
        if answer.is_success or answer.status_code in allow:
            return answer
        status = answer.status_code
        kind = _KINDS.get(status, Kind.UNAVAILABLE if status >= 500 else Kind.INVALID)
        raise RegistryError(kind, f"registry: {method} {path.partition('?')[0]}: {_explained(answer)}")

    async def _request(self, method: str, url: str, **sent: Any) -> httpx.Response:
        try:
            return await self._http.request(method, url, **sent)
        except httpx.HTTPError as exc:
            raise unavailable(f"the registry at {self._url} cannot be reached: {exc or type(exc).__name__}") from exc

    def _authorization(self, repository: str) -> dict[str, str]:
        token, until = self._tokens.get(repository, ("", 0.0))
        return {"authorization": token} if token and time.monotonic() < until else {}

    async def _log_in(self, challenge: str, repository: str) -> None:
        kind, _, rest = challenge.partition(" ")
        headers = {}
        if self._account is not None:
            headers["authorization"] = "Basic " + base64.b64encode(":".join(self._account).encode()).decode()
        if kind.lower() == "basic" and headers:
            self._tokens[repository] = (headers["authorization"], time.monotonic() + 300)
            return
        fields = dict(_PARAMETER.findall(rest))
        if kind.lower() != "bearer" or "realm" not in fields:
            raise RegistryError(Kind.FORBIDDEN, f"the registry at {self._url} asks for an unknown kind of login")
        params = {"service": fields.get("service", ""), "scope": f"repository:{repository}:pull,push"}
        answer = await self._request("GET", fields["realm"], params=params, headers=headers)
        if not answer.is_success:
            raise RegistryError(_KINDS.get(answer.status_code, Kind.UNAVAILABLE), "the registry's login was refused")
        found = answer.json()
        token = found.get("token") or found.get("access_token") or ""
        lasting = float(found.get("expires_in") or 60)
        self._tokens[repository] = (f"Bearer {token}", time.monotonic() + max(10.0, lasting - 30))


def digest_of(content: bytes) -> str:
    """The digest by which registries know some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _explained(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["errors"][0]["message"])[:300]
    except (ValueError, KeyError, IndexError, TypeError):
        return f"status {answer.status_code}"
