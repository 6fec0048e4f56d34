"""The forge over its documented GitLab REST interface: one class, acting with one credential.

`with_credential` gives the same connection another identity. Only small JSON and bounded files pass through here;
packs, LFS objects and archives never do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx

from mlreef.clients import forge_errors
from mlreef.clients.credentials import ANONYMOUS, Credential
from mlreef.clients.forge_models import Job, Project, TreeEntry, User
from mlreef.kit.errors import Kind, PlatformError

ProjectRef = int | str
Params = Mapping[str, Any]


class ForgeClient:
    """Methods raise PlatformError (ForgeError when the forge answered); `find_` answers None for what is not there."""

    def __init__(self, http: httpx.AsyncClient, url: str, credential: Credential = ANONYMOUS) -> None:
        self._http = http
        self.url = url.rstrip("/")
        self.credential = credential

    def with_credential(self, credential: Credential) -> ForgeClient:
        """The same connection for somebody else."""
        return ForgeClient(self._http, self.url, credential)

    # -- users and projects

    async def get_user(self) -> User:
        """Who the credential belongs to; raises `unauthenticated` when it is not valid."""
        return User.from_json(await self._json("GET", "/user"))

    async def get_project(self, project: ProjectRef) -> Project:
        """A project with the caller's access level; hidden ones are `not_found`."""
        return Project.from_json(await self._json("GET", _project(project)))

    async def iter_projects(self, **filters: Any) -> AsyncIterator[Project]:
        """All projects that the caller may see, by id, in the simple form without access levels."""
        params = {"simple": "true", "order_by": "id", "sort": "asc", "pagination": "keyset", **filters}
        async for document in self._pages("/projects", params):
            yield Project.from_json(document)

    async def update_project(self, project: ProjectRef, **fields: Any) -> Project:
        """Change settings of a project."""
        return Project.from_json(await self._json("PUT", _project(project), json=fields))

    async def find_member(self, project: ProjectRef, user_id: int) -> Mapping[str, Any] | None:
        """A direct member of a project."""
        return await self._find("GET", f"{_project(project)}/members/{user_id}")

    async def find_access_level(self, project: ProjectRef, user_id: int) -> int:
        """Somebody's level in a project, also by its groups; 0 for strangers."""
        found = await self._find("GET", f"{_project(project)}/members/all/{user_id}")
        return int(found["access_level"]) if found is not None else 0

    async def add_member(self, project: ProjectRef, user_id: int, level: int) -> None:
        """Make somebody a member."""
        await self._json("POST", f"{_project(project)}/members", json={"user_id": user_id, "access_level": level})

    async def update_member(self, project: ProjectRef, user_id: int, level: int) -> None:
        """Change a member's level."""
        await self._json("PUT", f"{_project(project)}/members/{user_id}", json={"access_level": level})

    async def list_hooks(self, project: ProjectRef) -> list[Mapping[str, Any]]:
        """All webhooks of a project."""
        return [one async for one in self._pages(f"{_project(project)}/hooks", {})]

    async def create_hook(self, project: ProjectRef, **fields: Any) -> Mapping[str, Any]:
        """Add a webhook."""
        return await self._json("POST", f"{_project(project)}/hooks", json=fields)

    async def update_hook(self, project: ProjectRef, hook_id: int, **fields: Any) -> Mapping[str, Any]:
        """Change a webhook."""
        return await self._json("PUT", f"{_project(project)}/hooks/{hook_id}", json=fields)

    # -- repository

    async def find_commit(self, project: ProjectRef, ref: str) -> Mapping[str, Any] | None:
        """The commit that a branch, tag or id means."""
        return await self._find("GET", f"{_project(project)}/repository/commits/{quote(ref, safe='')}")

    async def find_branch(self, project: ProjectRef, branch: str) -> Mapping[str, Any] | None:
        """A branch with its newest commit."""
        return await self._find("GET", f"{_project(project)}/repository/branches/{quote(branch, safe='')}")

    async def create_branch(self, project: ProjectRef, branch: str, ref: str) -> Mapping[str, Any]:
        """A new branch at a ref."""
        body = {"branch": branch, "ref": ref}
        return await self._json("POST", f"{_project(project)}/repository/branches", json=body)

    async def list_commits(self, project: ProjectRef, **filters: Any) -> list[Mapping[str, Any]]:
        """The newest commits (one page): `ref_name`, `path`, `per_page`."""
        answer = await self._send("GET", f"{_project(project)}/repository/commits", params=filters)
        found: list[Mapping[str, Any]] = answer.json()
        return found

    async def create_commit(self, project: ProjectRef, **fields: Any) -> Mapping[str, Any]:
        """Commit actions to a branch: `branch`, `commit_message`, `actions`, `start_sha`..."""
        return await self._json("POST", f"{_project(project)}/repository/commits", json=fields)

    async def iter_tree(
        self, project: ProjectRef, ref: str, path: str = "", *, recursive: bool = False
    ) -> AsyncIterator[TreeEntry]:
        """The names in a directory of a commit; `not_found` when there is no such directory."""
        params = {"ref": ref, "path": path, "recursive": str(recursive).lower(), "pagination": "keyset"}
        async for document in self._pages(f"{_project(project)}/repository/tree", params):
            yield TreeEntry.from_json(document)

    async def find_file(self, project: ProjectRef, path: str, ref: str, *, max_size: int) -> bytes | None:
        """A file's bytes; raises `too_large` beyond `max_size` without having read it all."""
        where = f"{_project(project)}/repository/files/{quote(path, safe='')}/raw"
        try:
            async with self._stream("GET", where, params={"ref": ref}) as answer:
                content = bytearray()
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > max_size:
                        raise PlatformError(Kind.TOO_LARGE, f"{path} is larger than {max_size} bytes")
                return bytes(content)
        except forge_errors.ForgeError as exc:
            if exc.kind is Kind.NOT_FOUND:
                return None
            raise

    # -- CI

    async def create_pipeline(self, project: ProjectRef, ref: str, variables: Mapping[str, str]) -> Mapping[str, Any]:
        """Start a CI pipeline with variables."""
        given = [{"key": key, "value": value} for key, value in variables.items()]
        return await self._json("POST", f"{_project(project)}/pipeline", json={"ref": ref, "variables": given})

    async def get_pipeline(self, project: ProjectRef, pipeline_id: int) -> Mapping[str, Any]:
        """A CI pipeline."""
        return await self._json("GET", f"{_project(project)}/pipelines/{pipeline_id}")

    async def cancel_pipeline(self, project: ProjectRef, pipeline_id: int) -> Mapping[str, Any]:
        """Cancel what of a CI pipeline has not ended."""
        return await self._json("POST", f"{_project(project)}/pipelines/{pipeline_id}/cancel")

    async def list_pipeline_jobs(self, project: ProjectRef, pipeline_id: int) -> list[Job]:
        """All jobs of a CI pipeline, without those that were retried."""
        path = f"{_project(project)}/pipelines/{pipeline_id}/jobs"
        return [Job.from_json(one) async for one in self._pages(path, {})]

    async def get_job(self, project: ProjectRef, job_id: int) -> Job:
        """One CI job."""
        return Job.from_json(await self._json("GET", f"{_project(project)}/jobs/{job_id}"))

    @asynccontextmanager
    async def trace(self, project: ProjectRef, job_id: int, offset: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        """The log of a CI job from a byte on, streamed; `invalid` with status 416 when it is not that long."""
        headers = {"range": f"bytes={offset}-"} if offset else {}
        async with self._stream("GET", f"{_project(project)}/jobs/{job_id}/trace", headers=headers) as answer:
            yield _from(answer.aiter_bytes(), 0 if answer.status_code == 206 else offset)

    async def list_pipelines(self, project: ProjectRef, **filters: Any) -> list[Mapping[str, Any]]:
        """The newest CI pipelines (one page): `source`, `username`, `ref`, `updated_after`..."""
        answer = await self._send("GET", f"{_project(project)}/pipelines", params={"per_page": 100, **filters})
        found: list[Mapping[str, Any]] = answer.json()
        return found

    async def list_pipeline_variables(self, project: ProjectRef, pipeline_id: int) -> list[Mapping[str, Any]]:
        """The variables a CI pipeline was started with."""
        answer = await self._send("GET", f"{_project(project)}/pipelines/{pipeline_id}/variables")
        found: list[Mapping[str, Any]] = answer.json()
        return found

    # -- plumbing

    async def _find(self, method: str, path: str) -> Mapping[str, Any] | None:
        try:
            return await self._json(method, path)
        except forge_errors.ForgeError as exc:
            if exc.kind is Kind.NOT_FOUND:
                return None
            raise

    async def _pages(self, path: str, params: Params) -> AsyncIterator[Mapping[str, Any]]:
        url: str | None = path
        query: Params | None = {"per_page": 100, **params}
        while url is not None:
            answer = await self._send("GET", url, params=query)
            documents: Sequence[Mapping[str, Any]] = answer.json()
            for document in documents:
                yield document
            following = answer.links.get("next", {}).get("url")
            # Only path and query are taken over: a reverse proxy may make the forge name another host.
            url = _local(following) if following and documents else None
            query = None

    async def _json(self, method: str, path: str, *, json: Any = None) -> Mapping[str, Any]:
        answer = await self._send(method, path, json=json)
        try:
            document: Mapping[str, Any] = answer.json()
        except ValueError as exc:
            raise PlatformError(Kind.UNAVAILABLE, f"the forge answered {path} with something else than JSON") from exc
        return document

    async def _send(self, method: str, path: str, *, json: Any = None, params: Params | None = None) -> httpx.Response:
        try:
            answer = await self._http.request(
                method, self._address(path), headers=self.credential.headers, json=json, params=params
            )
        except httpx.HTTPError as exc:
            raise forge_errors.from_transport(exc, self.url) from exc
        if answer.status_code >= 300:
            raise forge_errors.from_answer(answer)
        return answer

    @asynccontextmanager
    async def _stream(
        self, method: str, path: str, *, params: Params | None = None, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx.Response]:
        sent = {**self.credential.headers, **(headers or {})}
        try:
            async with self._http.stream(method, self._address(path), headers=sent, params=params) as answer:
                if answer.status_code >= 300:
                    await answer.aread()
                    raise forge_errors.from_answer(answer)
                yield answer
        except httpx.HTTPError as exc:
            raise forge_errors.from_transport(exc, self.url) from exc

    def _address(self, path: str) -> str:
        return f"{self.url}{path}" if path.startswith("/api/") else f"{self.url}/api/v4{path}"


async def _from(chunks: AsyncIterator[bytes], skip: int) -> AsyncIterator[bytes]:
    """What follows after `skip` bytes, for servers that ignore ranges."""
    async for chunk in chunks:
        if skip < len(chunk):
            yield chunk[skip:]
        skip = max(0, skip - len(chunk))


def _project(project: ProjectRef) -> str:
    return f"/projects/{quote(str(project), safe='')}"


def _local(url: str) -> str:
    raw = httpx.URL(url).raw_path.decode("ascii")
    start = raw.find("/api/v4")
    return raw[start:] if start >= 0 else raw
