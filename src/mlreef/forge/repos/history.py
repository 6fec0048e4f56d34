"""Walks through history, done by the git binary: libgit2 would hold the interpreter for as long as they last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mlreef.forge.repos import git


@dataclass(frozen=True, slots=True)
class Walk:
    """Which commits are wanted, newest first."""

    path: str = ""
    since: datetime | None = None
    until: datetime | None = None
    author: str | None = None
    first_parent: bool = False
    topological: bool = False
    every_ref: bool = False

    def arguments(self) -> list[str]:
        """Options of git-rev-list(1)."""
        found = [f"--since={int(self.since.timestamp())}"] if self.since else []
        found += [f"--until={int(self.until.timestamp())}"] if self.until else []
        found += ["--fixed-strings", f"--author={self.author}"] if self.author else []
        found += ["--first-parent"] if self.first_parent else []
        found += ["--topo-order"] if self.topological else []
        return found + (["--branches", "--tags"] if self.every_ref else [])


async def list_commits(repo: Path, tips: Sequence[str], walk: Walk, *, skip: int, limit: int) -> list[str]:
    """Ids of commits reachable from `tips` (ids, `^id` excludes)."""
    options = [*walk.arguments(), f"--skip={skip}", f"--max-count={limit}"]
    out = await git.run(
        repo, "rev-list", *options, "--end-of-options", *tips, "--", *([walk.path] if walk.path else [])
    )
    return out.decode().split()


async def last_commit(repo: Path, commit: str, path: str) -> str:
    """The newest commit that changed a path; the commit itself for the root."""
    found = await list_commits(repo, [commit], Walk(path), skip=0, limit=1) if path else []
    return found[0] if found else commit


async def count_commits(repo: Path, tips: Sequence[str]) -> int:
    """How many commits are reachable."""
    return int(await git.run(repo, "rev-list", "--count", "--end-of-options", *tips, "--"))


async def contributors(repo: Path, tip: str) -> list[tuple[str, str, int]]:
    """Name, address and number of commits of everybody, most commits first."""
    out = await git.run(repo, "shortlog", "-n", "-e", "-s", "--no-merges", "--end-of-options", tip, "--")
    found = []
    for line in out.decode(errors="replace").splitlines():
        count, _, person = line.strip().partition("\t")
        name, _, email = person.rpartition(" <")
        found.append((name, email.rstrip(">"), int(count)))
    return found


async def references_with(repo: Path, commit: str, prefix: str) -> list[str]:
    """Full names of the references below a prefix whose history holds a commit."""
    out = await git.run(repo, "for-each-ref", f"--contains={commit}", "--format=%(refname)", prefix)
    return out.decode(errors="replace").split()


async def reachable_merged(repo: Path, tip: str, prefix: str) -> set[str]:
    """Full names of the references below a prefix that a commit already contains."""
    out = await git.run(repo, "for-each-ref", f"--merged={tip}", "--format=%(refname)", prefix)
    return set(out.decode(errors="replace").split())
