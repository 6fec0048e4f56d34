"""The real git-lfs against a live forge: push, fetch, locks, and what survives a kill."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import gitforge
from support.gitforge import run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        subprocess.run(["git", "lfs", "version"], check=False, capture_output=True).returncode != 0, reason="git-lfs"
    ),
]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[gitforge.Forge, str]]:
    with gitforge.serving(tmp_path / "forge") as found:
        yield found


def address(url: str, name: str = "owner") -> str:
    return url.replace("://", f"://{name}:{gitforge.token(name)}@") + "/owner/data.git"


def git(repo: Path, *args: str | Path, fails: bool = False) -> str:
    return run("git", "-C", repo, "-c", "user.name=T", "-c", "user.email=t@example.org", *args, fails=fails)


def prepared(path: Path, url: str) -> Path:
    """A repository that keeps `*.bin` in LFS."""
    run("git", "init", "-q", "-b", "main", path)
    git(path, "lfs", "install", "--local")
    git(path, "remote", "add", "origin", address(url))
    git(path, "lfs", "track", "*.bin")
    return path


def committed(path: Path, message: str) -> None:
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", message)


def cloned(url: str, path: Path) -> Path:
    run(
        "git",
        "-c",
        "filter.lfs.smudge=git-lfs smudge -- %f",
        "-c",
        "filter.lfs.process=git-lfs filter-process",
        "-c",
        "filter.lfs.required=true",
        "clone",
        "-q",
        url,
        path,
    )
    return path


def test_large_and_many_files_come_back_as_they_went(live: tuple[gitforge.Forge, str], tmp_path: Path) -> None:
    work = prepared(tmp_path / "work", live[1])
    (work / "large.bin").write_bytes(os.urandom(30 << 20))
    for number in range(150):
        (work / f"{number}.bin").write_bytes(os.urandom(2000))
    committed(work, "data")
    git(work, "push", "-q", "origin", "main")
    copy = cloned(address(live[1], "dev"), tmp_path / "copy")
    assert all((copy / one.name).read_bytes() == one.read_bytes() for one in work.glob("*.bin"))
    git(copy, "lfs", "fsck")


def test_pushing_again_sends_nothing(live: tuple[gitforge.Forge, str], tmp_path: Path) -> None:
    work = prepared(tmp_path / "work", live[1])
    (work / "a.bin").write_bytes(b"same")
    committed(work, "data")
    git(work, "push", "-q", "origin", "main")
    git(work, "branch", "again")
    said = git(work, "lfs", "push", "--all", "origin", "again", "--dry-run")
    assert "a.bin" in said or said == ""
    git(work, "push", "-q", "origin", "again")


def test_a_guest_cannot_push_objects(live: tuple[gitforge.Forge, str], tmp_path: Path) -> None:
    work = prepared(tmp_path / "work", live[1])
    (work / "a.bin").write_bytes(b"data")
    committed(work, "data")
    git(work, "remote", "set-url", "origin", address(live[1], "guest"))
    git(work, "push", "origin", "main", fails=True)


def test_somebody_elses_lock_stops_a_push(live: tuple[gitforge.Forge, str], tmp_path: Path) -> None:
    work = prepared(tmp_path / "work", live[1])
    (work / "a.bin").write_bytes(b"one")
    committed(work, "data")
    git(work, "push", "-q", "origin", "main")
    git(work, "lfs", "lock", "a.bin")
    copy = cloned(address(live[1], "dev"), tmp_path / "copy")
    git(copy, "lfs", "install", "--local")
    git(copy, "config", f"lfs.{live[1]}/owner/data.git/info/lfs.locksverify", "true")
    (copy / "a.bin").chmod(0o644)
    (copy / "a.bin").write_bytes(b"two")
    committed(copy, "change")
    assert "locked" in git(copy, "push", address(live[1], "dev"), "main", fails=True)
    git(work, "lfs", "unlock", "a.bin")


def test_a_killed_server_keeps_every_object_of_an_acknowledged_push(tmp_path: Path) -> None:
    root, acknowledged = tmp_path / "forge", []
    for turn in range(3):
        server, url = gitforge.start_process(root)
        work = prepared(tmp_path / f"work{turn}", url)
        for number in range(40):
            (work / f"{number}.bin").write_bytes(os.urandom(200_000))
        committed(work, "data")
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
        push = subprocess.Popen(
            ["git", "-C", work, "push", "-q", "origin", f"main:b{turn}"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + (0.25 * turn if turn < 2 else 60)
        while push.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        server.kill()
        server.wait()
        if push.wait(60) == 0:
            acknowledged.append((f"b{turn}", work))
    server, url = gitforge.start_process(root)
    try:
        assert acknowledged
        assert not list((root / "objects" / "tmp").iterdir())
        for branch, work in acknowledged:
            copy = cloned(address(url), tmp_path / f"copy-{branch}")
            git(copy, "checkout", "-q", branch)
            assert all((copy / one.name).read_bytes() == one.read_bytes() for one in work.glob("*.bin"))
    finally:
        server.kill()
        server.wait()
