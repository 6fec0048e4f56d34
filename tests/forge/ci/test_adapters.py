"""CI on real repositories, real rows and a real key."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from mlreef.forge.access.tables import users
from mlreef.forge.ci import adapters
from mlreef.forge.ci.config.errors import ConfigError
from mlreef.forge.groups.tables import namespaces
from mlreef.forge.oidc.keys import SigningKey
from mlreef.forge.projects.tables import projects
from mlreef.forge.repos.storage import Storage
from mlreef.kit.clock import FixedClock
from mlreef.kit.db import Database
from mlreef.kit.errors import PlatformError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ZERO = "0" * 40


@pytest.fixture
async def repo(tmp_path: Path) -> adapters.GitRepositories:
    storage = Storage(tmp_path / "repos")
    await storage.create(7)
    stream = b""
    for number, branch in enumerate(["main", "main", "dev"]):
        person = f"Ann <a@b> {number} +0000"
        stream += f"commit refs/heads/{branch}\nauthor {person}\ncommitter {person}\n".encode()
        stream += f"data 3\nm {number}\n".encode()
        if branch == "dev":
            stream += b"from refs/heads/main\n"
        stream += f"M 100644 inline d/{number}.txt\ndata 1\n{number}\n".encode()
        stream += b"M 100644 inline .gitlab-ci.yml\ndata 3\na: \nM 120000 inline link\ndata 5\nd/0.t\n"
    stream += b"tag v1\nfrom refs/heads/main\ntagger Ann <a@b> 1 +0000\ndata 1\nx\n"
    subprocess.run(["git", "fast-import", "--quiet"], input=stream, cwd=storage.path(7), check=True)
    return adapters.GitRepositories(storage)


async def test_refs_are_found_by_short_and_full_names(repo: adapters.GitRepositories):
    main = await repo.find_ref(7, "main")
    assert main is not None
    assert await repo.find_ref(7, "refs/heads/main") == main
    tag = await repo.find_ref(7, "v1")
    assert tag == replace(main, name="v1", tag=True)
    assert await repo.find_ref(7, "nope") is None
    assert await repo.find_ref(7, "refs/pipelines/1") is None
    assert await repo.find_ref(8, "main") is None


async def test_files_and_paths_are_read_at_a_commit(repo: adapters.GitRepositories):
    main = await repo.find_ref(7, "main")
    assert main is not None
    assert await repo.find_file(7, main.sha, ".gitlab-ci.yml") == b"a: "
    for missing in ("link", "d", "", "nope", "../x", "d/2.txt"):
        assert await repo.find_file(7, main.sha, missing) is None
    assert await repo.paths(7, main.sha) == {".gitlab-ci.yml", "link", "d/0.txt", "d/1.txt"}


async def test_a_push_knows_its_commits_and_changed_files(repo: adapters.GitRepositories):
    main, dev = await repo.find_ref(7, "main"), await repo.find_ref(7, "dev")
    assert main is not None
    assert dev is not None
    assert await repo.changed(7, main.sha, dev.sha) == {"d/2.txt"}
    assert await repo.changed(7, "f" * 40, dev.sha) is None
    commits, total = await repo.commits_between(7, main.sha, dev.sha)
    assert ([commit.id for commit in commits], total) == ([dev.sha], 1)
    assert (await repo.commits_between(7, ZERO, dev.sha))[1] == 1
    assert (await repo.commits_between(7, "f" * 40, dev.sha))[1] == 1


async def test_a_pipelines_commit_is_kept_by_a_ref_and_again(repo: adapters.GitRepositories):
    main = await repo.find_ref(7, "main")
    assert main is not None
    for _ in range(2):
        await repo.keep(7, 5, main.sha)
    command = ["git", "rev-parse", "refs/pipelines/5"]
    shown = subprocess.run(command, cwd=repo.storage.path(7), capture_output=True, check=True, text=True)
    assert shown.stdout.strip() == main.sha


async def test_a_huge_configuration_is_refused_unread(repo: adapters.GitRepositories):
    stream = b"commit refs/heads/big\ncommitter A <a@b> 1 +0000\ndata 0\nM 100644 inline big\ndata 2000000\n"
    stream += b"x" * 2_000_000 + b"\n"
    subprocess.run(["git", "fast-import", "--quiet"], input=stream, cwd=repo.storage.path(7), check=True)
    big = await repo.find_ref(7, "big")
    assert big is not None
    with pytest.raises(ConfigError, match="larger than"):
        await repo.find_file(7, big.sha, "big")


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database.open(f"sqlite:///{tmp_path}/forge.db", migrations="mlreef.forge.migrations")
    await made.migrate()
    person = {
        "username": "ann",
        "name": "Ann",
        "email": "a@b.org",
        "state": "active",
        "admin": False,
        "external": False,
    }
    group = {
        "name": "Lab",
        "path": "lab",
        "visibility": "private",
        "description": "",
        "settings": {},
        "created_at": NOW,
    }
    async with made.write() as tx:
        await tx.insert(users, {**person, "id": 1, "bot": False, "profile": {}, "created_at": NOW})
        await tx.insert(namespaces, {**group, "id": 3, "kind": "group", "full_path": "lab", "traversal": "3/"})
        inner = {**group, "path": "deep", "id": 4, "kind": "group", "full_path": "lab/deep", "parent_id": 3}
        await tx.insert(namespaces, {**inner, "traversal": "3/4/"})
        row = {"id": 7, "namespace_id": 4, "name": "Iris", "path": "iris", "full_path": "lab/deep/iris", "settings": {}}
        row |= {
            "description": "",
            "visibility": "private",
            "creator_id": 1,
            "archived": False,
            "default_branch": "main",
        }
        times = dict.fromkeys(("created_at", "updated_at", "last_activity_at"), NOW)
        await tx.insert(projects, {**row, **times, "star_count": 0, "forks_count": 0, "state": "ready"})
    yield made
    await made.close()


async def test_projects_and_people_are_read_as_ci_needs_them(db: Database):
    directory = adapters.ForgeDirectory("http://f")
    async with db.read() as tx:
        project = await directory.get_project(tx, 7)
        assert (project.full_path, project.group_ids, project.root_namespace_id) == ("lab/deep/iris", (4, 3), 3)
        assert (project.http_url, project.namespace_path) == ("http://f/lab/deep/iris.git", "lab/deep")
        assert (await directory.get_user(tx, 1)).username == "ann"
        assert (await directory.get_user(tx, 99)).username == "ghost"
        assert await directory.project_ids_of_groups(tx, [3]) == [7]
        assert await directory.is_protected(tx, 7, "main", tag=False)
        assert not await directory.is_protected(tx, 7, "dev", tag=False)
        assert not await directory.is_protected(tx, 7, "main", tag=True)
        with pytest.raises(PlatformError):
            await directory.get_project(tx, 8)


async def test_identity_tokens_verify_with_the_published_key(tmp_path: Path):
    key = SigningKey.load(tmp_path / "secrets")
    tokens = adapters.SignedIdTokens(key, "http://f", FixedClock(NOW))
    token = await tokens.issue({"job_id": "5"}, audience=["http://m"], seconds=60)
    claims = jwt.decode(token, KeySet.import_key_set(key.jwks), algorithms=["RS256"]).claims
    now = int(NOW.timestamp())
    assert (claims["iss"], claims["aud"], claims["job_id"]) == ("http://f", "http://m", "5")
    assert (claims["iat"], claims["exp"]) == (now, now + 60)
