"""A small forge for tests of git and LFS: its routes on a real database and directory, with people and projects.

Names: `owner` owns the project `owner/data` (private), `dev` is Developer, `guest` is Guest, `stranger` is nobody.
Passwords do not exist; every person's token is `token(name)`.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import uvloop
from fastapi import Depends, FastAPI
from sqlalchemy import insert

from mlreef.forge import state as states
from mlreef.forge import wire as forge_wire
from mlreef.forge.access import deps
from mlreef.forge.access.principal import JobPrincipal
from mlreef.forge.access.tables import tokens, users
from mlreef.forge.groups.tables import members, namespaces
from mlreef.forge.lfs import routes as lfs_routes
from mlreef.forge.lfs import wire as lfs_wire
from mlreef.forge.oidc.keys import SigningKey
from mlreef.forge.projects.tables import projects
from mlreef.forge.repos import wire as repos_wire
from mlreef.forge.repos.branches import routes as branch_routes
from mlreef.forge.repos.commits import routes as commit_routes
from mlreef.forge.repos.contents import routes as content_routes
from mlreef.forge.repos.protection import routes as protection_routes
from mlreef.forge.repos.transport import routes as transport_routes
from mlreef.forge.settings import Settings
from mlreef.kit import http, ids, objects
from mlreef.kit.clock import SystemClock
from mlreef.kit.db import Database, Tx
from mlreef.kit.errors import PlatformError
from support import ports, templates

PEOPLE = {"owner": 50, "dev": 30, "guest": 10, "stranger": 0}
PROJECT = "owner/data"
JOB_TOKEN = "glcbt-test-job"
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def run(*command: str | Path, cwd: Path | None = None, fails: bool = False) -> str:
    """What a program said; a failure shows it, or is what is wanted."""
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) == fails, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr if fails else done.stdout


def token(name: str) -> str:
    """A person's access token."""
    return f"glpat-{name}-token-of-a-test"


