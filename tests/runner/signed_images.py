"""A registry of any number of repositories, and images in it that the management service's own code has signed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from mlreef.clients import registry
from mlreef.management.attestations import documents
from mlreef.management.attestations.keys import Signer


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


class SignedRegistry:
    """`manifests[(repository, tag or digest)]` and `blobs[digest]`, open to everybody."""

    def __init__(self, signer: Signer | None = None) -> None:
        self.signer = signer or Signer(ec.generate_private_key(ec.SECP256R1()))
        self.manifests: dict[tuple[str, str], bytes] = {}
        self.blobs: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.app = Starlette(
            routes=[
                Route("/v2/", lambda _request: JSONResponse({})),
                Route("/api/v1/keys/signing", lambda _request: PlainTextResponse(self.signer.public_pem)),
                Route("/v2/{name:path}/manifests/{reference}", self._manifest),
                Route("/v2/{name:path}/blobs/{digest}", self._blob),
                Route("/v2/{name:path}/referrers/{digest}", self._referrers),
            ]
        )
        self.transport = httpx.ASGITransport(self.app)

    def push(self, repository: str, layers: list[bytes], env: tuple[str, ...] = (), note: str = "") -> str:
        """An image; returns its digest."""
        rows = [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest_of(one), "size": len(one)}
            for one in layers
        ]
        config = json.dumps(
            {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []},
             "config": {"Env": list(env), "WorkingDir": "/", "Labels": {"note": note}}}
        ).encode()  # fmt: skip
        for blob in (*layers, config):
            self.blobs[digest_of(blob)] = blob
        described = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": len(config)}
        manifest = {"schemaVersion": 2, "mediaType": registry.MANIFEST, "layers": rows}
        return self.put(repository, json.dumps({**manifest, "config": {**described, "digest": digest_of(config)}}))

    def put(self, repository: str, document: str | bytes, tag: str | None = None) -> str:
        body = document.encode() if isinstance(document, str) else document
        self.manifests[(repository, tag or digest_of(body))] = self.manifests[(repository, digest_of(body))] = body
        return digest_of(body)

    def sign(self, host: str, repository: str, digest: str, signer: Signer | None = None) -> documents.Artifact:
        """Sign as the management service does, and put the signature beside the image."""
        made = self.signature(host, repository, digest, signer)
        self.put(repository, made.manifest, made.tag)
        return made

    def signature(self, host: str, repository: str, digest: str, signer: Signer | None = None) -> documents.Artifact:
        image = registry.Manifest(digest, registry.MANIFEST, b"", {})
        made = documents.signature(signer or self.signer, image, f"{host}/{repository}", {})
        for blob in made.blobs:
            self.blobs[digest_of(blob)] = blob
        return made

    async def _manifest(self, request: Request) -> Response:
        where = (request.path_params["name"], request.path_params["reference"])
        self.asked.append("/".join(where))
        if where not in self.manifests:
            return JSONResponse({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, 404)
        return Response(self.manifests[where], media_type=registry.MANIFEST)

    async def _blob(self, request: Request) -> Response:
        found = self.blobs.get(request.path_params["digest"])
        return Response(found) if found is not None else Response(status_code=404)

    async def _referrers(self, request: Request) -> Response:
        wanted: list[dict[str, Any]] = []
        for (name, reference), body in self.manifests.items():
            document = json.loads(body)
            subject = (document.get("subject") or {}).get("digest")
            if (name, subject) == (request.path_params["name"], request.path_params["digest"]) and ":" in reference:
                wanted.append({"digest": reference, "artifactType": document["artifactType"]})
        return JSONResponse({"schemaVersion": 2, "manifests": wanted})


def other_signer() -> Signer:
    return Signer(ed25519.Ed25519PrivateKey.generate())
