"""Sources come from git without credentials on a command line and without believing what the repository says."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from runner_fakes import job_payload

from mlreef.runner import payload, sources
from mlreef.runner.executors import base
from mlreef.runner.masking import Masker
from mlreef.runner.trace import Trace


def git(*argv: str, cwd: Path) -> str:
    identity = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    command = ["git", *argv]
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **identity}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    return Trace(tmp_path / "trace", Masker([]), limit=1 << 20)


async def test_local_paths_and_other_protocols_are_no_repositories(tmp_path: Path, trace: Trace) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    git("init", "-q", "-b", "main", cwd=origin)
    git("commit", "-q", "--allow-empty", "-m", "x", cwd=origin)
    given = payload.parse(job_payload(1, ["true"])).git
    sha = git("rev-parse", "HEAD", cwd=origin)
    for place in ("work", "private"):
        (tmp_path / place).mkdir()
    hostile = replace(
        given, repo_url=f"file://{origin}", sha=sha, refspecs=["+refs/heads/main:refs/remotes/origin/main"]
    )
    with pytest.raises(base.PrepareFailed, match="git fetch failed"):
        await sources.get(hostile, tmp_path / "work", tmp_path / "private", trace)


def test_credentials_stand_in_a_private_file_only(tmp_path: Path) -> None:
    given = payload.parse(job_payload(3, ["true"])).git
    sources._configure(given, tmp_path / "gitconfig")
    text = (tmp_path / "gitconfig").read_text()
    assert given.clean_url == "http://forge.test/g/p.git"
    assert '[url "http://gitlab-ci-token:glcbt-token-of-job-3@forge.test/"]' in text
    assert "insteadOf = http://forge.test/" in text
    assert (tmp_path / "gitconfig").stat().st_mode & 0o777 == 0o600
