"""Runs over HTTP: a data project, two published processors, and jobs that behave as tests say."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import Request, Response
from sqlalchemy import insert
from world import manifest

from mlreef.management.hooks import secrets
from mlreef.management.processors import tables as processors

INPUT = {"name": "input", "flag": "--input", "type": "path", "required": True, "role": "input"}
OUTPUT = {"name": "output", "flag": "--output", "type": "path", "required": False, "role": "output"}
ROTATE = {"name": "rotate", "flag": "--rotate", "type": "integer", "default": 0, "min": -180, "max": 180}


async def publish(state, project, name, kind, *, number="1.0.0"):
    """Write a processor and its only version, as a publication does."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    version_id = f"ver_{name}"
    processor = {
        "id": f"prc_{name}",
        "project_id": project.id,
        "project_path": project.path,
        "name": name,
        "title": name,
        "description": "",
        "kind": kind,
        "environment": "python-3.11",
        "input_types": [],
        "output_types": [],
        "latest_version_id": version_id,
        "usage_count": 0,
        "search_text": name,
        "created_at": now,
        "published_at": now,
    }
    version = {
        "id": version_id,
        "processor_id": f"prc_{name}",
        "version": number,
        "major": 1,
        "minor": 0,
        "patch": 0,
        "kind": kind,
        "commit": "d" * 40,
        "entry": f"{name}.py",
        "command": ["python3", f"/mlreef/code/{name}.py"],
        "parameters": [INPUT, OUTPUT, ROTATE],
        "image": f"registry.test/{project.path}/{name}@sha256:{'1' * 64}",
        "digest": f"sha256:{'1' * 64}",
        "environment": "python-3.11",
        "base_image": "b@sha256:0",
        "packages": [],
        "status": "published",
        "publication_id": f"pub_{name}",
        "published_by_id": 2,
        "published_by": "ada",
        "published_at": now,
    }
    async with state.db.write() as tx:
        await tx.execute(insert(processors.processors).values(**processor))
        await tx.execute(insert(processors.versions).values(**version))


@dataclass
class Stage:
    """Who and what there is."""

    forge: Any
    client: Any
    state: Any
    data: Any
    code: Any
    ada: Any
    stranger: Any

    def definition(self, *steps, kind="experiment", **more):
        return {"version": 1, "name": "clean", "kind": kind, "steps": list(steps), **more}

    def step(self, name="train", *, after=None, **fields):
        source = {"step": after, "output": "output"} if after else {"branch": "main", "path": "train"}
        reference = f"{self.code.path}/{name}@1.0.0"
        return {"name": name, "processor": reference, "inputs": {"input": source}, **fields}

    async def post(self, path, body=None, *, user="ada", status=None):
        answer = await self.client(getattr(self, user) if user else None).post(path, json=body)
        assert status is None or answer.status_code == status, answer.text
        return answer.json()

    async def get(self, path, *, user="ada", status=200):
        answer = await self.client(getattr(self, user) if user else None).get(path)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def start(self, *steps, kind="experiment", status=201, **more):
        body = {"definition": self.definition(*steps, kind=kind), **more}
        return await self.post(f"/api/v1/projects/{self.data.id}/runs", body, status=status)

    async def hook(self, event):
        secret = secrets.of_project("hook-secret", event["project"]["id"])
        headers = {"x-gitlab-token": secret, "x-gitlab-event": "Job Hook"}
        answer = await self.client().post("/api/v1/hooks/forge", json=event, headers=headers)
        assert answer.status_code < 300, answer.text

    def job(self, run, step):
        job_id = self.forge.add_job(run["ci_pipeline_id"], step)
        token = self.forge.id_token(run["ci_pipeline_id"], job_id)
        return Job(self, job_id, self.client(job=token))

    async def run(self, run):
        return await self.get(f"/api/v1/runs/{run['id']}")

    async def ended(self, run):
        """The run once it has ended; datasets are committed in the background."""
        async with asyncio.timeout(20):
            while True:
                found = await self.run(run)
                if found["finished_at"] is not None:
                    return found
                await asyncio.sleep(0.02)


@dataclass
class Job:
    stage: Stage
    id: int
    http: Any

    async def call(self, method, path="", status=200, **options):
        answer = await self.http.request(method, f"/api/v1/jobs/current{path}", **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def output(self, files=None):
        return await self.call("PUT", "/outputs/output", content=manifest(files or {"model.bin": "weights"}))

    async def result(self, **fields):
        return await self.call("PUT", "/result", content=json.dumps({"status": "success", **fields}))

    async def ends(self, status="success", reason=None):
        times = {"started_at": "2026-01-01T00:00:00.000Z", "finished_at": "2026-01-01T00:00:09.000Z", "duration": 9.0}
        await self.stage.hook(self.stage.forge.job_event(self.id, status, reason=reason, **times))

    async def succeeds(self, files=None):
        await self.call("GET")
        await self.output(files)
        await self.result(exit_code=0)
        await self.ends()


def serve_lfs(forge, objects):
    """Give the fake forge an LFS store: content by its hash."""
    by_oid = {hashlib.sha256(content).hexdigest(): content for content in objects}

    @forge.app.post("/{path:path}.git/info/lfs/objects/batch")
    async def batch(request: Request, path: str):
        forge.lfs_asked = request.headers["authorization"]
        oid = (await request.json())["objects"][0]["oid"]
        if oid not in by_oid:
            return {"objects": [{"oid": oid, "error": {"code": 404}}]}
        return {"objects": [{"oid": oid, "actions": {"download": {"href": f"http://forge.test/lfs/{oid}"}}}]}

    @forge.app.get("/lfs/{oid}")
    async def download(oid: str):
        return Response(by_oid[oid], media_type="application/octet-stream")
