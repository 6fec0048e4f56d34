"""The whole forge in this process, as `create_app` makes it, with an administrator and people made over the API."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from mlreef import forge
from mlreef.forge.state import State
from mlreef.kit import logs
from mlreef.kit.clock import Clock

URL = "http://forge.test"
PASSWORD = "correct horse battery"


@dataclass
class World:
    """A running forge and the tokens of its people."""

    app: FastAPI
    settings: forge.Settings
    made: forge.Bootstrap
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)

    @property
    def state(self) -> State:
        return self.app.state.forge

    def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A client with a token, or an anonymous one."""
        given = {"PRIVATE-TOKEN": token} if token else {}
        transport = httpx.ASGITransport(self.app, client=("127.0.0.1", 1))
        return httpx.AsyncClient(transport=transport, base_url=self.settings.external_url, headers={**given, **headers})

    def as_(self, name: str) -> httpx.AsyncClient:
        """A client of one of the people; `root` is the administrator."""
        return self.client(self.tokens[name])

    async def call(self, name: str | None, method: str, path: str, **options: Any) -> httpx.Response:
        """One request of somebody."""
        async with self.as_(name) if name else self.client() as client:
            return await client.request(method, path if path.startswith("/-/") else f"/api/v4{path}", **options)

    async def ok(self, name: str | None, method: str, path: str, **options: Any) -> Any:
        """One request that must succeed; its JSON."""
        answer = await self.call(name, method, path, **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def person(self, name: str, *, scopes: tuple[str, ...] = ("api",), **fields: Any) -> str:
        """A new user and their token."""
        given = {"username": name, "name": name.title(), "email": f"{name}@example.org", "force_random_password": True}
        user = await self.ok("root", "POST", "/users", json={**given, **fields})
        self.ids[name] = user["id"]
        path = f"/users/{user['id']}/personal_access_tokens"
        made = await self.ok("root", "POST", path, json={"name": "test", "scopes": list(scopes)})
        self.tokens[name] = made["token"]
        return str(made["token"])

    async def log_in(self, name: str, password: str) -> httpx.AsyncClient:
        """A browser's client with its cookies and CSRF token."""
        client = self.client()
        answer = await client.post("/-/session", json={"login": name, "password": password})
        assert answer.status_code == 201, answer.text
        client.headers["X-CSRF-Token"] = client.cookies["mlreef_csrf"]
        return client


def settings(folder: Path, **changes: Any) -> forge.Settings:
    """Settings of a forge that lies in a directory."""
    values = {
        "database_url": f"sqlite:///{folder}/forge.db",
        "repositories_dir": folder / "repositories",
        "objects_url": f"file://{folder}/objects",
        "secrets_dir": folder / "secrets",
        "external_url": URL,
    }
    return forge.Settings(**{**values, **changes})


_templates: dict[str, tuple[Path, forge.Bootstrap]] = {}


async def _copied(folder: Path) -> forge.Bootstrap:
    """A forge as it is after its first start, made once per test run: the key and the migrations take their time."""
    if "first" not in _templates:
        template = Path(tempfile.mkdtemp(prefix="forge-template-"))
        atexit.register(shutil.rmtree, template, ignore_errors=True)
        _templates["first"] = (template, await forge.initialise(settings(template), admin_password=PASSWORD))
    template, made = _templates["first"]
    shutil.copytree(template, folder, dirs_exist_ok=True)
    return made


@contextlib.asynccontextmanager
async def running(folder: Path, *, clock: Clock | None = None, **changes: Any) -> AsyncIterator[World]:
    """A forge in this process, without a socket."""
    logs.configure(json=False, level="WARNING")
    given = settings(folder, **changes)
    made = await (_copied(folder) if clock is None else forge.initialise(given, admin_password=PASSWORD, clock=clock))
    app = forge.create_app(given, clock=clock)
    world = World(app, given, made, ids={"root": 1})
    async with app.router.lifespan_context(app):
        browser = await world.log_in("root", PASSWORD)
        wanted = {"name": "admin", "scopes": ["api", "sudo"]}
        answer = await browser.post("/-/personal_access_tokens", json=wanted)
        assert answer.status_code == 201, answer.text
        world.tokens["root"] = answer.json()["token"]
        await browser.aclose()
        yield world
