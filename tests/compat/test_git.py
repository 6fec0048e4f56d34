"""The real git against a live forge: clone, push, protocols, refusals, and what survives a kill."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from mlreef.forge.repos import events
from support import gitforge
from support.gitforge import run

pytestmark = pytest.mark.slow


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[gitforge.Forge, str]]:
    with gitforge.serving(tmp_path / "forge") as found:
        yield found


def address(url: str, name: str | None = "owner", project: str = "owner/data.git") -> str:
    login = f"{name}:{gitforge.token(name)}@" if name else ""
    return url.replace("://", f"://{login}") + f"/{project}"


def git(repo: Path, *args: str | Path, fails: bool = False) -> str:
    return run("git", "-C", repo, "-c", "user.name=T", "-c", "user.email=t@example.org", *args, fails=fails)


@pytest.fixture
def work(tmp_path: Path, live: tuple[gitforge.Forge, str]) -> Path:
    """A clone of the empty project with one commit, pushed."""
    path = tmp_path / "work"
    run("git", "clone", "-q", address(live[1]), path)
    git(path, "checkout", "-q", "-B", "main")
    (path / "a.txt").write_text("one\n")
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "first")
    git(path, "push", "-q", "origin", "main")
    return path


def commit(work: Path, name: str, text: str = "x\n") -> str:
    (work / name).parent.mkdir(parents=True, exist_ok=True)
    (work / name).write_text(text)
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", name)
    return git(work, "rev-parse", "HEAD").strip()


@pytest.mark.parametrize("options", [(), ("--depth=1",), ("--filter=blob:none",), ("--mirror",)])
@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_a_clone_holds_what_was_pushed(
    live: tuple[gitforge.Forge, str], work: Path, tmp_path: Path, options: tuple[str, ...], version: str
) -> None:
    commit(work, "dir/b.txt")
    git(work, "push", "-q", "origin", "main")
    run("git", "-c", f"protocol.version={version}", "clone", "-q", *options, address(live[1], "dev"), tmp_path / "copy")
    assert git(tmp_path / "copy", "rev-parse", "main") == git(work, "rev-parse", "main")
    run("git", "-C", live[0].repo, "fsck", "--full", "--strict")


def test_many_negotiations_go_through_gzip(live: tuple[gitforge.Forge, str], work: Path, tmp_path: Path) -> None:
    for number in range(40):
        git(work, "commit", "-q", "--allow-empty", "-m", str(number))
    git(work, "push", "-q", "origin", "main")
    run("git", "clone", "-q", address(live[1]), tmp_path / "copy")
    for number in range(300):
        git(tmp_path / "copy", "commit", "-q", "--allow-empty", "-m", f"local {number}")
    commit(work, "late.txt")
    git(work, "push", "-q", "origin", "main")
    git(tmp_path / "copy", "fetch", "-q", "origin")
    assert git(tmp_path / "copy", "rev-parse", "origin/main") == git(work, "rev-parse", "main")


def test_the_first_push_of_another_branch_makes_it_the_default(
    live: tuple[gitforge.Forge, str], tmp_path: Path
) -> None:
    path = tmp_path / "work"
    run("git", "init", "-q", "-b", "trunk", path)
    commit(path, "a.txt")
    git(path, "push", "-q", address(live[1]), "trunk")
    assert (live[0].repo / "HEAD").read_text() == "ref: refs/heads/trunk\n"
    answer = httpx.get(
        f"{live[1]}/api/v4/projects/1/repository/branches", headers={"PRIVATE-TOKEN": gitforge.token("owner")}
    )
    assert [(one["name"], one["default"], one["protected"]) for one in answer.json()] == [("trunk", True, True)]


@pytest.mark.parametrize(
    ("name", "project", "said"),
    [
        (None, "owner/data.git", "could not read Username"),
        (None, "owner/nothing.git", "could not read Username"),
        ("stranger", "owner/data.git", "not found"),
        ("stranger", "owner/nothing.git", "not found"),
    ],
)
def test_hidden_and_missing_projects_look_alike(
    live: tuple[gitforge.Forge, str], tmp_path: Path, name: str | None, project: str, said: str
) -> None:
    assert said in run("git", "clone", address(live[1], name, project), tmp_path / "copy", fails=True)


def test_who_may_not_push_is_told_so(live: tuple[gitforge.Forge, str], work: Path) -> None:
    anonymous = httpx.get(f"{live[1]}/owner/data.git/info/refs?service=git-upload-pack")
    assert (anonymous.status_code, anonymous.headers["www-authenticate"]) == (401, 'Basic realm="GitLab"')
    commit(work, "b.txt")
    assert "403" in git(work, "push", address(live[1], "guest"), "main", fails=True)
    git(work, "push", "-q", address(live[1], "dev"), "main")


def test_a_public_project_is_read_without_login(live: tuple[gitforge.Forge, str], work: Path, tmp_path: Path) -> None:
    git(work, "push", "-q", address(live[1], project="owner/open.git"), "main")
    run("git", "clone", "-q", address(live[1], None, "owner/open.git"), tmp_path / "copy")
    assert "could not read Username" in git(work, "push", address(live[1], None, "owner/open.git"), "main", fails=True)


def test_an_address_without_its_suffix_redirects(live: tuple[gitforge.Forge, str], work: Path, tmp_path: Path) -> None:
    run("git", "clone", "-q", address(live[1], project="owner/data"), tmp_path / "copy")
    assert (tmp_path / "copy/a.txt").exists()


def test_the_default_branch_is_protected_from_developers(live: tuple[gitforge.Forge, str], work: Path) -> None:
    first = git(work, "rev-parse", "HEAD").strip()
    commit(work, "b.txt")
    git(work, "push", "-q", address(live[1], "dev"), "main")
    git(work, "reset", "-q", "--hard", first)
    commit(work, "c.txt")
    assert "non-fast-forward" in git(work, "push", "--force", address(live[1], "dev"), "main", fails=True)
    assert "not allowed to delete" in git(work, "push", address(live[1], "dev"), ":main", fails=True)
    git(work, "push", "-q", address(live[1], "dev"), "main:feature")
    git(work, "push", "-q", "--force", address(live[1], "dev"), "main~1:feature")
    git(work, "push", "-q", "--force", address(live[1], "owner"), "main")


@pytest.mark.parametrize(
    "ref",
    ["refs/heads/" + "a" * 40, "refs/heads/-x", "refs/pipelines/1", "refs/keep-around/x", "refs/heads/refs/heads/x"],
)
def test_a_hostile_name_of_a_reference_is_refused(live: tuple[gitforge.Forge, str], work: Path, ref: str) -> None:
    assert "declined" in git(work, "push", "origin", f"HEAD:{ref}", fails=True)
    assert ref not in run("git", "-C", live[0].repo, "for-each-ref")


def test_an_atomic_push_moves_all_or_nothing(live: tuple[gitforge.Forge, str], work: Path) -> None:
    commit(work, "b.txt")
    refused = git(work, "push", "--atomic", "origin", "main:good", "HEAD:refs/heads/" + "b" * 40, fails=True)
    assert "declined" in refused
    assert "good" not in run("git", "-C", live[0].repo, "for-each-ref")


def test_hostile_trees_are_refused(live: tuple[gitforge.Forge, str], work: Path) -> None:
    blob = run("bash", "-c", f"printf x | git -C {work} hash-object -w --stdin").strip()
    script = f"printf '100644 blob {blob}\\t.git\\n' | git -C {work} -c core.protectNTFS=false mktree"
    tree = run("bash", "-c", script).strip()
    sha = git(work, "commit-tree", tree, "-m", "evil").strip()
    assert "hasDotgit" in git(work, "push", "origin", f"{sha}:refs/heads/evil", fails=True)
    assert not list((live[0].repo / "objects").glob("tmp_objdir*"))


def test_a_broken_pack_is_refused_and_leaves_nothing(live: tuple[gitforge.Forge, str], work: Path) -> None:
    new = git(work, "rev-parse", "HEAD").strip()
    line = f"{'0' * 40} {new[::-1]} refs/heads/x\0report-status side-band-64k\n".encode()
    body = b"%04x" % (len(line) + 4) + line + b"0000PACK" + os.urandom(4000)
    headers = {"content-type": "application/x-git-receive-pack-request", "content-encoding": "gzip"}
    answer = httpx.post(
        f"{live[1]}/owner/data.git/git-receive-pack",
        content=gzip.compress(body),
        headers=headers,
        auth=("owner", gitforge.token("owner")),
    )
    assert answer.status_code == 200
    assert b"ng refs/heads/x" in answer.content
    assert not list((live[0].repo / "objects").glob("tmp_objdir*"))
    run("git", "-C", live[0].repo, "fsck", "--full", "--strict")


def test_of_eight_pushes_to_one_branch_one_wins(live: tuple[gitforge.Forge, str], work: Path, tmp_path: Path) -> None:
    copies = []
    for number in range(8):
        run("git", "clone", "-q", work, tmp_path / f"w{number}")
        commit(tmp_path / f"w{number}", f"{number}.txt")
        copies.append(tmp_path / f"w{number}")

    def push(copy: Path) -> int:
        return subprocess.run(
            ["git", "-C", copy, "push", "-q", address(live[1]), "main"], capture_output=True, check=False
        ).returncode

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(push, copies))[:2] != [0, 0]
    run("git", "-C", live[0].repo, "fsck", "--full", "--strict")


def test_listeners_hear_of_a_push_with_its_options(live: tuple[gitforge.Forge, str], work: Path) -> None:
    heard: list[events.PushEvent] = []

    async def listen(event: events.PushEvent) -> None:
        heard.append(event)

    live[0].state.repos.hooks.listeners.append(listen)
    before = git(work, "rev-parse", "HEAD").strip()
    after = commit(work, "b.txt")
    git(work, "push", "-q", "-o", "ci.skip", "origin", "main", "main:other")
    git(work, "push", "-q", "origin", ":other")
    assert [(one.ref, one.before, one.after, one.user_id, one.options) for one in heard] == [
        ("refs/heads/main", before, after, 1, ("ci.skip",)),
        ("refs/heads/other", "0" * 40, after, 1, ("ci.skip",)),
        ("refs/heads/other", after, "0" * 40, 1, ()),
    ]


def test_a_job_clones_but_does_not_push(live: tuple[gitforge.Forge, str], work: Path, tmp_path: Path) -> None:
    url = live[1].replace("://", f"://gitlab-ci-token:{gitforge.JOB_TOKEN}@") + "/owner/data.git"
    run("git", "clone", "-q", url, tmp_path / "copy")
    commit(work, "b.txt")
    assert "403" in git(work, "push", url, "main", fails=True)


def test_a_killed_server_loses_no_acknowledged_push(tmp_path: Path) -> None:
    root = tmp_path / "forge"
    work = tmp_path / "work"
    run("git", "init", "-q", "-b", "main", work)
    acknowledged: list[tuple[str, str]] = []
    for turn in range(4):
        server, url = gitforge.start_process(root)
        with ThreadPoolExecutor(1) as pool:
            for number in range(3):
                name = f"b{turn}-{number}"
                sha = commit(work, f"{name}.bin", secrets.token_hex(400_000))
                push = pool.submit(
                    subprocess.run,
                    ["git", "-C", work, "push", "-q", address(url), f"HEAD:refs/heads/{name}"],
                    capture_output=True,
                    check=False,
                )
                if number == 2:
                    asyncio.run(asyncio.sleep(0.02 * turn))
                    server.kill()
                if push.result().returncode == 0:
                    acknowledged.append((name, sha))
        server.kill()
        server.wait()
    server, url = gitforge.start_process(root)
    try:
        listed = dict(
            reversed(line.split("\trefs/heads/"))
            for line in run("git", "ls-remote", address(url)).splitlines()
            if "refs/heads/" in line
        )
        assert len(acknowledged) >= 8
        assert all(listed[name] == sha for name, sha in acknowledged), json.dumps(listed)
        repo = next(root.glob("repositories/001/1.git"))
        run("git", "-C", repo, "fsck", "--full", "--strict")
        assert not list(repo.rglob("*.lock"))
    finally:
        server.kill()
        server.wait()
