"""A git clone as something to publish from: which project and commit it is, and whether the server has that commit."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from mlreef.kit.errors import conflict, invalid


@dataclass(frozen=True, slots=True)
class Clone:
    """Where a clone stands."""

    root: Path
    remote: str
    host: str
    project: str
    branch: str | None
    commit: str


def inspect(root: Path) -> Clone:
    """The clone's project, branch and commit; raises where it has none."""
    commit = _find(root, "rev-parse", "--verify", "--quiet", "HEAD")
    if commit is None:
        raise conflict(f"{root} has no commit yet: git add . && git commit")
    branch = _find(root, "symbolic-ref", "--quiet", "--short", "HEAD")
    remote = (_find(root, "config", f"branch.{branch}.remote") if branch else None) or "origin"
    url = _find(root, "remote", "get-url", remote)
    if url is None:
        message = f"{root} has no remote {remote!r}: git remote add origin <the project's URL>"
        raise conflict(f"{message}, or name the project: mlreef processor publish group/project FILE")
    host, project = _address(url)
    return Clone(root, remote, host, project, branch, commit)


def _address(url: str) -> tuple[str, str]:
    """Host and project path in a remote's URL."""
    if "://" in url:
        parts = urlsplit(url)
        host, path = parts.netloc.rpartition("@")[2], parts.path
    else:
        match = re.fullmatch(r"(?:[^@/]+@)?([^:/]+):(.+)", url)
        if match is None:
            raise invalid(f"the remote {url} is no server; name the project: mlreef processor publish group/project")
        host, path = match[1], match[2]
    return host, path.strip("/").removesuffix(".git")


def refuse_changes(clone: Clone, needed: list[Path]) -> None:
    """Raise when the commit is not what lies in the folder."""
    changed = [line for line in (_find(clone.root, "status", "--porcelain", "-uno") or "").splitlines() if line]
    if changed:
        listed = ", ".join(line[3:] for line in changed[:5])
        raise conflict(f"there are changes that are not committed ({listed}): git commit -a, then git push")
    for file in needed:
        if _find(clone.root, "ls-files", "--error-unmatch", str(file)) is None:
            raise conflict(f"{file} is not in git: git add {file.name} && git commit, then git push")


def _find(root: Path, *arguments: str) -> str | None:
    """What git says; None when it fails."""
    asked = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return asked.stdout.strip("\n") if asked.returncode == 0 else None
