"""One small server that stands in for forge, management and registry while a processor runs on this machine.

The runner and the framework in the job speak to it as they speak to the real ones, so nothing of them is rewritten. It
listens on the loopback address only and asks for a token that nobody else knows.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
import secrets
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from mlreef.cli.local.image import Image
from mlreef.cli.local.step import Report, Source
from mlreef.kit.errors import invalid

_DIGEST = re.compile(r"[0-9a-f]{64}")
ACCOUNT = "job"
"""Under which the executor logs in to pull the image."""


@dataclass(slots=True)
class Work:
    """The one job that is handed out, and everything that it may ask for."""

    payload: dict[str, Any]
    specification: dict[str, Any]
    sources: dict[str, Source]
    image: Image
    framework: bytes
    stored: Path
    show: Callable[[bytes], None]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    report: Report = field(default_factory=Report)
    claimed: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)


def application(work: Work) -> Starlette:
    """The server's routes."""
    stand = _Stand(work)
    job = "/api/v1/jobs/current"
    return Starlette(
        routes=[
            Route("/api/v4/runners/verify", stand.verify, methods=["POST"]),
            Route("/api/v4/jobs/request", stand.request, methods=["POST"]),
            Route("/api/v4/jobs/{id:int}/trace", stand.trace, methods=["PATCH"]),
            Route("/api/v4/jobs/{id:int}", stand.update, methods=["PUT"]),
            Route("/api/v1/epf.pyz", stand.framework),
            Route(job, stand.current),
            Route(job + "/manifests/{digest}", stand.manifest),
            Route(job + "/outputs/{name}", stand.output, methods=["PUT"]),
            Route(job + "/result", stand.result, methods=["PUT"]),
            Route(job + "/{stream}", stand.stream, methods=["POST"]),
            Route("/local/lfs/objects/batch", stand.batch, methods=["POST"]),
            Route("/local/objects/{oid}", stand.object, methods=["GET", "PUT"]),
            Route("/v2/", stand.registry),
            Route("/v2/{name:path}/manifests/{reference}", stand.image_manifest),
            Route("/v2/{name:path}/blobs/{digest}", stand.image_blob),
        ]
    )


