"""A registry for tests, ours or the stock one, and tokens for it signed by a key of the test."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from mlreef.kit.clock import Clock
from mlreef.registry import Settings, create_app

NAME = "group/project/augment"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"
ISSUER = "mlreef-forge"

_LONG = JWSRegistry(algorithms=["RS256"])
_LONG.max_header_length = 8192


class Signer:
    """What signs tokens in the forge's place: a key and its certificate."""

    def __init__(self) -> None:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
        builder = builder.serial_number(1).not_valid_before(now - timedelta(days=1))
        self.certificate = builder.not_valid_after(now + timedelta(days=1)).sign(private, hashes.SHA256())
        self.key = RSAKey(private, private)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.key.as_dict(private=False)]}

    def token(self, *access: dict[str, Any], **claims: object) -> str:
        now = int(time.time())
        body = {
            "iss": ISSUER,
            "aud": "container_registry",
            "sub": "ada",
            "exp": now + 3600,
            "nbf": now - 5,
            "iat": now - 5,
            "access": list(access),
            **claims,
        }
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        header = {"alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        return jwt.encode(header, body, self.key, registry=_LONG)


SIGNER = Signer()
CATALOG = {"type": "registry", "name": "catalog", "actions": ["*"]}


def access(name: str = NAME, *actions: str) -> dict[str, Any]:
    return {"type": "repository", "name": name, "actions": list(actions) or ["pull", "push", "delete"]}


def bearer(*entries: dict[str, Any], **claims: object) -> dict[str, str]:
    return {"authorization": f"Bearer {SIGNER.token(*entries, **claims)}"}


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def descriptor(data: bytes, media_type: str = LAYER, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data), **more}


def manifest_of(*layers: bytes, config: bytes = b"{}", config_type: str = CONFIG, **more: Any) -> bytes:
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(config, config_type),
        "layers": [descriptor(layer) for layer in layers],
        **more,
    }
    return json.dumps(document).encode()


def index_of(*manifests: bytes, **more: Any) -> bytes:
    listed = [descriptor(body, MANIFEST) for body in manifests]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed, **more}).encode()


@dataclass
class Client:
    """One account's view of one repository."""

    http: httpx.AsyncClient
    name: str = NAME
    headers: dict[str, str] = field(default_factory=lambda: bearer(access()))

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """`path` below the repository, or a URL that the registry gave."""
        url = path if path.startswith(("/", "http")) else f"/v2/{self.name}/{path}"
        headers = {**self.headers, **options.pop("headers", {})}
        return await self.http.request(method, url, headers=headers, **options)

    def of(self, name: str, *entries: dict[str, Any], **claims: object) -> Client:
        """The same registry, another repository or other rights."""
        return Client(self.http, name, bearer(*(entries or (access(name),)), **claims))

    async def upload(self) -> str:
        """Start an upload; where its next bytes go."""
        answer = await self.call("POST", "blobs/uploads/")
        assert answer.status_code == 202, answer.text
        return answer.headers["location"]

    async def push_blob(self, data: bytes) -> str:
        where, digest = await self.upload(), digest_of(data)
        octets = {"content-type": "application/octet-stream"}
        answer = await self.call("PUT", with_query(where, digest=digest), content=data, headers=octets)
        assert answer.status_code == 201, answer.text
        return digest

    async def put_manifest(self, reference: str, body: bytes, media_type: str = MANIFEST) -> httpx.Response:
        return await self.call("PUT", f"manifests/{reference}", content=body, headers={"content-type": media_type})

    async def push_image(self, tag: str | None = "1", *layers: bytes, **more: Any) -> bytes:
        """An image with its blobs; its manifest."""
        blobs: Sequence[bytes] = layers or (b"layer",)
        for data in (b"{}", *blobs):
            await self.push_blob(data)
        body = manifest_of(*blobs, **more)
        answer = await self.put_manifest(tag or digest_of(body), body)
        assert answer.status_code == 201, answer.text
        return body

    async def exists(self, body: bytes) -> bool:
        return (await self.call("HEAD", f"manifests/{digest_of(body)}", headers=ACCEPT)).status_code == 200

    async def has_blob(self, data: bytes) -> bool:
        """Whether the blob is there with all its bytes."""
        answer = await self.call("GET", f"blobs/{digest_of(data)}")
        assert answer.status_code in {200, 404}, answer.text
        return answer.status_code == 200 and answer.content == data


ACCEPT = {"accept": f"{MANIFEST}, {INDEX}"}


def with_query(url: str, **query: str) -> str:
    """A URL that the registry gave, with parameters added to its own."""
    return str(httpx.URL(url).copy_merge_params(query))


def error(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal; its body must be as specified."""
    found = answer.json()["errors"]
    assert all(one["message"] for one in found)
    return answer.status_code, found[0]["code"]


@dataclass
class World:
    """Our registry in this process."""

    app: FastAPI
    client: Client

    @property
    def state(self) -> Any:
        return self.app.state.registry


@asynccontextmanager
async def ours(
    database_url: str, objects_url: str, *, clock: Clock | None = None, **options: Any
) -> AsyncIterator[World]:
    settings = Settings(
        database_url=database_url,
        objects_url=objects_url,
        external_url="http://registry",
        token_realm="http://forge/jwt/auth",
        jwks_url="http://forge/oauth/discovery/keys",
        gc_interval_hours=0,
        **options,
    )
    keys = httpx.MockTransport(lambda _request: httpx.Response(200, json=SIGNER.jwks))
    app = create_app(settings, transport=keys, clock=clock)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://registry") as http,
    ):
        yield World(app, Client(http))
