"""CI in place: the forge's own gate, policy, repositories and key around it."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import text

from mlreef.forge import wire
from mlreef.forge.access.deps import gate
from mlreef.forge.access.principal import JobPrincipal
from mlreef.forge.access.tables import audit_events, tokens, users
from mlreef.forge.ci import app as ci_app
from mlreef.forge.ci import service
from mlreef.forge.groups.tables import members, namespaces
from mlreef.forge.oidc.keys import SigningKey
from mlreef.forge.projects.tables import projects
from mlreef.forge.repos.context import open_repos
from mlreef.forge.repos.events import PushEvent
from mlreef.forge.settings import Settings
from mlreef.forge.state import State
from mlreef.kit import ids
from mlreef.kit.clock import SystemClock
from mlreef.kit.db import Database, Seal, Tx
from mlreef.kit.errors import PlatformError
from mlreef.kit.objects import MemoryObjects
from support.fake_runner import FakeRunner

NOW = datetime.now(UTC)
CONFIG = b"a:\n  script: [x]\n  id_tokens: {T: {aud: http://m}}\n"


async def fill(tx: Tx) -> dict[str, str]:
    """Ada owns project 7, Bob is a stranger, Root is an administrator; their tokens."""
    found = {}
    common = {"state": "active", "external": False, "bot": False, "profile": {}, "created_at": NOW}
    for number, name in enumerate(("ada", "bob", "root"), 1):
        email = f"{name}@x.org"
        row = {**common, "id": number, "username": name, "name": name, "email": email, "admin": name == "root"}
        await tx.insert(users, row)
        found[name] = ids.new_token("glpat-")
        held = {"user_id": number, "name": "t", "token_hash": ids.hash_token(found[name]), "scopes": ["api"]}
        await tx.insert(tokens, {**held, "created_at": NOW, "revoked": False})
    group = {
        "name": "Lab",
        "path": "lab",
        "full_path": "lab",
        "visibility": "private",
        "description": "",
        "settings": {},
    }
    await tx.insert(namespaces, {**group, "id": 3, "kind": "group", "traversal": "3/", "created_at": NOW})
    member = {"source_type": "group", "source_id": 3, "user_id": 1, "access_level": 50, "created_at": NOW}
    await tx.insert(members, member)
    row = {"id": 7, "namespace_id": 3, "name": "Iris", "path": "iris", "full_path": "lab/iris", "settings": {}}
    row |= {"description": "", "visibility": "private", "creator_id": 1, "archived": False, "default_branch": "main"}
    times = dict.fromkeys(("created_at", "updated_at", "last_activity_at"), NOW)
    await tx.insert(projects, {**row, **times, "star_count": 0, "forks_count": 0, "state": "ready"})
    return found


class JobTokens:
    async def find(self, tx: Tx, token: str) -> JobPrincipal | None:
        return await service.find_job_token(tx, token)


class Forge:
    def __init__(self, client: httpx.AsyncClient, state: State, secrets: dict[str, str]) -> None:
        self.client, self.state, self.secrets = client, state, secrets

    async def call(self, who: str, method: str, path: str, **more: object) -> httpx.Response:
        headers = {"PRIVATE-TOKEN": self.secrets[who]} if who in self.secrets else {}
        return await self.client.request(method, f"/api/v4{path}", headers=headers, **more)  # type: ignore[arg-type]


@pytest.fixture
async def forge(tmp_path: Path) -> AsyncIterator[Forge]:
    url = f"sqlite:///{tmp_path}/forge.db"
    settings = Settings(
        database_url=url,
        repositories_dir=tmp_path / "repos",
        objects_url="memory://",
        secrets_dir=tmp_path / "secrets",
        external_url="http://forge.test",
        long_poll_seconds=0,
    )
    db = Database.open(url, migrations="mlreef.forge.migrations", seal=Seal.load(tmp_path / "key"))
    await db.migrate()
    key = SigningKey.load(settings.secrets_dir)
    state = State(settings, db, MemoryObjects(), SystemClock(), key, JobTokens())
    repos = state.parts["repos"] = open_repos(settings.repositories_dir)
    await repos.storage.create(7)
    stream = b"commit refs/heads/main\ncommitter A <a@b> 1 +0000\ndata 1\nm\nM 100644 inline .gitlab-ci.yml\n"
    stream += f"data {len(CONFIG)}\n".encode() + CONFIG + b"\n"
    subprocess.run(["git", "fast-import", "--quiet"], input=stream, cwd=repos.storage.path(7), check=True)
    app = FastAPI(dependencies=[Depends(gate)])
    app.state.forge = state
    app.add_exception_handler(PlatformError, wire.render)
    for router in ci_app.routers:
        app.include_router(router)
    async with db.write() as tx:
        secrets = await fill(tx)
    async with ci_app.running(app, state):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://forge.test") as client:
            yield Forge(client, state, secrets)
    await db.close()


async def runner(forge: Forge) -> FakeRunner:
    made = await forge.call("root", "POST", "/user/runners", json={"runner_type": "instance_type"})
    assert made.status_code == 201, made.text
    return FakeRunner(forge.client, made.json()["token"])


async def test_a_member_runs_a_pipeline_on_a_real_repository(forge: Forge):
    made = await forge.call("ada", "POST", "/projects/7/pipeline", json={"ref": "main"})
    assert made.status_code == 201, made.text
    job = await (await runner(forge)).take()
    assert job.variables["CI_PROJECT_PATH"] == "lab/iris"
    assert job.variables["T"].count(".") == 2
    async with forge.state.db.read() as tx:
        found = await forge.state.job_tokens.find(tx, job.token)
    assert found is not None
    assert (found.project_id, found.user_id, found.job_id) == (7, 1, job.id)
    await job.finish()
    shown = await forge.call("ada", "GET", f"/projects/7/pipelines/{made.json()['id']}")
    assert shown.json()["status"] == "success"
    async with forge.state.db.read() as tx:
        assert await forge.state.job_tokens.find(tx, job.token) is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/projects/7/pipelines"),
        ("POST", "/projects/7/pipeline"),
        ("GET", "/projects/7/jobs"),
        ("GET", "/projects/7/hooks"),
        ("POST", "/projects/7/hooks"),
        ("GET", "/projects/7/variables"),
        ("GET", "/projects/7/runners"),
        ("GET", "/groups/3/variables"),
    ],
)
async def test_strangers_see_nothing(forge: Forge, method: str, path: str):
    assert (await forge.call("bob", method, path)).status_code == 404
    assert (await forge.call("nobody", method, path)).status_code in {401, 404}
    assert (await forge.call("ada", method, path)).status_code in {200, 400}


@pytest.mark.parametrize("path", ["/runners/all", "/admin/ci/variables"])
async def test_the_instance_belongs_to_administrators(forge: Forge, path: str):
    assert (await forge.call("ada", "GET", path)).status_code == 403
    assert (await forge.call("root", "GET", path)).status_code == 200
    refused = await forge.call("ada", "POST", "/user/runners", json={"runner_type": "instance_type"})
    assert refused.status_code == 403


async def test_a_push_reaches_the_loops(forge: Forge):
    repos = forge.state.parts["repos"]
    command = ["git", "rev-parse", "main"]
    sha = subprocess.run(command, cwd=repos.storage.path(7), capture_output=True, check=True, text=True).stdout.strip()
    await repos.hooks.publish(PushEvent(7, "refs/heads/main", "0" * 40, sha, 1))
    taker = await runner(forge)
    for _ in range(500):
        job = await taker.claim()
        if job is not None:
            break
    assert job is not None
    assert job.variables["CI_PIPELINE_SOURCE"] == "push"


async def test_changes_of_rights_and_secrets_are_in_the_audit_log(forge: Forge):
    await runner(forge)
    await forge.call("ada", "POST", "/projects/7/variables", json={"key": "K", "value": "secret value"})
    await forge.call("ada", "POST", "/projects/7/hooks", json={"url": "http://x.org/", "token": "secret value"})
    async with forge.state.db.read() as tx:
        rows = await tx.all(audit_events.select().order_by(audit_events.c.id))
    assert [(row["actor"], row["action"]) for row in rows] == [
        ("root", "runner.create"),
        ("ada", "variable.create"),
        ("ada", "hook.create"),
    ]
    assert "secret value" not in str(rows)


async def test_pipelines_and_jobs_are_in_the_audit_log(forge: Forge):
    made = (await forge.call("ada", "POST", "/projects/7/pipeline", json={"ref": "main"})).json()
    jobs = (await forge.call("ada", "GET", f"/projects/7/pipelines/{made['id']}/jobs")).json()
    await forge.call("ada", "POST", f"/projects/7/jobs/{jobs[0]['id']}/cancel")
    await forge.call("ada", "POST", f"/projects/7/jobs/{jobs[0]['id']}/retry")
    await forge.call("ada", "POST", f"/projects/7/pipelines/{made['id']}/cancel")
    await forge.call("ada", "POST", f"/projects/7/pipelines/{made['id']}/retry")
    async with forge.state.db.read() as tx:
        rows = await tx.all(audit_events.select().order_by(audit_events.c.id))
    assert [row["action"] for row in rows] == [
        "pipeline.create",
        "job.cancel",
        "job.retry",
        "pipeline.cancel",
        "pipeline.retry",
    ]
    assert rows[0]["target_id"] == made["id"]


async def test_values_of_variables_and_secrets_of_hooks_are_encrypted_at_rest(forge: Forge, tmp_path: Path):
    await forge.call("ada", "POST", "/projects/7/variables", json={"key": "K", "value": "plain-secret-1"})
    await forge.call("ada", "PUT", "/projects/7/variables/K", json={"value": "plain-secret-2"})
    await forge.call("ada", "POST", "/projects/7/hooks", json={"url": "http://x.org/", "token": "plain-secret-3"})
    assert (await forge.call("ada", "GET", "/projects/7/variables/K")).json()["value"] == "plain-secret-2"
    async with forge.state.db.read() as tx:
        stored = await tx.all(text("SELECT value AS secret FROM ci_variables UNION SELECT token FROM hooks"))
    assert len(stored) == 2
    assert all(row["secret"].startswith("sealed:1:") and "plain" not in row["secret"] for row in stored)
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
