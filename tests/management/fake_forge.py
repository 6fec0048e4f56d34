"""A forge in memory that answers in GitLab's shapes, so that the management service is tested without a real one.

    forge = FakeForge()
    ada = forge.add_user("ada")
    project = forge.add_project("group/data", members={"ada": 40}, files={"train.py": "..."})
    app = create_app(settings, transport=forge.transport)
It keeps what it was asked (`forge.pipelines`, `forge.hooks`, `forge.commits`), signs `id_token`s and knows webhooks.
"""

from __future__ import annotations

import functools
import hashlib
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from fake_forge_routes import router
from fake_registry import FakeRegistry
from fake_registry import router as registry_router
from fastapi import FastAPI, Request, Response
from joserfc import jwt
from joserfc.jwk import RSAKey

URL = "http://forge.test"
MANAGEMENT = "http://mlreef.test"


@functools.cache
def _key() -> RSAKey:
    """Making one takes long, so all fake forges of a session share it."""
    return RSAKey.generate_key(2048, {"kid": "fake-forge", "use": "sig"})


@dataclass
class Account:
    id: int
    username: str
    token: str
    is_admin: bool = False
    blocked: bool = False


@dataclass
class Repo:
    """A project: branches hold commits, commits hold files."""

    id: int
    path: str
    visibility: str
    members: dict[str, int]
    branches: dict[str, str] = field(default_factory=dict)
    snapshots: dict[str, dict[str, bytes]] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)
    modes: dict[str, str] = field(default_factory=dict)
    ci_config_path: str | None = None
    hooks: list[dict[str, Any]] = field(default_factory=list)
    archived: bool = False
    star_count: int = 0
    stars: set[str] = field(default_factory=set)

    def commit(self, branch: str, files: dict[str, bytes], message: str, start: str | None = None) -> str:
        parent = self.branches.get(branch) or start
        text = f"{self.id} {branch} {message} {parent} {sorted(files)} {len(self.snapshots)}"
        sha = hashlib.sha1(text.encode()).hexdigest()
        self.snapshots[sha], self.messages[sha], self.parents[sha] = files, message, parent
        self.branches[branch] = sha
        return sha

    def resolve(self, ref: str) -> str | None:
        if ref in self.branches:
            return self.branches[ref]
        return next((sha for sha in self.snapshots if len(ref) >= 7 and sha.startswith(ref)), None)

    @property
    def head(self) -> str:
        return self.branches["main"]


