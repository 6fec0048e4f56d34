"""The forge as runs see it: a repository to resolve from, branches to commit to, CI pipelines and logs to follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mlreef.clients.forge import ForgeClient
from mlreef.clients.forge_errors import ForgeError
from mlreef.clients.forge_models import Job, TreeEntry
from mlreef.kit import ids
from mlreef.kit.errors import Kind, PlatformError
from mlreef.management.definitions import canonical
from mlreef.management.definitions.lookups import Entry
from mlreef.management.runs.datasets import Action, Blob
from mlreef.management.runs.progress import JobNews
from mlreef.management.runs.records import Run
from mlreef.management.runs.upkeep import PipelineNews

CONFIG_VARIABLE = "MLREEF_CONFIG"
MAX_LOG_READ = 1 << 20


class ForgeRepository:
    """A project's repository with the client's rights; see `definitions.lookups.Repository`."""

    def __init__(self, client: ForgeClient, project_id: int) -> None:
        self._client = client
        self._project_id = project_id

    async def find_commit(self, ref: str, *, branch: bool) -> str | None:
        """The full id a branch points to, or that an abbreviated id stands for."""
        if branch:
            found = await self._client.find_branch(self._project_id, ref)
            return str(found["commit"]["id"]) if found is not None else None
        commit = await self._client.find_commit(self._project_id, ref)
        # A branch may be called like a commit id; only an id that begins as asked is meant.
        return str(commit["id"]) if commit is not None and str(commit["id"]).startswith(ref) else None

    async def find_entry(self, commit: str, path: str) -> Entry | None:
        """What is at a path; the root by a digest over its listing, since commits do not tell their tree's id."""
        parent, _slash, name = path.rpartition("/")
        try:
            entries = [one async for one in self._client.iter_tree(self._project_id, commit, parent if path else "")]
        except PlatformError as exc:
            if exc.kind == Kind.NOT_FOUND:
                return None
            raise
        if not path:
            return Entry("tree", canonical.digest([[one.mode, one.name, one.id] for one in _by_name(entries)]))
        found = next((one for one in entries if one.name == name), None)
        return Entry(found.type, found.id) if found is not None and found.type in {"tree", "blob"} else None


def _by_name(entries: Sequence[TreeEntry]) -> list[TreeEntry]:
    return sorted(entries, key=lambda one: one.name)


class ForgeBranches:
    """Branches to commit datasets to; see `datasets.Branches`."""

    def __init__(self, client: ForgeClient, project_id: int) -> None:
        self._client = client
        self._project_id = project_id

    async def find_head(self, branch: str) -> str | None:
        """The commit a branch points to."""
        found = await self._client.find_branch(self._project_id, branch)
        return str(found["commit"]["id"]) if found is not None else None

    async def list_files(self, commit: str, path: str) -> dict[str, Blob]:
        """All files below a path."""
        try:
            entries = self._client.iter_tree(self._project_id, commit, path, recursive=True)
            return {one.path: Blob(one.mode, one.id) async for one in entries if one.type == "blob"}
        except PlatformError as exc:
            if exc.kind == Kind.NOT_FOUND:
                return {}
            raise

    async def create_branch(self, branch: str, commit: str) -> None:
        """A new branch at a commit."""
        await self._client.create_branch(self._project_id, branch, commit)

    async def commit(self, branch: str, message: str, actions: Sequence[Action], *, start: str | None) -> str:
        """Commit changes to a branch."""
        origin = {"start_sha": start} if start is not None else {}
        made = await self._client.create_commit(
            self._project_id, branch=branch, commit_message=message, actions=list(actions), **origin
        )
        return str(made["id"])

    async def find_with_trailer(self, branch: str, path: str, trailer: str) -> str | None:
        """The newest commit below a path whose message has a line."""
        commits = await self._client.list_commits(self._project_id, ref_name=branch, path=path, per_page=100)
        found = (one for one in commits if trailer in str(one.get("message") or "").splitlines())
        return next((str(one["id"]) for one in found), None)


