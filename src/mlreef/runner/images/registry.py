"""Reads images from a registry: manifests and blobs, each verified against its digest, with bearer tokens.

Source: OCI distribution specification, "Pull"; distribution "Token Authentication Specification".
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpx

from mlreef.runner.executors.base import PrepareFailed
from mlreef.runner.images.references import Reference
from mlreef.runner.payload import Credential

_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_MAX_MANIFEST = 4 << 20
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class PullFailed(PrepareFailed):
    """The image could not be had."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message, reason="image_pull_failure")
        self.transient = transient


class Registries:
    """The connections of a runner, and how each registry wants its callers to log in, once it has said so."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None) -> None:
        self.http = httpx.AsyncClient(
            transport=transport, timeout=httpx.Timeout(30.0, read=120.0), trust_env=False, follow_redirects=False
        )
        self.challenges: dict[str, str] = {}

    async def close(self) -> None:
        """Close connections."""
        await self.http.aclose()


class RegistryClient:
    """Pulls from one repository of one registry with one job's credential."""

    def __init__(self, registries: Registries, url: str, reference: Reference, login: Credential | None) -> None:
        self._http = registries.http
        self._challenges = registries.challenges
        self._url = url
        self._reference = reference
        self._login = login
        self._headers: dict[str, str] = {}

    async def manifest(self) -> tuple[str, dict[str, Any]]:
        """Digest and content of the image's manifest for this machine's architecture."""
        digest, data = await self._manifest(self._reference.wanted, self._reference.digest)
        if data.get("mediaType") in _INDEXES or "manifests" in data:
            digest, data = await self._manifest(_choose(data), _choose(data))
        if "layers" not in data or "config" not in data:
            raise PullFailed(f"{self._reference} is not an image of a kind this runner knows")
        return digest, data

    async def _manifest(self, wanted: str, expected: str | None) -> tuple[str, dict[str, Any]]:
        async with self._get(f"manifests/{wanted}", ", ".join((*_MANIFESTS, *_INDEXES))) as answer:
            body = await _bounded(answer, _MAX_MANIFEST)
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        if expected is not None and digest != expected:
            raise PullFailed(f"{self._reference}: the registry sent a manifest with digest {digest}")
        try:
            data = json.loads(body)
        except ValueError as exc:
            raise PullFailed(f"{self._reference}: the manifest is not JSON") from exc
        if not isinstance(data, dict):
            raise PullFailed(f"{self._reference}: the manifest is not an object")
        return digest, data

    async def config(self, descriptor: Mapping[str, Any]) -> dict[str, Any]:
        """The image's configuration."""
        async with self._get(f"blobs/{descriptor['digest']}") as answer:
            body = await _bounded(answer, _MAX_MANIFEST)
        if "sha256:" + hashlib.sha256(body).hexdigest() != descriptor["digest"]:
            raise PullFailed(f"{self._reference}: the configuration does not have its digest")
        data = json.loads(body)
        return data if isinstance(data, dict) else {}

    async def content(self, digest: str, *, limit: int) -> bytes:
        """A small blob, verified."""
        async with self._get(f"blobs/{digest}") as answer:
            body = await _bounded(answer, limit)
        if "sha256:" + hashlib.sha256(body).hexdigest() != digest:
            raise PullFailed(f"{self._reference}: the blob {digest} does not have its digest")
        return body

    async def referrers(self, digest: str, artifact_type: str) -> list[dict[str, Any]]:
        """Descriptors of the manifests of a type that refer to an image; none where the registry does not list any."""
        try:
            async with self._get(f"referrers/{digest}?artifactType={quote(artifact_type, safe='')}") as answer:
                data = json.loads(await _bounded(answer, _MAX_MANIFEST))
        except PullFailed as exc:
            if exc.transient:
                raise
            return []
        except ValueError:
            return []
        listed = data.get("manifests") if isinstance(data, dict) else None
        found = [one for one in listed or () if isinstance(one, dict)]
        return [one for one in found if one.get("artifactType") in {None, artifact_type}]

    async def blob(self, digest: str, target: Path, *, limit: int) -> None:
        """Download a blob into a file; it is complete and has its digest, or this raises."""
        hasher, count = hashlib.sha256(), 0
        async with self._get(f"blobs/{digest}") as answer:
            with target.open("wb") as file:
                async for data in answer.aiter_raw(1 << 20):
                    count += len(data)
                    if count > limit:
                        raise PullFailed(f"{self._reference}: layer {digest} is larger than {limit} bytes")
                    hasher.update(data)
                    file.write(data)
        if "sha256:" + hasher.hexdigest() != digest:
            raise PullFailed(f"{self._reference}: layer {digest} arrived with other content")

    @asynccontextmanager
    async def _get(self, path: str, accept: str = "*/*") -> AsyncIterator[httpx.Response]:
        url = f"{self._url}/v2/{self._reference.path}/{path}"
        try:
            if not self._headers and self._url in self._challenges:
                await self._authenticate(self._challenges[self._url])
            for attempt in (1, 2):
                async with self._followed(url, {**self._headers, "Accept": accept}) as answer:
                    if answer.status_code == 401 and attempt == 1:
                        self._challenges[self._url] = answer.headers.get("WWW-Authenticate", "")
                        await self._authenticate(self._challenges[self._url])
                        continue
                    if answer.status_code != 200:
                        status = answer.status_code
                        raise PullFailed(_refusal(self._reference, status), transient=status == 429 or status >= 500)
                    yield answer
                    return
        except httpx.HTTPError as exc:
            message = f"registry {self._reference.host}: {type(exc).__name__}: {exc}"
            raise PullFailed(message, transient=True) from exc

    @asynccontextmanager
    async def _followed(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        """GET with redirects (registries hand out blobs of object stores); the token stays with its origin."""
        for _ in range(5):
            async with self._http.stream("GET", url, headers=headers) as answer:
                location = answer.headers.get("Location")
                if answer.status_code not in {301, 302, 303, 307, 308} or not location:
                    yield answer
                    return
            following = urljoin(url, location)
            if urlsplit(following)[:2] != urlsplit(url)[:2]:
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            url = following
        raise PullFailed(f"registry {self._reference.host} redirects in circles")

    async def _authenticate(self, challenge: str) -> None:
        scheme, _, rest = challenge.partition(" ")
        basic = httpx.BasicAuth(self._login.username, self._login.password) if self._login else None
        if scheme.lower() == "basic" and basic:
            self._headers["Authorization"] = next(basic.auth_flow(httpx.Request("GET", self._url))).headers[
                "Authorization"
            ]
            return
        parameters = dict(_PARAMETER.findall(rest))
        if scheme.lower() != "bearer" or "realm" not in parameters:
            raise PullFailed(f"registry {self._reference.host} asks for an unknown kind of login")
        query = {"service": parameters.get("service", ""), "scope": f"repository:{self._reference.path}:pull"}
        answer = await self._http.get(parameters["realm"], params=query, auth=basic)
        if answer.status_code != 200:
            status = answer.status_code
            message = f"registry {self._reference.host}: login refused ({status})"
            raise PullFailed(message, transient=status == 429 or status >= 500)
        body = answer.json()
        token = body.get("token") or body.get("access_token")
        self._headers["Authorization"] = f"Bearer {token}"


def _choose(index: Mapping[str, Any]) -> str:
    """The manifest of an index that fits this machine."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    for entry in index.get("manifests") or ():
        target = entry.get("platform") or {}
        if target.get("os") == "linux" and target.get("architecture") == machine:
            return str(entry["digest"])
    raise PullFailed(f"the image has no variant for linux/{machine}")


def _refusal(reference: Reference, status: int) -> str:
    if status in {401, 403}:
        return f"{reference}: the registry does not let this job pull the image ({status})"
    if status == 404:
        return f"{reference}: no such image"
    return f"{reference}: the registry answered {status}"


async def _bounded(answer: httpx.Response, limit: int) -> bytes:
    data = b""
    async for piece in answer.aiter_bytes():
        data += piece
        if len(data) > limit:
            raise PullFailed(f"the registry sent more than {limit} bytes")
    return data
