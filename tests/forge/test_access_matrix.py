"""Every route of the forge, asked by every kind of caller about things of every visibility.

What must happen follows from the policy that a route declares, by the small table here, which knows nothing of the
code that decides. Writes are undone, so that every call meets the same world. A route without a policy fails.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from mlreef.forge.access import policy
from mlreef.forge.access.principal import JobPrincipal
from mlreef.kit.db import Database, Tx
from support import whole_forge
from support.whole_forge import World

LEVELS = {"stranger": 0, "guest": 10, "reporter": 20, "developer": 30, "maintainer": 40, "owner": 50}
ROLES = ("anonymous", *LEVELS, "admin", "blocked", "job")
NEEDED = {"guest": 10, "reporter": 20, "developer": 30, "maintainer": 40, "owner": 50, "member": 5}
OPEN = {"guest", "reporter"}
JOB_TOKEN = "glcbt-the-job-of-the-matrix"
_PARAMETER = re.compile(r"\{(\w+)(:path)?\}")
_PLACE = re.compile(r"/api/v4/(projects|groups)/\{(project|group|source)\}")
_HIDDEN = {"404 Project Not Found", "404 Group Not Found"}
_NOTHING_THERE = {"GET /api/v4/projects/{project}/pipelines/latest"}
"""GitLab answers 403 here to everybody when there is no pipeline."""
_LFS = {"operation": "download", "objects": [{"oid": "a" * 64, "size": 1}], "path": "a.bin"}


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    says: dict[str, Any] = field(hash=False)

    @property
    def policy(self) -> str | None:
        return self.says.get("policy")

    @property
    def place(self) -> str | None:
        found = _PLACE.match(self.path)
        return found[1] if found else None


def routes_of(app: FastAPI) -> list[Route]:
    return [
        Route(method, str(context.path), dict(getattr(context, "openapi_extra", None) or {}))
        for context in iter_route_contexts(app.routes)
        for method in sorted((context.methods or set()) - {"HEAD", "OPTIONS"})
        if context.path != "/api/v4/openapi.json"
    ]


class Undoing:
    """A database whose writes are taken back at their end."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        async with self._db._writer.connect() as connection:
            try:
                yield Tx(connection)
            finally:
                await connection.rollback()


class OneJob:
    """A running job that `developer` started in one project."""

    def __init__(self, world: World, project_id: int) -> None:
        self._job = JobPrincipal(1, 1, project_id, world.ids["developer"])

    async def find(self, _tx: Tx, token: str) -> JobPrincipal | None:
        return self._job if token == JOB_TOKEN else None


async def settle(world: World, visibility: str) -> dict[str, int]:
    """People in all roles of a group with a project; returns the numbers of both."""
    for name in (*LEVELS, "blocked"):
        await world.person(name)
    made = {"name": "Lab", "path": "lab", "visibility": visibility}
    group = await world.ok("root", "POST", "/groups", json=made)
    fields = {"name": "data", "namespace_id": group["id"], "visibility": visibility, "initialize_with_readme": True}
    project = await world.ok("root", "POST", "/projects", json=fields)
    for name, level in [*LEVELS.items(), ("blocked", 50)]:
        if level:
            member = {"user_id": world.ids[name], "access_level": level}
            await world.ok("root", "POST", f"/groups/{group['id']}/members", json=member)
    await world.ok("root", "POST", f"/users/{world.ids['blocked']}/block")
    world.state.job_tokens = OneJob(world, project["id"])
    undoing: Any = Undoing(world.state.db)
    world.state.db = world.app.state.db = undoing
    world.app.state.gate = type(world.app.state.gate)(undoing)
    return {"projects": project["id"], "groups": group["id"]}


def address(route: Route, numbers: dict[str, int]) -> str:
    """The route's path with the project or group in its place, and nothing that exists in the others."""
    first = route.place is not None

    def value(found: re.Match[str]) -> str:
        nonlocal first
        if first:
            first = False
            return str(numbers[route.place or "projects"])
        return "lab/data" if found[2] and found[1] == "project" else "987654"

    return _PARAMETER.sub(value, route.path)