class ForgeCi:
    """CI pipelines with the service's own rights; see `upkeep.CiPipelines`."""

    def __init__(self, client: ForgeClient) -> None:
        self._client = client

    async def find_pipeline(self, project_id: int, pipeline_id: int) -> PipelineNews | None:
        """A CI pipeline with its jobs."""
        try:
            pipeline = await self._client.get_pipeline(project_id, pipeline_id)
        except ForgeError as exc:
            if exc.kind == Kind.NOT_FOUND and await self._readable(project_id):
                return None
            raise
        jobs = await self._client.list_pipeline_jobs(project_id, pipeline_id)
        return PipelineNews(str(pipeline["status"]), [job_news(job) for job in jobs])

    async def _readable(self, project_id: int) -> bool:
        # A project that is hidden from the service says nothing about its pipelines.
        return (await self._client.get_project(project_id)).id == project_id

    async def find_started(self, run: Run, job_names: set[str]) -> int | None:
        """The CI pipeline that carries the run's capability; the forge shows variables to those it trusts with them.

        Where it does not, the only pipeline of the same user with exactly these jobs is taken.
        """
        candidates = await self._client.list_pipelines(run.project_id, source="api", username=run.username)
        alike = []
        for candidate in candidates:
            if parse_time(candidate.get("created_at")) is None or _before(candidate, run):
                continue
            pipeline_id = int(candidate["id"])
            try:
                variables = await self._client.list_pipeline_variables(run.project_id, pipeline_id)
            except PlatformError as exc:
                if exc.kind not in {Kind.FORBIDDEN, Kind.NOT_FOUND}:
                    raise
            else:
                if config_hash(variables) == run.config_hash:
                    return pipeline_id
                continue
            jobs = await self._client.list_pipeline_jobs(run.project_id, pipeline_id)
            alike += [pipeline_id] if {job.name for job in jobs} == job_names else []
        return alike[0] if len(alike) == 1 else None

    async def cancel(self, project_id: int, pipeline_id: int) -> None:
        """Cancel what still runs."""
        await self._client.cancel_pipeline(project_id, pipeline_id)


def _before(candidate: Mapping[str, Any], run: Run) -> bool:
    created = parse_time(candidate["created_at"])
    # The forge's clock may be a little behind ours.
    return created is not None and (run.created_at - created).total_seconds() > 30


def config_hash(variables: Sequence[Mapping[str, Any]]) -> str | None:
    """The hash of the capability among a CI pipeline's variables."""
    found = (str(one["value"]) for one in variables if one.get("key") == CONFIG_VARIABLE and one.get("value"))
    return next((ids.hash_token(value) for value in found), None)


def job_news(job: Job) -> JobNews:
    """What a job entity says."""
    duration = job.raw.get("duration")
    return JobNews(
        job.id,
        job.name,
        job.status,
        job.failure_reason,
        parse_time(job.raw.get("started_at")),
        parse_time(job.raw.get("finished_at")),
        float(duration) if duration is not None else None,
    )


def parse_time(text: object) -> datetime | None:
    """A forge's time: ISO 8601, or `2026-11-23 12:00:00 UTC` as in webhooks."""
    if not isinstance(text, str) or not text:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


class ForgeTraces:
    """Job logs with a watcher's rights; see `events.channels.Traces`."""

    def __init__(self, client: ForgeClient) -> None:
        self._client = client

    async def read(self, project_id: int, job_id: int, offset: int) -> bytes:
        """The log from an offset on, at most 1 MiB of it."""
        found = bytearray()
        try:
            async with self._client.trace(project_id, job_id, offset) as chunks:
                async for chunk in chunks:
                    found += chunk
                    if len(found) >= MAX_LOG_READ:
                        break
        except ForgeError as exc:
            if exc.http_status == 416:
                return b""
            raise
        return bytes(found[:MAX_LOG_READ])
