"""A runner that speaks the protocol as gitlab-runner does, without running anything: tests drive it step by step."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import httpx

FEATURES = {
    "image": True,
    "artifacts": True,
    "upload_multiple_artifacts": True,
    "upload_raw_artifacts": True,
    "refspecs": True,
    "masking": True,
    "raw_variables": True,
    "trace_checksum": True,
    "trace_size": True,
    "cancelable": True,
    "return_exit_code": True,
    "cancel_gracefully": True,
}


@dataclass
class Job:
    """A job the runner holds, with the log it has sent so far."""

    runner: FakeRunner
    response: dict[str, Any]
    log: bytes = b""
    status: str = "running"

    @property
    def id(self) -> int:
        return int(self.response["id"])

    @property
    def token(self) -> str:
        return str(self.response["token"])

    @property
    def variables(self) -> dict[str, str]:
        return {item["key"]: item["value"] for item in self.response["variables"]}

    async def patch(self, start: int, data: bytes) -> httpx.Response:
        """One raw trace chunk."""
        headers = {
            "JOB-TOKEN": self.token,
            "Content-Type": "text/plain",
            "Content-Range": f"{start}-{start + len(data) - 1}",
        }
        url = f"/api/v4/jobs/{self.id}/trace?debug_trace=false"
        return await self.runner.client.patch(url, content=data, headers=headers)

    async def write(self, text: str | bytes) -> httpx.Response:
        """Append to the log, rewinding to where the server says as the real runner does."""
        self.log += text.encode() if isinstance(text, str) else text
        sent = len(self.log) - len(text)
        while True:
            response = await self.patch(sent, self.log[sent:])
            self.status = response.headers.get("Job-Status", self.status)
            if response.status_code != 416:
                return response
            sent = int(response.headers["Range"].split("-")[1])
            if sent >= len(self.log):
                return response

    async def put(self, state: str, **more: Any) -> httpx.Response:
        """One raw update."""
        body = {"info": self.runner.info, "token": self.token, "state": state, **more}
        headers = {"JOB-TOKEN": self.token}
        response = await self.runner.client.put(f"/api/v4/jobs/{self.id}", json=body, headers=headers)
        self.status = response.headers.get("Job-Status", self.status)
        return response

    async def acknowledge(self) -> httpx.Response:
        """What the runner sends right after it got a job."""
        return await self.put("running")

    async def finish(self, state: str = "success", *, reason: str = "", exit_code: int = 0) -> httpx.Response:
        """The final update with the log's checksum."""
        checksum = f"crc32:{zlib.crc32(self.log):08x}"
        more: dict[str, Any] = {"checksum": checksum, "output": {"checksum": checksum, "bytesize": len(self.log)}}
        if state == "failed":
            more |= {"failure_reason": reason or "script_failure", "exit_code": exit_code or 1}
        return await self.put(state, **more)

    async def upload(self, data: bytes, *, name: str = "artifacts.zip", **query: str) -> httpx.Response:
        """An artifact, chunked and without a length."""
        boundary = "0123456789abcdef"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()

        async def body() -> Any:
            yield head
            for start in range(0, len(data), 65536):
                yield data[start : start + 65536]
            yield f"\r\n--{boundary}--\r\n".encode()

        headers = {"JOB-TOKEN": self.token, "Content-Type": f"multipart/form-data; boundary={boundary}"}
        url = f"/api/v4/jobs/{self.id}/artifacts"
        return await self.runner.client.post(url, params=query, content=body(), headers=headers)


@dataclass
class FakeRunner:
    """One registered runner: `client` reaches the forge, `token` is its `glrt-` token."""

    client: httpx.AsyncClient
    token: str
    system_id: str = "s_0123456789ab"
    features: dict[str, bool] = field(default_factory=lambda: dict(FEATURES))
    last_update: str | None = None

    @property
    def info(self) -> dict[str, Any]:
        return {
            "name": "gitlab-runner",
            "version": "18.5.0",
            "revision": "bda84871",
            "platform": "linux",
            "architecture": "amd64",
            "executor": "shell",
            "shell": "bash",
            "features": self.features,
        }

    async def verify(self) -> httpx.Response:
        body = {"info": self.info, "token": self.token, "system_id": self.system_id}
        return await self.client.post("/api/v4/runners/verify", json=body, headers={"RUNNER-TOKEN": self.token})

    async def request(self, *, last_update: str | None = None) -> httpx.Response:
        """One raw request for a job."""
        body = {"info": self.info, "token": self.token, "system_id": self.system_id}
        if last_update is not None:
            body["last_update"] = last_update
        headers = {"RUNNER-TOKEN": self.token, "Accept": "application/json"}
        return await self.client.post("/api/v4/jobs/request", json=body, headers=headers)

    async def claim(self) -> Job | None:
        """Ask for a job as the real runner does, echoing the queue's version."""
        response = await self.request(last_update=self.last_update)
        self.last_update = response.headers.get("X-GitLab-Last-Update", self.last_update)
        if response.status_code == 204:
            return None
        assert response.status_code == 201, response.text
        assert response.headers["content-type"].startswith("application/json")
        assert "run" not in response.json()
        return Job(self, response.json())

    async def take(self) -> Job:
        """A job that must be there."""
        job = await self.claim()
        if job is None:
            job = await self.claim()
        assert job is not None, "no job was handed out"
        return job
