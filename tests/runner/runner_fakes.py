"""A forge in memory that speaks the runner API as the contract has it, and a registry of one image in memory.

The forge keeps each job's log as the real one does: it accepts only bytes that continue it and tells where it ends.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

TOKEN = "glrt-fake"
URL = "http://forge.test"

Running = Callable[..., AbstractAsyncContextManager[asyncio.Event]]


async def eventually(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until the condition holds; fail when it does not within the time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@dataclass
class FakeJob:
    """What the forge knows of one job."""

    payload: dict[str, Any]
    status: str = "running"
    log: bytearray = field(default_factory=bytearray)
    updates: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def text(self) -> str:
        return self.log.decode()

    @property
    def end(self) -> dict[str, Any]:
        return self.updates[-1]


class FakeForge:
    """`queue` jobs, run a runner against `transport`, look at what became of them."""

    def __init__(self) -> None:
        self.jobs: dict[int, FakeJob] = {}
        self.waiting: list[int] = []
        self.changed = asyncio.Event()
        self.down = False
        self.failures = 0
        self.answers: dict[str, list[int]] = {"trace": [], "update": [], "request": []}
        self.forget_log_once = False
        self.requests: list[dict[str, Any]] = []
        self.version: str | None = None
        """The queue's version, when only questions that name it are held; a changed queue is told at once."""
        self.downloads: dict[int, bytes] = {}
        self.app = Starlette(
            routes=[
                Route("/api/v4/runners/verify", self._verify, methods=["POST"]),
                Route("/api/v4/jobs/request", self._request, methods=["POST"]),
                Route("/api/v4/jobs/{id:int}/trace", self._trace, methods=["PATCH"]),
                Route("/api/v4/jobs/{id:int}", self._update, methods=["PUT"]),
                Route("/api/v4/jobs/{id:int}/artifacts", self._upload, methods=["POST"]),
                Route("/api/v4/jobs/{id:int}/artifacts", self._download, methods=["GET"]),
            ]
        )
        self.transport = Unreliable(self)

    def queue(self, script: Sequence[str], **options: Any) -> FakeJob:
        job = FakeJob(job_payload(len(self.jobs) + 1, script, **options))
        self.jobs[job.payload["id"]] = job
        self.waiting.append(job.payload["id"])
        self.changed.set()
        return job

    async def _verify(self, request: Request) -> Response:
        body = await request.json()
        if body["token"] != TOKEN or request.headers["runner-token"] != TOKEN:
            return JSONResponse({"message": "403 Forbidden"}, 403)
        return JSONResponse({"id": 1, "token": TOKEN, "token_expires_at": None})

    async def _request(self, request: Request) -> Response:
        asked = await request.json()
        self.requests.append(asked)
        if self.answers["request"]:
            return Response(status_code=self.answers["request"].pop(0))
        news = self.version is not None and asked["last_update"] != self.version
        if news and not self.waiting:
            return Response(status_code=204, headers={"X-GitLab-Last-Update": self.version or ""})
        if not self.waiting:
            self.changed.clear()
            try:
                async with asyncio.timeout(0.2):
                    await self.changed.wait()
            except TimeoutError:
                return Response(status_code=204, headers={"X-GitLab-Last-Update": "v1"})
        if not self.waiting:
            return Response(status_code=204)
        return JSONResponse(self.jobs[self.waiting.pop(0)].payload, 201)

    def _live(self, request: Request, token: str | None) -> FakeJob | Response:
        job = self.jobs[request.path_params["id"]]
        if token != job.payload["token"]:
            return Response(status_code=403)
        if job.status != "running":
            return Response(status_code=403, headers={"Job-Status": job.status})
        return job

    async def _trace(self, request: Request) -> Response:
        data = await request.body()
        job = self._live(request, request.headers.get("job-token"))
        if isinstance(job, Response):
            return job
        if self.answers["trace"]:
            return Response(status_code=self.answers["trace"].pop(0))
        if self.forget_log_once and job.log:
            self.forget_log_once = False
            job.log.clear()
        start = int(request.headers["content-range"].partition("-")[0])
        headers = {"Job-Status": job.status}
        if start != len(job.log):
            return Response(status_code=416, headers={**headers, "Range": f"0-{len(job.log)}"})
        job.log += data
        self.changed.set()
        return Response(status_code=202, headers={**headers, "Range": f"0-{len(job.log)}"})

    async def _update(self, request: Request) -> Response:
        body = await request.json()
        job = self._live(request, body["token"])
        if isinstance(job, Response):
            return job
        if self.answers["update"] and body["state"] != "running":
            return Response(status_code=self.answers["update"].pop(0))
        job.updates.append(body)
        if body["state"] != "running":
            assert body["output"]["bytesize"] == len(job.log)
            assert body["checksum"] == f"crc32:{zlib.crc32(bytes(job.log)):08x}"
            job.status = body["state"]
            job.ended.set()
        return PlainTextResponse("200", headers={"Job-Status": job.status})

    async def _upload(self, request: Request) -> Response:
        job = self._live(request, request.headers.get("job-token"))
        if isinstance(job, Response):
            return job
        async with request.form() as form:
            upload: Any = form["file"]
            facts = {**request.query_params, "filename": upload.filename}
            job.artifacts.append((facts, await upload.read()))
        return JSONResponse({"id": 1}, 201)

    async def _download(self, request: Request) -> Response:
        return Response(self.downloads[request.path_params["id"]], media_type="application/zip")