class _Stand:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- as the forge, to the runner

    async def verify(self, request: Request) -> Response:
        if request.headers.get("runner-token") != self._work.token:
            return Response(status_code=403)
        return JSONResponse({"id": 1})

    async def request(self, request: Request) -> Response:
        if request.headers.get("runner-token") != self._work.token:
            return Response(status_code=403)
        if self._work.claimed:
            await asyncio.sleep(0.5)
            return Response(status_code=204)
        self._work.claimed = True
        return JSONResponse(self._work.payload, 201)

    async def trace(self, request: Request) -> Response:
        if request.headers.get("job-token") != self._work.token:
            return Response(status_code=403)
        data = await request.body()
        start = int(request.headers["content-range"].partition("-")[0])
        self._work.show(data)
        headers = {"Range": f"0-{start + len(data)}", "Job-Status": "running", "X-GitLab-Trace-Update-Interval": "0.2"}
        return Response(status_code=202, headers=headers)

    async def update(self, request: Request) -> Response:
        told = await request.json()
        if told.get("token") != self._work.token:
            return Response(status_code=403)
        if told["state"] != "running":
            self._work.report.state = told["state"]
            self._work.report.reason = told.get("failure_reason") or ""
            self._work.ended.set()
        return Response(status_code=200, headers={"Job-Status": "running"})

    # -- as management, to the framework in the job

    def _refused(self, request: Request) -> Response | None:
        if request.headers.get("authorization", "").removeprefix("Bearer ") == self._work.token:
            return None
        return JSONResponse({"error": {"kind": "unauthenticated", "message": "not this job"}}, 401)

    async def framework(self, request: Request) -> Response:
        del request
        return Response(self._work.framework, media_type="application/zip")

    async def current(self, request: Request) -> Response:
        return self._refused(request) or JSONResponse(self._work.specification)

    async def manifest(self, request: Request) -> Response:
        found = next((one for one in self._work.sources.values() if one.digest == request.path_params["digest"]), None)
        refused = self._refused(request)
        if refused is not None or found is None:
            return refused or Response(status_code=404)
        return Response(found.manifest, media_type="application/json")

    async def output(self, request: Request) -> Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        document = await request.json()
        self._work.report.outputs[request.path_params["name"]] = document["entries"]
        return JSONResponse({})

    async def result(self, request: Request) -> Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        self._work.report.result = await request.json()
        return JSONResponse({"status": self._work.report.result.get("status")})

    async def stream(self, request: Request) -> Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        told, report = await request.json(), self._work.report
        for point in told.get("points") or ():
            if isinstance(point.get("value"), (int, float)):
                report.metrics.setdefault(point["key"], []).append(point["value"])
        report.params.update(told.get("params") or {})
        return JSONResponse({"accepted": True})

    # -- as the LFS store

    async def batch(self, request: Request) -> Response:
        told = await request.json()
        base = f"{request.url.scheme}://{request.url.netloc}/local/objects"
        rows = []
        for one in told["objects"]:
            row = {"oid": one["oid"], "size": one["size"]}
            kept = self._place(one["oid"]) is not None
            if told["operation"] == "download" and not kept:
                row["error"] = {"code": 404, "message": "not there"}
            elif told["operation"] == "download" or not kept:
                header = {"X-Local-Token": self._work.token}
                row["actions"] = {told["operation"]: {"href": f"{base}/{one['oid']}", "header": header}}
            rows.append(row)
        return JSONResponse({"transfer": "basic", "objects": rows})

    def _place(self, oid: str) -> Path | None:
        places = [one.places[oid] for one in self._work.sources.values() if oid in one.places]
        stored = self._work.stored / oid
        return places[0] if places else stored if stored.is_file() else None

    async def object(self, request: Request) -> Response:
        oid = request.path_params["oid"]
        if request.headers.get("x-local-token") != self._work.token or not _DIGEST.fullmatch(oid):
            return Response(status_code=403)
        if request.method == "GET":
            place = self._place(oid)
            return FileResponse(place) if place is not None else Response(status_code=404)
        state, part = hashlib.sha256(), self._work.stored / f"{oid}.{secrets.token_hex(4)}"
        with part.open("wb") as file:
            async for chunk in request.stream():
                state.update(chunk)
                file.write(chunk)
        if state.hexdigest() != oid:
            part.unlink()
            return Response(status_code=400)
        part.rename(self._work.stored / oid)
        return Response(status_code=200)

    # -- as the registry, to the executor

    def _unknown(self, request: Request) -> Response | None:
        given = request.headers.get("authorization", "")
        wanted = base64.b64encode(f"{ACCOUNT}:{self._work.token}".encode()).decode()
        if given == f"Basic {wanted}":
            return None
        body = {"errors": [{"code": "UNAUTHORIZED", "message": "not this job"}]}
        return JSONResponse(body, 401, headers={"WWW-Authenticate": 'Basic realm="local"'})

    async def registry(self, request: Request) -> Response:
        return self._unknown(request) or JSONResponse({})

    async def image_manifest(self, request: Request) -> Response:
        refused, image = self._unknown(request), self._work.image
        if refused is not None:
            return refused
        if request.path_params["reference"] not in {"local", image.digest}:
            return Response(status_code=404)
        headers = {"docker-content-digest": image.digest}
        return Response(image.manifest, media_type=image.media_type, headers=headers)

    async def image_blob(self, request: Request) -> Response:
        refused, image = self._unknown(request), self._work.image
        if refused is not None:
            return refused
        digest = request.path_params["digest"]
        headers = {"docker-content-digest": digest}
        if digest in image.small:
            return Response(image.small[digest], media_type="application/octet-stream", headers=headers)
        if digest in image.files:
            return FileResponse(image.files[digest], media_type="application/octet-stream", headers=headers)
        if image.upstream is None or digest not in image.known:
            return Response(status_code=404)
        size = str(image.known[digest])
        return StreamingResponse(image.upstream.blob(digest), headers={**headers, "content-length": size})


class _Server(uvicorn.Server):
    """A server that leaves signals to the command."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listening() -> socket.socket:
    """A socket on a free port of the loopback address."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.bind(("127.0.0.1", 0))
    return found


@asynccontextmanager
async def serving(work: Work, place: socket.socket) -> AsyncIterator[None]:
    """Serve for the time of the block."""
    server = _Server(uvicorn.Config(application(work), log_config=None, access_log=False, lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[place]))
    try:
        for _ in range(2000):
            if server.started or task.done():
                break
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task


def materialise(entries: list[dict[str, Any]], stored: Path, target: Path, sources: dict[str, Source]) -> int:
    """Put an output's files where the user wants them; returns how many bytes they have."""
    target.mkdir(parents=True, exist_ok=True)
    for one in entries:
        if ".." in one["path"].split("/") or one["path"].startswith("/"):
            raise invalid(f"the output holds a file named {one['path']!r}")
        place = target / one["path"]
        place.parent.mkdir(parents=True, exist_ok=True)
        kept = [found.places[one["oid"]] for found in sources.values() if one["oid"] in found.places]
        shutil.copyfile(kept[0] if kept else stored / one["oid"], place)
        place.chmod(0o755 if one["mode"] == "100755" else 0o644)
    return sum(int(one["size"]) for one in entries)