class RawPaths:
    """Routes on the path as the client wrote it; the gate decodes parameters."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope.get("raw_path"):
            scope = {**scope, "path": scope["raw_path"].decode("latin-1").split("?")[0]}
        await self._app(scope, receive, send)


@dataclass
class JobTokens:
    """One running job of project 1, started by `dev`."""

    running: bool = True

    async def find(self, tx: Tx, token: str) -> JobPrincipal | None:
        """The job, while it runs."""
        return JobPrincipal(7, 3, 1, 2) if self.running and token == JOB_TOKEN else None


@dataclass
class Forge:
    """A running forge."""

    app: FastAPI
    state: states.State
    jobs: JobTokens

    @property
    def repo(self) -> Path:
        """The repository of `owner/data`."""
        return self.state.repos.storage.path(1)

    def client(self, name: str | None = "owner") -> httpx.AsyncClient:
        """An HTTP client in this process, logged in as somebody."""
        headers = {"PRIVATE-TOKEN": token(name)} if name else {}
        transport = httpx.ASGITransport(RawPaths(self.app), raise_app_exceptions=True)
        return httpx.AsyncClient(transport=transport, base_url=self.state.settings.external_url, headers=headers)


def build(root: Path, url: str = "http://forge.test", *, objects_url: str | None = None) -> Forge:
    """The application over a directory; the database is migrated and filled by its lifespan."""
    settings = Settings(
        database_url=templates.sqlite(root / "forge.db", "forge"),
        repositories_dir=root / "repositories",
        objects_url=objects_url or f"file://{root}/objects",
        secrets_dir=templates.signing_key(root / "secrets"),
        external_url=url,
    )
    jobs = JobTokens()
    state = states.State(
        settings=settings,
        db=Database.open(settings.database_url, migrations="mlreef.forge.migrations"),
        objects=objects.from_url(settings.objects_url),
        clock=SystemClock(),
        key=SigningKey.load(settings.secrets_dir),
        job_tokens=jobs,
    )

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await state.db.migrate()
        await _fill(state)
        yield
        await state.objects.close()
        await state.db.close()

    app = http.new_app("forge", "0", lifespan=lifespan, checks={}, dependencies=[Depends(deps.gate)])
    app.state.forge = state
    repos_wire.install(state)
    lfs_wire.install(state)
    for part in (content_routes, commit_routes, branch_routes, protection_routes, lfs_routes, transport_routes):
        app.include_router(part.router)
    app.add_exception_handler(PlatformError, forge_wire.render)
    return Forge(app, state, jobs)


async def _fill(state: states.State) -> None:
    async with state.db.write() as tx:
        if await tx.scalar(users.select().limit(1)) is not None:
            return
        for number, (name, level) in enumerate(PEOPLE.items(), start=1):
            await tx.execute(insert(users).values(**_user(number, name)))
            await tx.execute(insert(tokens).values(**_token(number, name)))
            await tx.execute(insert(namespaces).values(**_namespace(number, name)))
            if level:
                row = {"source_type": "project", "source_id": 1, "user_id": number, "access_level": level}
                await tx.execute(insert(members).values(**row, created_at=_NOW))
        row = {"source_type": "project", "source_id": 2, "user_id": 1, "access_level": 50}
        await tx.execute(insert(members).values(**row, created_at=_NOW))
        for number, (path, visibility) in enumerate((("data", "private"), ("open", "public")), start=1):
            await tx.execute(insert(projects).values(**_project(number, path, visibility)))
    for number in (1, 2):
        await state.repos.storage.create(number)


def _user(number: int, name: str) -> dict[str, Any]:
    flags = {"state": "active", "admin": False, "external": False, "bot": False, "profile": {}}
    return {"id": number, "username": name, "name": name.title(), "email": f"{name}@example.org", **flags} | {
        "created_at": _NOW
    }


def _token(number: int, name: str) -> dict[str, Any]:
    row = {"user_id": number, "name": "test", "token_hash": ids.hash_token(token(name)), "scopes": ["api"]}
    return row | {"created_at": _NOW, "expires_at": date(2099, 1, 1), "revoked": False}


def _namespace(number: int, name: str) -> dict[str, Any]:
    row = {"id": number, "kind": "user", "name": name, "path": name, "full_path": name, "owner_id": number}
    more = {"traversal": f"{number}/", "visibility": "public", "description": "", "settings": {}, "created_at": _NOW}
    return row | more


def _project(number: int, path: str, visibility: str) -> dict[str, Any]:
    row = {"id": number, "namespace_id": 1, "name": path, "path": path, "full_path": f"owner/{path}"}
    more = {"description": "", "visibility": visibility, "creator_id": 1, "archived": False, "settings": {}}
    counts = {"default_branch": "main", "star_count": 0, "forks_count": 0, "state": "ready"}
    return row | more | counts | {"created_at": _NOW, "updated_at": _NOW, "last_activity_at": _NOW}


@contextlib.asynccontextmanager
async def running(root: Path) -> AsyncIterator[Forge]:
    """A forge in this process, without a socket."""
    forge = build(root)
    async with forge.app.router.lifespan_context(forge.app):
        yield forge


@contextlib.contextmanager
def serving(root: Path) -> Iterator[tuple[Forge, str]]:
    """A forge on a port of its own, served by a thread; gives it and its base URL."""
    port = ports.free()
    url = f"http://127.0.0.1:{port}"
    forge = build(root, url)
    config = uvicorn.Config(RawPaths(forge.app), host="127.0.0.1", port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)

    async def serve() -> None:
        async with forge.app.router.lifespan_context(forge.app):
            await server.serve()

    thread = threading.Thread(target=lambda: uvloop.run(serve()), daemon=True)
    thread.start()
    ports.wait(lambda: server.started or not thread.is_alive(), "the start of the forge")
    try:
        yield forge, url
    finally:
        server.should_exit = True
        thread.join(30)


def start_process(root: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A forge in a process of its own, so that it can be killed; gives it and its base URL."""
    port = ports.free()
    process = subprocess.Popen(
        [sys.executable, "-m", "support.gitforge", str(root), str(port)], cwd=Path(__file__).parent.parent
    )
    ports.wait(lambda: ports.accepts(port) or process.poll() is not None, "the start of the forge")
    assert process.poll() is None
    return process, f"http://127.0.0.1:{port}"


async def _serve(root: Path, port: int) -> None:
    forge = build(root, f"http://127.0.0.1:{port}")
    config = uvicorn.Config(RawPaths(forge.app), host="127.0.0.1", port=port, log_level="error", lifespan="off")
    async with forge.app.router.lifespan_context(forge.app):
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1]), int(sys.argv[2])))
