"""Commits made by the API: actions on a tree, a new commit, and a compare-and-swap of the branch.

There is one way in. Without an expected parent a lost race is repeated on the new head, so that concurrent commits to
different files all succeed; every action is checked again each time.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mlreef.forge.repos import edits, history, moving, objects, packs, refs
from mlreef.kit.errors import invalid

ATTEMPTS = 8
_UNSAFE = re.compile(r"[\x00-\x1f<>\x7f]")


@dataclass(frozen=True, slots=True)
class Person:
    """Who a commit names."""

    name: str
    email: str

    def line(self, when: datetime) -> str:
        """As a commit object holds it."""
        name = _UNSAFE.sub("", self.name).strip(" .,:;\"'") or "unknown"
        zone = when.strftime("%z") or "+0000"
        return f"{name} <{_UNSAFE.sub('', self.email).strip()}> {int(when.timestamp())} {zone}"


@dataclass(frozen=True, slots=True)
class Change:
    """What a client asks to commit. `branch` and `start` are short names; `start` may be a commit id too."""

    branch: str
    message: str
    actions: Sequence[edits.Action]
    author: Person
    committer: Person
    when: datetime
    start: str | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Base:
    """Where a commit starts, and what the branch must still be when it is moved."""

    parent: str | None
    before: str


async def commit(repo: Path, change: Change) -> moving.Move:
    """Make the commit; the branch names it durably when this returns."""
    full = refs.branch(change.branch)
    for attempt in range(ATTEMPTS):
        base = await find_base(repo, full, change)
        await _check_unchanged(repo, base, change.actions)
        batch = packs.Batch()
        sha = await asyncio.to_thread(_build, repo, base, change, batch)
        await packs.keep(repo, await asyncio.to_thread(batch.pack), len(batch))
        done = moving.Move(full, base.before, sha)
        try:
            await moving.move(repo, [done])
        except moving.RefMoved:
            if attempt + 1 == ATTEMPTS or await _still(repo, full, base):
                raise
            continue
        return done
    raise AssertionError("the last attempt returns or raises")


async def find_base(repo: Path, full: str, change: Change) -> Base:
    """The commit to build on; raises invalid when branch and start contradict each other."""
    head = await asyncio.to_thread(objects.find_commit, repo, full)
    if change.start is None or (head is not None and change.start == change.branch):
        if head is not None:
            return Base(head, head)
        if await asyncio.to_thread(objects.list_references, repo, refs.HEADS):
            raise invalid("You can only create or edit files when you are on a branch")
        return Base(None, refs.ZERO)
    if head is not None and not change.force:
        raise invalid(
            f"A branch called '{change.branch}' already exists. Switch to that branch in order to make changes"
        )
    start = await asyncio.to_thread(objects.find_commit, repo, change.start)
    if start is None:
        raise invalid(f"Cannot find start_branch or start_sha '{change.start[:100]}'")
    return Base(start, head or refs.ZERO)


async def _still(repo: Path, full: str, base: Base) -> bool:
    """Whether the branch is where it was: then the move failed for a reason that repeating does not cure."""
    head = await asyncio.to_thread(objects.find_commit, repo, full)
    return (head or refs.ZERO) == base.before


async def _check_unchanged(repo: Path, base: Base, actions: Sequence[edits.Action]) -> None:
    for action in actions:
        if action.last_commit is None or base.parent is None:
            continue
        if await history.last_commit(repo, base.parent, action.previous or action.path) != action.last_commit:
            raise invalid(
                f"You are attempting to {action.verb} a file that has changed since you started editing it: "
                f"{action.path}"
            )


def _build(repo: Path, base: Base, change: Change, batch: packs.Batch) -> str:
    with objects.opened(repo) as opened:
        root = str(opened[base.parent].tree_id) if base.parent else None
        tree = edits.Editor(opened, root, batch).apply(change.actions)
    return commit_object(batch, tree, [base.parent] if base.parent else [], change)


def commit_object(batch: packs.Batch, tree: str | None, parents: Sequence[str], change: Change) -> str:
    """Add a commit to the batch and return its id."""
    if not change.message.strip() or "\x00" in change.message:
        raise invalid("commit_message must not be empty")
    lines = [f"tree {tree or batch.add('tree', b'')}", *(f"parent {parent}" for parent in parents)]
    lines += [f"author {change.author.line(change.when)}", f"committer {change.committer.line(change.when)}"]
    # Lone surrogates cannot be written as UTF-8; people's text must never fail a commit.
    text = "\n".join([*lines, "", change.message])
    return batch.add("commit", text.encode(errors="replace"))
