"""CI's neighbours as the forge has them: git repositories, projects and people, the signing key."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlreef.forge.access import store as access_store
from mlreef.forge.ci.config import document
from mlreef.forge.ci.config.errors import fault
from mlreef.forge.ci.ports import Commit, Project, Ref, User
from mlreef.forge.groups import store as groups_store
from mlreef.forge.oidc.keys import SigningKey
from mlreef.forge.projects import service as projects
from mlreef.forge.projects import store as projects_store
from mlreef.forge.repos import durability, git, objects, refs
from mlreef.forge.repos.protection import rules
from mlreef.forge.repos.protection import store as protection_store
from mlreef.forge.repos.storage import Storage
from mlreef.kit.clock import Clock
from mlreef.kit.db import Tx
from mlreef.kit.errors import PlatformError, not_found

SHOWN_COMMITS = 20
_LINK = 0o120000


@dataclass(frozen=True, slots=True)
class GitRepositories:
    """`ports.Repositories` on bare repositories."""

    storage: Storage

    async def find_ref(self, project_id: int, name: str) -> Ref | None:
        """A branch before a tag of the same short name; full names mean what they say."""
        try:
            path = self.storage.path(project_id)
        except PlatformError:
            return None
        wanted = [name] if name.startswith(("refs/heads/", "refs/tags/")) else [refs.HEADS + name, refs.TAGS + name]
        for full in wanted:
            found = await asyncio.to_thread(objects.find_reference, path, full)
            if found is not None:
                return Ref(refs.short(full), tag=full.startswith(refs.TAGS), sha=found.commit)
        return None

    async def get_commit(self, project_id: int, sha: str) -> Commit:
        """A commit by its full id."""
        return _commit(await asyncio.to_thread(objects.get_commit, self.storage.path(project_id), sha))

    async def commits_between(self, project_id: int, before: str, after: str) -> tuple[Sequence[Commit], int]:
        """The newest commits of a push, oldest first; of a new branch only its tip is shown."""
        path = self.storage.path(project_id)
        if before == refs.ZERO:
            return [await self.get_commit(project_id, after)], 1
        try:
            span = (after, f"^{before}")
            listed = await git.run(path, "rev-list", f"--max-count={SHOWN_COMMITS}", *span)
            total = int(await git.run(path, "rev-list", "--count", *span))
        except git.GitFailed:  # the old tip is gone
            return [await self.get_commit(project_id, after)], 1
        ids = listed.decode().split()
        commits = await asyncio.to_thread(objects.get_commits, path, ids)
        return [_commit(commit) for commit in reversed(commits)], total

    async def find_file(self, project_id: int, sha: str, path: str) -> bytes | None:
        """A configuration file; links and folders are none."""
        repo = self.storage.path(project_id)
        entry = await asyncio.to_thread(objects.find_entry, repo, sha, path) if path else None
        if entry is None or entry.type != "blob" or entry.mode == _LINK:
            return None
        if await asyncio.to_thread(objects.blob_size, repo, entry.id) > document.MAX_BYTES:
            raise fault(f"Local file `{path}` is larger than {document.MAX_BYTES} bytes")
        return await asyncio.to_thread(objects.read_blob, repo, entry.id)

    async def paths(self, project_id: int, sha: str) -> frozenset[str]:
        """All paths of files."""
        listed = await git.run(self.storage.path(project_id), "ls-tree", "-r", "-z", "--name-only", sha)
        return frozenset(listed.decode("utf-8", "replace").split("\0")[:-1])

    async def changed(self, project_id: int, before: str, after: str) -> frozenset[str] | None:
        """Paths that differ between two commits; None when the older one is gone."""
        repo = self.storage.path(project_id)
        try:
            listed = await git.run(repo, "diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after)
        except git.GitFailed:
            return None
        return frozenset(listed.decode("utf-8", "replace").split("\0")[:-1])

    async def keep(self, project_id: int, pipeline_id: int, sha: str) -> None:
        """Create `refs/pipelines/<id>`."""
        repo = self.storage.path(project_id)
        await git.run(repo, "update-ref", f"refs/pipelines/{pipeline_id}", sha)
        await durability.settle(repo)


@dataclass(frozen=True, slots=True)
class ForgeDirectory:
    """`ports.Directory` on the slices access, projects and protection."""

    external_url: str

    async def get_project(self, tx: Tx, project_id: int) -> Project:
        """A project that exists."""
        found = await projects.find_any(tx, project_id)
        if found is None:
            raise not_found("404 Project")
        web_url = f"{self.external_url}/{found.full_path}"
        return Project(
            id=found.id,
            name=found.name,
            path=found.path,
            full_path=found.full_path,
            namespace_id=found.namespace_id,
            namespace_path=found.namespace_path,
            root_namespace_id=found.root_namespace_id,
            visibility=found.visibility,
            default_branch=found.default_branch,
            web_url=web_url,
            http_url=f"{web_url}.git",
            group_ids=found.group_ids,
            ci_config_path=found.ci_config_path or None,
            description=found.description,
        )

    async def get_user(self, tx: Tx, user_id: int) -> User:
        """A user, or what is left of one that was deleted."""
        row = await access_store.find_user(tx, user_id)
        if row is None:
            return User(user_id, "ghost", "Ghost User", "", f"{self.external_url}/ghost", state="blocked")
        return User(
            id=row["id"],
            username=row["username"],
            name=row["name"],
            email=row["email"],
            web_url=f"{self.external_url}/{row['username']}",
            state=row["state"],
        )

    async def project_ids_of_groups(self, tx: Tx, group_ids: Sequence[int]) -> Sequence[int]:
        """All projects in the groups and their subgroups."""
        found: set[int] = set()
        for group in (await groups_store.by_ids(tx, group_ids)).values():
            found.update(await projects_store.ids_below(tx, group["traversal"]))
        return sorted(found)

    async def is_protected(self, tx: Tx, project_id: int, ref: str, *, tag: bool) -> bool:
        """Whether a branch is protected; tags are not."""
        project = await projects.find_any(tx, project_id)
        if tag or project is None:
            return False
        rows = await protection_store.list_rows(tx, project_id)
        protections = rules.protections(rows, project.default_branch)
        return rules.Rules(0, protections).is_protected(refs.HEADS + ref)


@dataclass(frozen=True, slots=True)
class SignedIdTokens:
    """`ports.IdTokens` with the forge's signing key."""

    key: SigningKey
    issuer: str
    clock: Clock

    async def issue(self, claims: Mapping[str, Any], *, audience: Sequence[str], seconds: int) -> str:
        """A signed token; a single audience is a text, several are a list."""
        now = int(self.clock.now().timestamp())
        times = {"iat": now, "nbf": now - 5, "exp": now + seconds, "jti": secrets.token_hex(16)}
        aud: Any = audience[0] if len(audience) == 1 else list(audience)
        return self.key.sign({**claims, "iss": self.issuer, "aud": aud, **times})


def _commit(found: objects.Commit) -> Commit:
    return Commit(
        id=found.id,
        message=found.message,
        title=found.title,
        author_name=found.author_name,
        author_email=found.author_email,
        timestamp=found.authored,
        parents=found.parents,
    )
