"""CI with everything around it in memory: projects, people, git, a gate, a clock that tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from mlreef.forge.ci import routing as ci_routing
from mlreef.forge.ci.context import Ci, CiSettings
from mlreef.forge.ci.pipelines import background
from mlreef.forge.ci.ports import Commit, Project, Ref, User
from mlreef.forge.ci.runners import service as runners
from mlreef.forge.ci.wire import Grant
from mlreef.forge.hooks import tables as hook_tables
from mlreef.kit.clock import FixedClock
from mlreef.kit.db import Database, Seal, Tx
from mlreef.kit.errors import HTTP_STATUS, PlatformError, not_found, unauthenticated
from mlreef.kit.objects import LocalObjects
from support.fake_runner import FakeRunner

URL = "http://forge.test"
SHA = "a" * 40
USER = User(1, "ann", "Ann", "ann@example.org", f"{URL}/ann")
PROJECT = Project(
    id=7,
    name="Iris",
    path="iris",
    full_path="lab/iris",
    namespace_id=3,
    namespace_path="lab",
    root_namespace_id=3,
    visibility="private",
    default_branch="main",
    web_url=f"{URL}/lab/iris",
    http_url=f"{URL}/lab/iris.git",
)


class Git:
    """One repository per project, as a mapping of paths."""

    def __init__(self) -> None:
        self.files: dict[int, dict[str, bytes]] = {7: {}}
        self.message = "Add data\n\nMore words"
        self.kept: list[tuple[int, int, str]] = []
        self.branches = {"main": SHA, "dev": "b" * 40}

    async def find_ref(self, project_id: int, name: str) -> Ref | None:
        sha = self.branches.get(name)
        return None if sha is None else Ref(name, tag=False, sha=sha)

    async def get_commit(self, project_id: int, sha: str) -> Commit:
        return Commit(sha, self.message, "Add data", "Ann", "ann@example.org", datetime(2026, 1, 1, tzinfo=UTC))

    async def commits_between(self, project_id: int, before: str, after: str) -> tuple[Sequence[Commit], int]:
        return [await self.get_commit(project_id, after)], 1

    async def find_file(self, project_id: int, sha: str, path: str) -> bytes | None:
        return self.files[project_id].get(path)

    async def paths(self, project_id: int, sha: str) -> frozenset[str]:
        return frozenset(self.files[project_id])

    async def changed(self, project_id: int, before: str, after: str) -> frozenset[str] | None:
        return frozenset(self.files[project_id])

    async def keep(self, project_id: int, pipeline_id: int, sha: str) -> None:
        self.kept.append((project_id, pipeline_id, sha))


class Directory:
    def __init__(self) -> None:
        self.projects = {PROJECT.id: PROJECT}
        self.protected = {"main"}

    async def get_project(self, tx: Tx, project_id: int) -> Project:
        return self.projects[project_id]

    async def get_user(self, tx: Tx, user_id: int) -> User:
        return replace(USER, id=user_id)

    async def project_ids_of_groups(self, tx: Tx, group_ids: Sequence[int]) -> Sequence[int]:
        return list(self.projects)

    async def is_protected(self, tx: Tx, project_id: int, ref: str, *, tag: bool) -> bool:
        return ref in self.protected


class Tokens:
    async def issue(self, claims: Mapping[str, Any], *, audience: Sequence[str], seconds: int) -> str:
        return f"jwt for {','.join(audience)} job {claims['job_id']}"


class Gate:
    """Everybody with the right header is a maintainer of project 7; others are nobody."""

    def __init__(self) -> None:
        self.recorded: list[str] = []

    async def project(self, request: Request, project: str, action: str) -> Grant:
        user_id = await self.user(request)
        if project not in {"7", "lab%2Firis"}:
            raise not_found("404 Project")
        return Grant(7, user_id)

    async def user(self, request: Request) -> int:
        if request.headers.get("private-token") != "ann":
            raise unauthenticated("401 Unauthorized")
        return 1

    async def admin(self, request: Request) -> int:
        return await self.user(request)

    async def group(self, request: Request, group: str, action: str) -> int:
        await self.user(request)
        return 3

    async def is_admin(self, request: Request) -> bool:
        return True

    async def record(self, request: Request, tx: Tx, action: str, *, target: tuple[str, int, str]) -> None:
        self.recorded.append(action)


@dataclass
class World:
    """What a test has in its hands."""

    ci: Ci
    db: Database
    app: FastAPI
    client: httpx.AsyncClient
    git: Git
    clock: FixedClock
    gl: Any = None
    """A python-gitlab client, where a test has one."""

    async def runner(self, *, tags: Sequence[str] = (), name: str = "one", **attributes: Any) -> FakeRunner:
        """A registered instance runner."""
        async with self.db.write() as tx:
            _id, token = await runners.create(
                self.ci,
                tx,
                {"tag_list": list(tags), **attributes},
                runner_type="instance_type",
                owner_id=None,
                creator_id=1,
            )
        return FakeRunner(self.client, token, system_id=f"s_{name}")

    async def start(self, config: str, *, ref: str = "main", **variables: str) -> dict[str, Any]:
        """Start a pipeline by API with this configuration."""
        self.git.files[7][".gitlab-ci.yml"] = config.encode()
        listed = [{"key": key, "value": value} for key, value in variables.items()]
        response = await self.client.post("/api/v4/projects/7/pipeline", json={"ref": ref, "variables": listed})
        assert response.status_code == 201, response.text
        body: dict[str, Any] = response.json()
        return body

    async def get(self, path: str) -> Any:
        response = await self.client.get(f"/api/v4/projects/7{path}")
        assert response.status_code == 200, response.text
        return response.json()

    async def statuses(self, pipeline_id: int) -> dict[str, str]:
        """States of the newest jobs by name."""
        return {job["name"]: job["status"] for job in await self.get(f"/pipelines/{pipeline_id}/jobs?per_page=100")}

    async def sent(self) -> list[Mapping[str, Any]]:
        """The outbox, oldest first."""
        async with self.db.read() as tx:
            return list(await tx.all(hook_tables.deliveries.select().order_by(hook_tables.deliveries.c.id)))


@asynccontextmanager
async def world(
    url: str, directory: Path, *, remote: httpx.AsyncBaseTransport | None = None, **settings: Any
) -> AsyncIterator[World]:
    """A world on the database at `url`."""
    db = Database.open(url, migrations="mlreef.forge.migrations", seal=Seal.load(directory / "key"))
    await db.migrate()
    git, clock = Git(), FixedClock()
    app = FastAPI()
    http = httpx.AsyncClient(transport=remote or httpx.MockTransport(lambda _request: httpx.Response(404)))
    ci = Ci(
        settings=CiSettings(**{"external_url": URL, "long_poll_seconds": 0.0, **settings}),
        clock=clock,
        objects=LocalObjects(directory / "objects"),
        repositories=git,
        directory=Directory(),
        id_tokens=Tokens(),
        http=http,
    )
    app.state.ci, app.state.db, app.state.gate = ci, db, Gate()
    for router in ci_routing.ROUTERS:
        app.include_router(router)

    @app.exception_handler(PlatformError)
    async def render(_request: Request, exc: PlatformError) -> JSONResponse:
        return JSONResponse({"message": exc.message}, status_code=HTTP_STATUS[exc.kind])

    transport = httpx.ASGITransport(app)
    headers = {"private-token": "ann"}
    async with httpx.AsyncClient(transport=transport, base_url=URL, headers=headers) as client, http:
        yield World(ci, db, app, client, git, clock)
    await db.close()


__all__ = ["SHA", "URL", "World", "background", "world"]
