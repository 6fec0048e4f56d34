"""GitLab's runner API as a client sees it: verify, ask for jobs, send logs, report results, move artifacts.

Source: gitlab-runner's `network` package. Each method is one HTTP call; who retries and how long is decided by callers.
"""

from __future__ import annotations

import platform
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

import mlreef
from mlreef.kit.errors import Kind, PlatformError, unavailable
from mlreef.runner import payload

# What this runner can do; the forge holds jobs back that need more.
FEATURES = {
    **dict.fromkeys(
        (
            "variables", "image", "artifacts", "shared", "upload_multiple_artifacts", "upload_raw_artifacts",
            "refspecs", "masking", "raw_variables", "artifacts_exclude", "multi_build_steps", "trace_reset",
            "trace_checksum", "trace_size", "return_exit_code", "two_phase_job_commit", "cancelable",
        ),
        True,
    ),
    **dict.fromkeys(("services", "cache", "session", "terminal", "proxy", "cancel_gracefully"), False),
}  # fmt: skip
_POLL_SECONDS = 120.0  # longer than any server holds a long poll
_DEAD = frozenset(["canceled", "failed", "success", "skipped"])


@dataclass(frozen=True, slots=True)
class Reply:
    """What the forge said about a job: may it go on, and where does the forge's copy of its log end."""

    status: int
    job_status: str
    log_end: int | None
    interval: float | None

    @property
    def gone(self) -> bool:
        """Whether the job is not this runner's any more."""
        return self.status in {403, 404} or self.job_status in _DEAD


class RunnerApi:
    """One runner's connection to its forge."""

    def __init__(
        self, url: str, token: str, *, name: str, executor: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._token = token
        self._system_id = f"s_{secrets.token_hex(6)}"
        self.queue_version = ""
        """What the forge last said of its queue; asked with the present one, it may hold the question."""
        self._info = {
            "name": name,
            "version": mlreef.__version__,
            "revision": "mlreef",
            "platform": platform.system().lower(),
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
            "executor": executor,
            "shell": "bash",
            "features": FEATURES,
        }
        self._http = httpx.AsyncClient(
            base_url=f"{url}/api/v4/",
            transport=transport,
            timeout=httpx.Timeout(30.0),
            headers={"User-Agent": f"mlreef-runner {mlreef.__version__}", "Accept": "application/json"},
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close idle connections."""
        await self._http.aclose()

    async def verify(self) -> int:
        """Check the token; the runner's id. Raises `forbidden` when the forge does not know it."""
        answer = await self._send("POST", "runners/verify", json=self._signed(), headers={"RUNNER-TOKEN": self._token})
        if answer.status_code == 200:
            return int(_json(answer).get("id") or 0)
        if answer.status_code in {401, 403, 422}:
            raise PlatformError(Kind.FORBIDDEN, "the forge does not accept this runner's token: create a new runner")
        raise unavailable(f"the forge answered {answer.status_code} to the runner's verification")

    async def request_job(self) -> payload.Job | None:
        """Ask for a job; the forge may hold the question for a while. None when there is nothing to do."""
        body = {**self._signed(), "last_update": self.queue_version}
        answer = await self._send(
            "POST",
            "jobs/request",
            json=body,
            headers={"RUNNER-TOKEN": self._token},
            timeout=httpx.Timeout(30.0, read=_POLL_SECONDS),
        )
        self.queue_version = answer.headers.get("X-GitLab-Last-Update") or self.queue_version
        if answer.status_code == 201:
            return payload.parse(_json(answer))
        if answer.status_code in {204, 409}:
            return None
        if answer.status_code in {401, 403, 422}:
            raise PlatformError(Kind.FORBIDDEN, "the forge does not accept this runner's token (any more)")
        raise unavailable(f"the forge answered {answer.status_code} to the request for jobs")

    async def send_log(self, job: payload.Held, start: int, data: bytes) -> Reply:
        """Append to the job's log."""
        headers = {
            "JOB-TOKEN": job.token,
            "Content-Type": "text/plain",
            "Content-Range": f"{start}-{start + len(data) - 1}",
        }
        return _reply(await self._send("PATCH", f"jobs/{job.id}/trace", content=data, headers=headers))

    async def update(self, job: payload.Held, state: str, details: Mapping[str, Any] | None = None) -> Reply:
        """Report a state: `running` as a sign of life, `success` or `failed` as the end."""
        body = {"info": self._info, "token": job.token, "state": state, **(details or {})}
        return _reply(await self._send("PUT", f"jobs/{job.id}", json=body, headers={"JOB-TOKEN": job.token}))

    async def upload(self, job: payload.Job, artifact: payload.Artifact, filename: str, file: Path) -> int:
        """Upload one artifact file; the HTTP status."""
        query = {"artifact_format": artifact.format, "artifact_type": artifact.kind}
        if artifact.expire_in:
            query["expire_in"] = artifact.expire_in
        boundary = secrets.token_hex(16)
        quoted = filename.replace("\\", "_").replace('"', "_").replace("\r", "_").replace("\n", "_")
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{quoted}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()

        async def body() -> AsyncIterator[bytes]:
            yield head
            with file.open("rb") as source:
                while data := source.read(1 << 20):
                    yield data
            yield tail

        length = len(head) + file.stat().st_size + len(tail)
        headers = {
            "JOB-TOKEN": job.token,
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(length),
        }
        timeout = httpx.Timeout(60.0, read=600.0)
        url = f"jobs/{job.id}/artifacts"
        return (
            await self._send("POST", url, params=query, content=body(), headers=headers, timeout=timeout)
        ).status_code

    async def download(self, dependency: payload.Dependency, target: Path, *, limit: int) -> int:
        """Fetch another job's artifacts into a file; the HTTP status."""
        url, headers = f"jobs/{dependency.id}/artifacts", {"JOB-TOKEN": dependency.token}
        try:
            async with self._http.stream("GET", url, headers=headers, follow_redirects=True) as answer:
                if answer.status_code != 200:
                    return answer.status_code
                count = 0
                with target.open("wb") as file:
                    async for data in answer.aiter_bytes(1 << 20):
                        count += len(data)
                        if count > limit:
                            raise PlatformError(Kind.TOO_LARGE, f"artifacts of {dependency.name}: over {limit} bytes")
                        file.write(data)
                return 200
        except httpx.HTTPError as exc:
            raise unavailable(f"the forge cannot be reached: {type(exc).__name__}: {exc}") from exc

    def _signed(self) -> dict[str, Any]:
        return {"info": self._info, "token": self._token, "system_id": self._system_id}

    async def _send(self, method: str, path: str, *, headers: Mapping[str, str], **options: Any) -> httpx.Response:
        try:
            return await self._http.request(
                method, path, headers={"X-Request-Id": secrets.token_hex(16), **headers}, **options
            )
        except httpx.HTTPError as exc:
            raise unavailable(f"the forge cannot be reached: {type(exc).__name__}: {exc}") from exc


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        data = answer.json()
    except ValueError as exc:
        raise unavailable("the forge's answer is not JSON") from exc
    if not isinstance(data, dict):
        raise unavailable("the forge's answer is not a JSON object")
    return data


def _reply(answer: httpx.Response) -> Reply:
    end = answer.headers.get("Range", "").rpartition("-")[2]
    interval = answer.headers.get("X-GitLab-Trace-Update-Interval", "")
    return Reply(
        status=answer.status_code,
        job_status=answer.headers.get("Job-Status", ""),
        log_end=int(end) if end.isdigit() else None,
        interval=float(interval) if interval.replace(".", "", 1).isdigit() else None,
    )
