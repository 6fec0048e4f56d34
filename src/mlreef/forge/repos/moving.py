"""Moving references: compare-and-swap, all or nothing, durable before anybody is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlreef.forge.repos import durability, git, objects, refs
from mlreef.kit.errors import Kind, PlatformError


@dataclass(frozen=True, slots=True)
class Move:
    """A reference that goes from `before` to `after`; forty zeros mean that it does not exist."""

    ref: str
    before: str
    after: str


class RefMoved(PlatformError):
    """Somebody else moved the reference first, or another name stands in its way."""

    def __init__(self, said: str) -> None:
        detail = said.strip().removeprefix("fatal: ")[-200:]
        super().__init__(Kind.CONFLICT, f"Could not update the reference, refresh and try again: {detail}")


async def move(repo: Path, moves: Sequence[Move]) -> None:
    """Apply all moves or none; raises RefMoved when one of them no longer fits."""
    commands = b"".join(f"update {one.ref}\x00{one.after}\x00{one.before}\x00".encode() for one in moves)
    try:
        await git.run(repo, "update-ref", "-z", "--stdin", input=commands)
    except git.GitFailed as exc:
        raise RefMoved(exc.said) from exc
    await durability.settle(repo)


async def adopt_default(repo: Path, created: Sequence[str]) -> str | None:
    """When the default branch does not exist, the first branch that does takes its place; returns its short name.

    That is what an empty repository's first push of another branch than `main` means.
    """
    branches = [ref for ref in created if ref.startswith(refs.HEADS)]
    current = objects.head(repo)
    if not branches or current in branches or await asyncio.to_thread(objects.find_commit, repo, current) is not None:
        return None
    await set_default(repo, branches[0])
    return refs.short(branches[0])


async def set_default(repo: Path, full: str) -> None:
    """Point HEAD at a branch."""
    await git.run(repo, "symbolic-ref", "HEAD", full)
    await durability.settle(repo)
