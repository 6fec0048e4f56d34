"""A code project that is ready to be published from, and the steps of a publication as a test takes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from fake_forge import MANAGEMENT, FakeForge
from fake_registry import BASE

__all__ = ["BASE", "SCRIPT", "Client", "Code"]

Client = Callable[..., httpx.AsyncClient]

SCRIPT = """\
import argparse

parser = argparse.ArgumentParser(description="Turns pictures")
parser.add_argument("--input-path", required=True)
parser.add_argument("--output-path", required=True)
parser.add_argument("--rotate", type=int, default=10, help="degrees")
args = parser.parse_args()
"""


@dataclass
class Code:
    """The project and its people."""

    forge: FakeForge
    client: Client
    project: Any
    maintainer: httpx.AsyncClient

    async def publish(self, **changes: Any) -> httpx.Response:
        body = {
            "ref": "main",
            "entry": "augment.py",
            "name": "augment",
            "kind": "operation",
            "environment": "python-3.11",
            **changes,
        }
        return await self.maintainer.post(f"/api/v1/projects/{self.project.id}/publications", json=body)

    def job(self, publication: dict[str, Any]) -> tuple[int, httpx.AsyncClient]:
        """The job of a publication: its id, and a client that speaks for it."""
        job_id = self.forge.add_job(publication["pipeline_id"], "publish")
        return job_id, self.client(job=self.forge.id_token(publication["pipeline_id"], job_id))

    async def build(self, publication: dict[str, Any], content: str = "code", **wrong: Any) -> httpx.Response:
        """What the job of a publication does in the end."""
        _, job = self.job(publication)
        spec = (await job.get("/api/v1/jobs/current")).json()
        report = self.forge.registry.build(spec, MANAGEMENT, content, **wrong)
        return await job.put("/api/v1/jobs/current/result", json=report)

    async def published(self, **changes: Any) -> dict[str, Any]:
        """A publication from beginning to end."""
        started = (await self.publish(**changes)).json()
        answer = await self.build(started)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = (await self.maintainer.get(f"/api/v1/publications/{started['id']}")).json()
        return found

    async def hook(self, event: dict[str, Any], key: str | None = None) -> httpx.Response:
        headers = {"x-gitlab-token": self.project.hooks[0]["token"]}
        if key is not None:
            headers["idempotency-key"] = key
        return await self.client(**headers).post("/api/v1/hooks/forge", json=event)
