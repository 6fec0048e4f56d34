"""Every route of the registry, asked by every kind of caller about images of projects of every visibility.

The forge of this test gives the tokens, as clients get them: each caller asks for everything, and what it may do is
then tried. What must happen follows from the small table here, which knows nothing of the code that decides.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from mlreef import registry
from mlreef.forge.access.principal import JobPrincipal
from mlreef.kit.db import Tx
from registry.world import Client, digest_of
from support import whole_forge

LEVELS = {"stranger": 0, "guest": 10, "reporter": 20, "developer": 30, "maintainer": 40}
SCOPES = ("api", "read_api", "read_registry", "write_registry")
IMAGE = "lab/data/image"
DIGEST = digest_of(b"layer")

ROUTES = {
    "GET /v2/": "login",
    "HEAD /v2/": "login",
    "GET /v2/_catalog": "admin",
    "GET /v2/_mlreef/namespaces": "admin",
    "PUT /v2/_mlreef/namespaces/{namespace}": "admin",
    "POST /v2/_mlreef/gc": "admin",
    "POST /v2/{name:path}/blobs/uploads/": "push",
    "GET /v2/{name:path}/blobs/uploads/{upload}": "push",
    "PATCH /v2/{name:path}/blobs/uploads/{upload}": "push",
    "PUT /v2/{name:path}/blobs/uploads/{upload}": "push",
    "DELETE /v2/{name:path}/blobs/uploads/{upload}": "push",
    "GET /v2/{name:path}/blobs/{digest}": "pull",
    "HEAD /v2/{name:path}/blobs/{digest}": "pull",
    "DELETE /v2/{name:path}/blobs/{digest}": "delete",
    "PUT /v2/{name:path}/manifests/{reference}": "push",
    "GET /v2/{name:path}/manifests/{reference}": "pull",
    "HEAD /v2/{name:path}/manifests/{reference}": "pull",
    "DELETE /v2/{name:path}/manifests/{reference}": "delete",
    "GET /v2/{name:path}/tags/list": "pull",
    "GET /v2/{name:path}/referrers/{digest}": "pull",
}
"""Every route and the right that it needs."""

BODIES: dict[str, Any] = {
    "PUT /v2/_mlreef/namespaces/{namespace}": {"quota_bytes": None},
    "POST /v2/_mlreef/gc": {"dry_run": True},
}


@dataclass(frozen=True)
class Caller:
    """Somebody with a credential: a level in the group, the scope of a personal token, or a job."""

    name: str
    level: int = 0
    scope: str = "api"
    job: str = ""
    is_admin: bool = False

    def may(self, visibility: str) -> set[str]:
        """The rights that this caller must have, and no others."""
        if self.name == "anonymous":  # gets a token too, for public images
            return {"login", "pull"} if visibility == "public" else {"login"}
        if self.scope == "read_api":
            return {"login"}
        level = 50 if self.is_admin else self.level
        rights = {"login", "pull"} if visibility != "private" or level >= 20 else {"login"}
        if self.scope != "read_registry" and self.job != "another project":
            rights |= {right for right, needed in {"push": 30, "delete": 40}.items() if level >= needed}
        if self.is_admin and self.scope in {"api", "read_registry"}:
            rights.add("admin")
        return rights


CALLERS = (
    Caller("anonymous"),
    *(Caller(name, level) for name, level in LEVELS.items()),
    *(Caller("maintainer", 40, scope) for scope in SCOPES),
    Caller("job of a developer", 30, job="the project"),
    Caller("job of a maintainer", 40, job="the project"),
    Caller("job of a maintainer elsewhere", 40, job="another project"),
    Caller("job of a stranger elsewhere", 0, job="another project"),
    *(Caller("root", is_admin=True, scope=scope) for scope in SCOPES),
)


class Jobs:
    """Running jobs, by token."""

    def __init__(self) -> None:
        self.known: dict[str, JobPrincipal] = {}

    async def find(self, _tx: Tx, token: str) -> JobPrincipal | None:
        return self.known.get(token)


@dataclass
class Place:
    """A forge and a registry that believes it."""

    forge: whole_forge.World
    app: FastAPI
    http: httpx.AsyncClient
    jobs: Jobs

    async def token(self, login: tuple[str, str] | None) -> str | None:
        """The registry token of a credential that asks for everything."""
        wanted = [("service", "container_registry"), ("scope", "registry:catalog:*")]
        wanted.append(("scope", f"repository:{IMAGE}:pull,push,delete"))
        async with self.forge.client() as client:
            answer = await client.get("/jwt/auth", params=wanted, auth=login)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    async def login(self, caller: Caller) -> tuple[str, str] | None:
        if caller.name == "anonymous":
            return None
        if caller.job:
            return ("gitlab-ci-token", f"glcbt-{caller.name.replace(' ', '-')}")
        path = f"/users/{self.forge.ids[caller.name]}/personal_access_tokens"
        made = await self.forge.ok("root", "POST", path, json={"name": "matrix", "scopes": [caller.scope]})
        return (caller.name, made["token"])


@contextlib.asynccontextmanager
async def place(folder: Path, visibility: str) -> AsyncIterator[Place]:
    """People of all levels, a project of that visibility with an image, and jobs in it and beside it."""
    jobs = Jobs()
    async with whole_forge.running(folder / "forge") as forge:
        forge.state.job_tokens = jobs
        settings = registry.Settings(
            database_url=f"sqlite:///{folder}/registry.db",
            objects_url=f"file://{folder}/objects",
            external_url="http://registry",
            token_realm=f"{whole_forge.URL}/jwt/auth",
            jwks_url=f"{whole_forge.URL}/oauth/discovery/keys",
            gc_interval_hours=0,
        )
        app = registry.create_app(settings, transport=httpx.ASGITransport(forge.app))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://registry") as http,
        ):
            found = Place(forge, app, http, jobs)
            await settle(found, visibility)
            yield found


async def settle(found: Place, visibility: str) -> None:
    world = found.forge
    group = await world.ok("root", "POST", "/groups", json={"name": "Lab", "path": "lab", "visibility": visibility})
    for name, level in LEVELS.items():
        await world.person(name)
        if level:
            member = {"user_id": world.ids[name], "access_level": level}
            await world.ok("root", "POST", f"/groups/{group['id']}/members", json=member)
    ids = {}
    for name, path in (("the project", "data"), ("another project", "other")):
        fields = {"name": path, "namespace_id": group["id"], "visibility": visibility}
        ids[name] = (await world.ok("root", "POST", "/projects", json=fields))["id"]
    for number, caller in enumerate(one for one in CALLERS if one.job):
        user = world.ids[next(name for name in LEVELS if f"of a {name}" in caller.name)]
        job = JobPrincipal(number + 1, 1, ids[caller.job], user)
        found.jobs.known[f"glcbt-{caller.name.replace(' ', '-')}"] = job
    token = await found.token(("root", world.tokens["root"]))
    await Client(found.http, IMAGE, {"authorization": f"Bearer {token}"}).push_image("1")


def routes_of(app: FastAPI) -> dict[str, str]:
    """Every route and its policy, without those that every service has."""
    return {
        f"{method} {context.path}": str((getattr(context, "openapi_extra", None) or {}).get("policy"))
        for context in iter_route_contexts(app.routes)
        for method in sorted((context.methods or set()) - {"OPTIONS"})
        if str(context.path).startswith("/v2")
    }


def address(route: str) -> str:
    """What exists for reading, and nothing that exists for everything else."""
    method, path = route.split()
    reads = method in {"GET", "HEAD"}
    values = {
        "name:path": IMAGE,
        "namespace": "lab",
        "upload": "f" * 59,
        "digest": DIGEST if reads else digest_of(b"nothing"),
        "reference": "1" if reads else "nothing",
    }
    return re.sub(r"\{([\w:]+)\}", lambda found: values[found[1]], path)


async def answered(found: Place, route: str, token: str | None) -> int:
    method, _ = route.split()
    headers = {"authorization": f"Bearer {token}"} if token else {}
    params = {"digest": DIGEST} if method == "PUT" and "uploads" in route else {}
    answer = await found.http.request(method, address(route), params=params, headers=headers, json=BODIES.get(route))
    return answer.status_code


async def test_every_route_is_in_the_table_with_its_policy(tmp_path: Path) -> None:
    async with place(tmp_path, "private") as found:
        assert routes_of(found.app) == {route: f"registry.{right}" for route, right in ROUTES.items()}


@pytest.mark.slow
@pytest.mark.parametrize("visibility", ["private", "internal", "public"])
async def test_every_route_answers_every_caller_as_its_right_says(visibility: str, tmp_path: Path) -> None:
    wrong = []
    async with place(tmp_path, visibility) as found:
        for caller in CALLERS:
            token = await found.token(await found.login(caller))
            for route, right in ROUTES.items():
                status = await answered(found, route, token)
                assert status < 500, (route, status)
                if (status not in {401, 403}) is not (right in caller.may(visibility)):
                    wrong.append(f"{route} as {caller}: {status}")
    assert not wrong, "\n".join(wrong)


async def test_without_any_token_nothing_opens(tmp_path: Path) -> None:
    async with place(tmp_path, "public") as found:
        assert {await answered(found, route, None) for route in ROUTES} == {401}
