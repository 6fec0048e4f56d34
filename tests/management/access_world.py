"""A project of each visibility with one of everything in it, for the table of who may do what."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
from code_project import BASE, SCRIPT, Client
from fake_forge import MANAGEMENT, FakeForge, Repo
from fastapi import Response

LEVELS = {"guest": 10, "reporter": 20, "developer": 30, "maintainer": 40, "owner": 50}
ROLES = ("anonymous", "wrong", "blocked", "stranger", *LEVELS, "admin", "job", "foreign job")


@dataclass
class World:
    """`callers` by role; `ids` fill the placeholders of paths and bodies."""

    forge: FakeForge
    client: Client
    project: Repo
    callers: dict[str, httpx.AsyncClient]
    ids: dict[str, Any] = field(default_factory=dict)


async def build(forge: FakeForge, client: Client, visibility: str) -> World:
    """One project with its people, a processor, a publication, a data pipeline, a run and an experiment."""
    project = forge.add_project(f"g/{visibility}", visibility=visibility, files={"a.py": SCRIPT, "train/x.txt": "x"})
    callers = {"anonymous": client(), "wrong": client(**{"private-token": "glpat-wrong"})}
    for role in ("blocked", "stranger", "admin", *LEVELS):
        user = forge.add_user(role, admin=role == "admin")
        callers[role] = client(user)
        if role in LEVELS:
            project.members[role] = LEVELS[role]
    forge.user_by_name("blocked").blocked = True
    project.members["blocked"] = 50
    made = World(forge, client, project, callers, {"pid": project.id})
    serve_lfs(forge, b"weights")
    await _processors(made)
    await _runs(made)
    return made


async def _ok(answer: httpx.Response) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.json()


async def _processors(world: World) -> None:
    await _ok(await world.callers["admin"].post("/api/v1/environments", json={"name": "python-3.11", "image": BASE}))
    await _ok(await world.callers["admin"].post("/api/v1/environments", json={"name": "spare", "image": BASE}))
    owner, base = world.callers["owner"], f"/api/v1/projects/{world.project.id}"
    for name, kind in (("augment", "operation"), ("trainer", "algorithm")):
        body = {"ref": "main", "entry": "a.py", "name": name, "kind": kind, "environment": "python-3.11"}
        started = await _ok(await owner.post(f"{base}/publications", json=body))
        job_id = world.forge.add_job(started["pipeline_id"], "publish")
        job = world.client(job=world.forge.id_token(started["pipeline_id"], job_id))
        spec = await _ok(await job.get("/api/v1/jobs/current"))
        report = world.forge.registry.build(spec, MANAGEMENT)
        await _ok(await job.put("/api/v1/jobs/current/result", json=report))
        done = await _ok(await owner.get(f"/api/v1/publications/{started['id']}"))
        world.ids |= {"publication_id": done["id"], "version_id": done["version_id"]}
        world.ids["processor"] = done["processor"]["id"]


def definition(world: World, kind: str, processor: str) -> dict[str, Any]:
    """A data pipeline with one step."""
    source = {"branch": "main", "path": "train"}
    reference = f"{world.project.path}/{processor}@1.0.0"
    step = {"name": "one", "processor": reference, "inputs": {"input_path": source}}
    return {"version": 1, "name": "p", "kind": kind, "steps": [step]}


async def _runs(world: World) -> None:
    owner, base = world.callers["owner"], f"/api/v1/projects/{world.project.id}"
    document = definition(world, "experiment", "trainer")
    saved = await _ok(await owner.post(f"{base}/pipelines", json={"definition": document}))
    run = await _ok(await owner.post(f"{base}/runs", json={"definition": document}))
    job_id = world.forge.add_job(run["ci_pipeline_id"], "one")
    world.callers["job"] = job = world.client(job=world.forge.id_token(run["ci_pipeline_id"], job_id))
    await _ok(await job.get("/api/v1/jobs/current"))
    manifest = await _ok(await job.put("/api/v1/jobs/current/outputs/output_path", content=manifest_of(b"weights")))
    foreign = world.forge.add_project(f"g/foreign-{world.project.id}", members={"owner": 50})
    made = world.forge.add_pipeline(foreign, "owner")
    world.callers["foreign job"] = world.client(job=world.forge.id_token(made, world.forge.add_job(made, "one")))
    listed = await _ok(await owner.get(f"{base}/experiments"))
    token = world.forge.pipelines[run["ci_pipeline_id"]]["variables"]["MLREEF_CONFIG"]
    world.ids |= {
        "pipeline_id": saved["id"],
        "run_id": run["id"],
        "name": "one",
        "output": "output_path",
        "path": "model.bin",
        "key": "0" * 64,
        "environment": "spare",
        "digest": manifest["digest"],
        "experiment_id": listed["items"][0]["id"],
        "token": token,
    }


def serve_lfs(forge: FakeForge, content: bytes) -> None:
    """Let the fake forge hold one LFS object, for every project."""
    oid = hashlib.sha256(content).hexdigest()

    @forge.app.post("/{path:path}.git/info/lfs/objects/batch")
    async def batch(path: str) -> dict[str, Any]:
        return {"objects": [{"oid": oid, "actions": {"download": {"href": f"http://forge.test/lfs/{oid}"}}}]}

    @forge.app.get(f"/lfs/{oid}")
    async def download() -> Response:
        return Response(content, media_type="application/octet-stream")


def manifest_of(content: bytes) -> bytes:
    """A tree manifest with one file."""
    oid = hashlib.sha256(content).hexdigest()
    entry = {"path": "model.bin", "size": len(content), "oid": oid, "mode": "100644"}
    document = {"version": 1, "entries": [entry]}
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
