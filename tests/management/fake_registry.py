"""A registry in memory beside the fake forge, and the images that a build job would have pushed there."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

router = APIRouter()

HOST = "registry.test:5000"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SBOM, STATEMENT = "application/vnd.cyclonedx+json", "application/vnd.in-toto+json"


def encode(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def manifest(layers: list[str], *, notes: Any = None) -> bytes:
    more = {"annotations": notes} if notes else {}
    rows = [
        {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": one, "size": 1, **more} for one in layers
    ]
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(b"{}"), "size": 2}
    return encode({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": rows})


BASE_LAYER = "sha256:" + "e" * 64
BASE_MANIFEST = manifest([BASE_LAYER])
BASE = f"{HOST}/mlreef/environments/python-3.11@{digest_of(BASE_MANIFEST)}"


class FakeRegistry:
    """What lies where: `manifests[(repository, tag or digest)]`, `blobs[digest]`."""

    def __init__(self) -> None:
        self.manifests: dict[tuple[str, str], bytes] = {}
        self.blobs: dict[str, bytes] = {}
        self.failing: list[int] = []
        self.put("mlreef/environments/python-3.11", BASE_MANIFEST)

    def put(self, repository: str, body: bytes, tag: str | None = None) -> str:
        digest = digest_of(body)
        self.manifests[(repository, digest)] = body
        if tag is not None:
            self.manifests[(repository, tag)] = body
        return digest

    def tags(self, repository: str) -> list[str]:
        return [ref for name, ref in self.manifests if name == repository and not ref.startswith("sha256:")]

    def refer(self, repository: str, image: str, kind: str, document: Any) -> str:
        content = encode(document)
        self.blobs[digest_of(content)] = content
        layer = {"mediaType": kind, "digest": digest_of(content), "size": len(content)}
        subject = {"mediaType": MANIFEST, "digest": image, "size": 1}
        body = {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind, "layers": [layer], "subject": subject}
        return self.put(repository, encode(body))

    def build(self, spec: dict[str, Any], builder: str, content: str = "code", **wrong: Any) -> dict[str, Any]:
        """What a publish job pushes and reports; `wrong` replaces parts of the provenance."""
        what, layers = spec["publication"], [BASE_LAYER, digest_of(content.encode())]
        repository = what["target"].partition("/")[2]
        notes = wrong.pop("annotations", None)
        image = self.put(repository, manifest(wrong.pop("layers", layers), notes=notes))
        asked = {"project": what["project_path"], "commit": what["commit"], "entry": what["entry"]}
        subject = wrong.pop("subject", image)
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": what["target"], "digest": {"sha256": subject.partition(":")[2]}}],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {
                "buildDefinition": {"externalParameters": {**asked, **wrong}},
                "runDetails": {"builder": {"id": builder}},
            },
        }
        told = {
            "sbom": self.refer(repository, subject, SBOM, {"bomFormat": "CycloneDX"}),
            "provenance": self.refer(repository, subject, STATEMENT, statement),
        }
        report = {"status": "success", "image": f"{what['target']}@{image}", "digest": image, "size": 10}
        return {**report, "packages": ["numpy==2.1"], "lock": "# mlreef-lock: x\nnumpy==2.1\n", "attestations": told}


def _registry(request: Request) -> Any:
    return request.app.state.forge.registry


@router.api_route("/v2/{name:path}/manifests/{reference}", methods=["GET", "PUT"])
async def manifests(request: Request, name: str, reference: str) -> Response:
    registry = _registry(request)
    if registry.failing:
        return JSONResponse({"errors": [{"code": "UNAVAILABLE", "message": "away"}]}, registry.failing.pop(0))
    if request.method == "PUT":
        body = await request.body()
        registry.put(name, body, None if reference.startswith("sha256:") else reference)
        return Response(status_code=201, headers={"oci-subject": "yes"})
    found = registry.manifests.get((name, reference))
    if found is None:
        return JSONResponse({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "unknown"}]}, 404)
    return Response(found, media_type=json.loads(found)["mediaType"])


@router.post("/v2/{name:path}/blobs/uploads/")
async def upload(request: Request, name: str, digest: str) -> Response:
    body = await request.body()
    assert digest_of(body) == digest
    _registry(request).blobs[digest] = body
    return Response(status_code=201)


@router.get("/v2/{name:path}/blobs/{digest}")
async def blob(request: Request, name: str, digest: str) -> Response:
    found = _registry(request).blobs.get(digest)
    return Response(found, media_type="application/octet-stream") if found else Response(status_code=404)