def expected(route: Route, role: str, visibility: str) -> str:
    """allowed, 401, 403 or hidden."""
    needed = NEEDED.get(route.policy or "")
    if route.policy == "public" and not route.says.get("checked"):
        return "allowed"
    if role == "blocked":
        return "403"
    if role == "job":
        if not route.says.get("job"):
            return "403"
        return "allowed" if route.place == "projects" else "hidden"
    if route.policy == "public":
        return "allowed"
    if role == "anonymous":
        if route.policy not in OPEN or route.says.get("login"):
            return "401"
        return "allowed" if visibility == "public" else "hidden"
    if route.says.get("session"):
        return "403"
    if route.policy in {"user", "self"} or role == "admin":
        return "allowed"
    if needed is None:
        return "403"
    seen = LEVELS[role] > 0 or visibility != "private"
    if not seen:
        return "hidden"
    return "allowed" if LEVELS[role] >= needed or (route.policy in OPEN and visibility != "private") else "403"


async def answered(world: World, route: Route, role: str, numbers: dict[str, int]) -> tuple[str, str]:
    """What happened, in the same words, and the answer itself."""
    headers = {"JOB-TOKEN": JOB_TOKEN} if role == "job" else {}
    token = {"anonymous": None, "job": None, "admin": world.tokens["root"]}.get(role, world.tokens.get(role))
    body = _LFS if "/info/lfs/" in route.path else None
    async with world.client(token, **headers) as client:
        answer = await client.request(route.method, address(route, numbers), params={"namespace": "nowhere"}, json=body)
    shown = f"{answer.status_code} {answer.text[:120]}"
    try:
        message = answer.json().get("message")
    except (ValueError, AttributeError):
        message = None
    if answer.status_code == 404 and message in _HIDDEN:
        return "hidden", shown
    return (str(answer.status_code) if answer.status_code in {401, 403} else "allowed"), shown


def test_every_route_declares_a_policy(tmp_path: Path) -> None:
    app = whole_forge.forge.create_app(whole_forge.settings(tmp_path))
    known = policy.RULES.keys() | policy.OWN_SECRET
    assert [route for route in routes_of(app) if route.policy not in known] == []


def test_the_table_knows_the_policies_of_places() -> None:
    assert {name: rule.level for name, rule in policy.RULES.items() if rule.level is not None} == NEEDED
    assert {name for name, rule in policy.RULES.items() if rule.open} == OPEN


@pytest.mark.slow
@pytest.mark.parametrize("visibility", ["private", "internal", "public"])
async def test_every_route_answers_every_role_as_its_policy_says(world: World, visibility: str) -> None:
    numbers = await settle(world, visibility)
    wrong = []
    for route in routes_of(world.app):
        if route.policy in policy.OWN_SECRET or ".git" in route.path:
            continue
        for role in ROLES:
            wanted = expected(route, role, visibility)
            got, shown = await answered(world, route, role, numbers)
            nothing = got == "403" and wanted == "allowed" and f"{route.method} {route.path}" in _NOTHING_THERE
            if got != wanted and not nothing:
                wrong.append(f"{route.method} {route.path} as {role}: {wanted} expected, got {shown}")
    assert not wrong, "\n".join(wrong)


async def test_routes_with_a_secret_of_their_own_open_to_no_login(world: World) -> None:
    numbers = await settle(world, "private")
    wrong = []
    for route in routes_of(world.app):
        if route.policy in policy.OWN_SECRET:
            for role in ROLES:
                _got, shown = await answered(world, route, role, numbers)
                wrong += [] if shown.startswith(("4", "501")) else [f"{route.method} {route.path} as {role}: {shown}"]
    assert not wrong, "\n".join(wrong)


async def test_git_and_lfs_of_a_private_project_open_to_nobody_below_reporter(world: World) -> None:
    numbers = await settle(world, "private")
    wrong = []
    for route in routes_of(world.app):
        if ".git" in route.path and route.policy not in policy.OWN_SECRET:
            for role in ("anonymous", "stranger", "guest", "blocked"):
                got, shown = await answered(world, route, role, numbers)
                if got == "allowed" and not shown.startswith("404"):
                    wrong.append(f"{route.method} {route.path} as {role}: {shown}")
    assert not wrong, "\n".join(wrong)