class FakeForge:
    """State and a transport; `requests` lists `METHOD path` of everything asked."""

    def __init__(self) -> None:
        self.users: list[Account] = []
        self.projects: dict[int, Repo] = {}
        self.pipelines: dict[int, dict[str, Any]] = {}
        self.jobs: dict[int, dict[str, Any]] = {}
        self.traces: dict[int, bytes] = {}
        self.requests: list[str] = []
        self.runner: dict[str, Any] | None = None  # of jobs that are made from now on
        self.sessions: dict[str, tuple[str, str]] = {}  # cookie value -> (username, csrf)
        self.failing: dict[str, int] = {}  # "METHOD suffix" -> status to answer
        self.key = _key()
        self.app = FastAPI()
        self.app.state.forge = self
        self.registry = FakeRegistry()
        self.app.include_router(registry_router)
        self.app.include_router(router)
        self.app.middleware("http")(self._record)
        self.transport = httpx.ASGITransport(self.app)
        self.bot = self.add_user("mlreef-bot")

    async def _record(self, request: Request, call_next: Any) -> Response:
        asked = f"{request.method} {request.url.path}"
        self.requests.append(asked)
        for suffix, status in self.failing.items():
            if asked.endswith(suffix):
                return Response(b'{"message":"failing on purpose"}', status_code=status, media_type="application/json")
        answer: Response = await call_next(request)
        return answer

    def add_user(self, username: str, *, admin: bool = False) -> Account:
        account = Account(len(self.users) + 1, username, f"glpat-{username}", admin)
        self.users.append(account)
        return account

    def add_project(
        self,
        path: str,
        *,
        visibility: str = "private",
        members: dict[str, int] | None = None,
        files: dict[str, str | bytes] | None = None,
    ) -> Repo:
        repo = Repo(len(self.projects) + 101, path, visibility, dict(members or {}))
        content = {name: text.encode() if isinstance(text, str) else text for name, text in (files or {}).items()}
        repo.commit("main", content, "first")
        self.projects[repo.id] = repo
        return repo

    def sign_in(self, username: str) -> tuple[str, str]:
        """A browser session: cookie value and CSRF token."""
        cookie, csrf = f"session-{username}", f"csrf-{username}"
        self.sessions[cookie] = (username, csrf)
        return cookie, csrf

    def id_token(self, pipeline_id: int, job_id: int, /, *, audience: str = MANAGEMENT, **changes: Any) -> str:
        """The OIDC token of a job of a CI pipeline, signed."""
        pipeline, now = self.pipelines[pipeline_id], int(time.time())
        repo = self.projects[pipeline["project_id"]]
        user = self.user_by_name(pipeline["user"])
        claims = {
            "iss": URL,
            "sub": f"project_path:{repo.path}:ref_type:branch:ref:{pipeline['ref']}",
            "aud": audience,
            "iat": now,
            "nbf": now - 5,
            "exp": now + 3600,
            "jti": f"{pipeline_id}-{job_id}",
            "project_id": str(repo.id),
            "project_path": repo.path,
            "namespace_path": repo.path.rpartition("/")[0],
            "user_id": str(user.id),
            "user_login": user.username,
            "pipeline_id": str(pipeline_id),
            "job_id": str(job_id),
            "ref": pipeline["ref"],
            "sha": pipeline["sha"],
            **changes,
        }
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def add_pipeline(self, repo: Repo, user: str, variables: dict[str, str] | None = None) -> int:
        """A CI pipeline on the default branch."""
        pipeline_id = len(self.pipelines) + 501
        self.pipelines[pipeline_id] = {
            "id": pipeline_id,
            "project_id": repo.id,
            "ref": "main",
            "sha": repo.head,
            "status": "created",
            "user": user,
            "variables": variables or {},
        }
        return pipeline_id

    def add_job(self, pipeline_id: int, name: str, status: str = "pending") -> int:
        """A job of a CI pipeline."""
        job_id = len(self.jobs) + 7001
        self.jobs[job_id] = {
            "id": job_id,
            "name": name,
            "status": status,
            "failure_reason": None,
            "runner": self.runner,
            "pipeline": {"id": pipeline_id},
            "created_at": "2026-01-01T00:00:00.000Z",
            "started_at": None,
            "finished_at": None,
            "duration": None,
        }
        return job_id

    def job_event(self, job_id: int, status: str, *, reason: str | None = None, **changes: Any) -> dict[str, Any]:
        """Move a job and return the webhook that tells of it."""
        job = self.jobs[job_id]
        job.update(status=status, failure_reason=reason, **changes)
        pipeline = self.pipelines[job["pipeline"]["id"]]
        repo = self.projects[pipeline["project_id"]]
        return {
            "object_kind": "build",
            "ref": pipeline["ref"],
            "sha": pipeline["sha"],
            "build_id": job_id,
            "build_name": job["name"],
            "build_status": status,
            "build_failure_reason": reason or "unknown_failure",
            "build_created_at": job["created_at"],
            "build_started_at": job["started_at"],
            "build_finished_at": job["finished_at"],
            "build_duration": job["duration"],
            "pipeline_id": pipeline["id"],
            "project_id": repo.id,
            "project": {"id": repo.id, "path_with_namespace": repo.path},
            "user": {"id": self.user_by_name(pipeline["user"]).id, "username": pipeline["user"]},
            "runner": {"id": 1, "tags": ["cpu-small"]},
        }

    def pipeline_event(self, pipeline_id: int, status: str) -> dict[str, Any]:
        """Move a CI pipeline and return the webhook that tells of it."""
        pipeline = self.pipelines[pipeline_id]
        pipeline["status"] = status
        repo = self.projects[pipeline["project_id"]]
        return {
            "object_kind": "pipeline",
            "object_attributes": {"id": pipeline_id, "status": status, "ref": pipeline["ref"], "sha": pipeline["sha"]},
            "project": {"id": repo.id, "path_with_namespace": repo.path},
        }

    def user_by_name(self, username: str) -> Account:
        return next(one for one in self.users if one.username == username)
