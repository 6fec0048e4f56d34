"""Pushing a folder with the real git (and git-lfs when it is installed), as a user would."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from pathlib import Path

from mlreef.kit.errors import Kind, PlatformError


def lfs_installed() -> bool:
    """Whether git-lfs can be used here."""
    return shutil.which("git-lfs") is not None


def clone(url: str, target: Path, username: str, token: str) -> None:
    """Clone a project into `target`."""
    _git(["clone", "--quiet", url, str(target)], target.parent, username, token)


def commit_and_push(folder: Path, message: str, username: str, token: str, *, lfs: str | None) -> None:
    """Commit everything in a clone and push; files matching `lfs` (e.g. `*.png`) go through git-lfs."""

    def git(*arguments: str) -> None:
        _git(list(arguments), folder, username, token)

    if lfs is not None:
        git("lfs", "install", "--local")
        git("lfs", "track", lfs)
    git("add", "--all")
    git("-c", f"user.name={username}", "-c", f"user.email={username}@example.org", "commit", "--quiet", "-m", message)
    git("push", "--quiet", "origin", "HEAD")


def _git(arguments: list[str], folder: Path, username: str, token: str) -> None:
    header = base64.b64encode(f"{username}:{token}".encode()).decode()
    # In the environment, not in argv, where other users of the machine could read it.
    variables = {
        **os.environ,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {header}",
    }
    done = subprocess.run(["git", *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PlatformError(Kind.INVALID, f"git {arguments[0]} failed: {done.stderr.strip()[-600:]}")