class Unreliable(httpx.AsyncBaseTransport):
    """Reaches the forge in memory, unless it is `down`."""

    def __init__(self, forge: FakeForge) -> None:
        self._forge = forge
        self._inner = httpx.ASGITransport(forge.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._forge.down:
            self._forge.failures += 1
            raise httpx.ConnectError("connection refused", request=request)
        answer = await self._inner.handle_async_request(request)
        if self._forge.down:
            raise httpx.ReadError("connection reset", request=request)
        return answer


def job_payload(number: int, script: Sequence[str], **options: Any) -> dict[str, Any]:
    """A 201 answer; `variables` is a plain mapping, `after` an after_script, the rest overrides keys."""
    variables = {"GIT_STRATEGY": "none", "CI": "true", **options.pop("variables", {})}
    after, timeout = options.pop("after", None), options.pop("timeout", 60)
    listed = [{"key": k, "value": v, "public": True, "file": False, "masked": False} for k, v in variables.items()]
    listed += options.pop("more_variables", [])
    steps = [
        {"name": "script", "script": list(script), "timeout": timeout, "when": "on_success", "allow_failure": False}
    ]
    if after:
        steps.append({"name": "after_script", "script": after, "timeout": 60, "when": "always", "allow_failure": True})
    return {
        "id": number,
        "token": f"glcbt-token-of-job-{number}",
        "job_info": {"id": number, "name": "test", "stage": "test", "project_id": 7, "project_full_path": "g/p"},
        "git_info": {
            "repo_url": f"http://gitlab-ci-token:glcbt-token-of-job-{number}@forge.test/g/p.git",
            "ref": "main",
            "sha": "0" * 40,
            "refspecs": [],
            "depth": 20,
            "protected": False,
        },
        "runner_info": {"timeout": timeout},
        "variables": listed,
        "steps": steps,
        "image": None,
        "artifacts": None,
        "features": {
            "token_mask_prefixes": ["glpat-"],
            "failure_reasons": ["runner_interrupted", "image_pull_failure"],
        },
        **options,
    }


def layer(files: Mapping[str, bytes | None], *, links: Mapping[str, str] | None = None) -> bytes:
    """A gzipped tar: None is a directory, a name ending in `*` is executable."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name.rstrip("*"))
            entry.mode = 0o755 if data is None or name.endswith("*") else 0o644
            if data is None:
                entry.type = tarfile.DIRTYPE
            entry.size = len(data or b"")
            tar.addfile(entry, io.BytesIO(data or b""))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return gzip.compress(buffer.getvalue(), 1, mtime=0)


def digest(data: bytes) -> str:
    """Its content address."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


class FakeRegistry:
    """Images of repository `g/p/tool`, behind a token that only the right login gets."""

    def __init__(self, layers: Sequence[bytes], env: Sequence[str] = (), *, open_to_all: bool = False) -> None:
        self._open = open_to_all
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "rootfs": {"type": "layers", "diff_ids": [digest(gzip.decompress(blob)) for blob in layers]},
                "config": {"Env": list(env), "WorkingDir": "/mlreef/work"},
            }
        ).encode()
        self.blobs = {digest(blob): blob for blob in (*layers, config)}
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest(config),
                "size": len(config),
            },
            "layers": [
                {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest(blob), "size": len(blob)}
                for blob in layers
            ],
        }
        self.manifest = json.dumps(manifest).encode()
        self.digest = digest(self.manifest)
        self.pulled: list[str] = []
        self.answers: list[int] = []
        self.app = Starlette(
            routes=[
                Route("/token", self._token),
                Route("/v2/", self._ping),
                Route("/v2/g/p/tool/manifests/{reference}", self._manifest),
                Route("/v2/g/p/tool/blobs/{digest}", self._blob),
            ]
        )
        self.transport = httpx.ASGITransport(self.app)

    async def _ping(self, request: Request) -> Response:
        return self._refused(request) or JSONResponse({})

    async def _token(self, request: Request) -> Response:
        good = httpx.BasicAuth("gitlab-ci-token", "pw").auth_flow(httpx.Request("GET", URL))
        if request.headers.get("authorization") != next(good).headers["authorization"]:
            return Response(status_code=401)
        return JSONResponse({"token": "let-me-pull"})

    def _refused(self, request: Request) -> Response | None:
        if self.answers:
            return Response(status_code=self.answers.pop(0))
        if self._open or request.headers.get("authorization") == "Bearer let-me-pull":
            return None
        realm = 'Bearer realm="http://registry.test/token",service="registry",scope="repository:g/p/tool:pull"'
        return Response(status_code=401, headers={"WWW-Authenticate": realm})

    async def _manifest(self, request: Request) -> Response:
        return self._refused(request) or Response(
            self.manifest, media_type="application/vnd.oci.image.manifest.v1+json"
        )

    async def _blob(self, request: Request) -> Response:
        wanted = request.path_params["digest"]
        if (refused := self._refused(request)) is not None:
            return refused
        self.pulled.append(wanted)
        return Response(self.blobs[wanted]) if wanted in self.blobs else Response(status_code=404)
