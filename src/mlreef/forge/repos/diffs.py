"""Differences between two trees as GitLab shows them, bounded in files and bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pygit2

from mlreef.forge.repos import objects

MAX_FILES = 3000
MAX_FILE_BYTES = 200 << 10
MAX_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One changed file."""

    old_path: str
    new_path: str
    old_mode: int
    new_mode: int
    status: str
    text: str
    too_large: bool = False


@dataclass(frozen=True, slots=True)
class Stats:
    """Changed lines."""

    additions: int
    deletions: int


def between(path: Path, before: str | None, after: str | None) -> list[FileDiff]:
    """What changed from one commit to another; None is the empty tree."""
    with objects.opened(path) as repo:
        found: list[FileDiff] = []
        spent = 0
        for patch in _diff(repo, before, after, context=3):
            if len(found) >= MAX_FILES:
                break
            delta = patch.delta
            raw = b"" if spent > MAX_BYTES else bytes(patch.data)
            too_large = spent > MAX_BYTES or len(raw) > MAX_FILE_BYTES
            spent += len(raw)
            text = "" if too_large else _body(raw)
            status = delta.status_char()
            old_mode = 0 if status == "A" else int(delta.old_file.mode)
            new_mode = 0 if status == "D" else int(delta.new_file.mode)
            names = delta.old_file.path, delta.new_file.path
            found.append(FileDiff(*names, old_mode, new_mode, status, text, too_large))
        return found


def changed_paths(path: Path, before: str | None, after: str | None) -> list[str]:
    """Old and new paths of everything that differs, without looking into files."""
    with objects.opened(path) as repo:
        names: dict[str, None] = {}
        for delta in _diff(repo, before, after, context=0, similar=False).deltas:
            names[delta.old_file.path] = names[delta.new_file.path] = None
        return list(names)


def stats(path: Path, before: str | None, after: str | None) -> Stats:
    """How many lines were added and removed."""
    with objects.opened(path) as repo:
        found = _diff(repo, before, after, context=0, similar=False).stats
        return Stats(found.insertions, found.deletions)


def _diff(repo: Any, before: str | None, after: str | None, *, context: int, similar: bool = True) -> Any:
    old, new = (repo[one].peel(pygit2.Tree) if one else None for one in (before, after))
    if old is not None and new is not None:
        diff = repo.diff(old, new, context_lines=context)
    elif new is not None:
        diff = new.diff_to_tree(swap=True, context_lines=context)
    elif old is not None:
        diff = old.diff_to_tree(context_lines=context)
    else:
        return ()
    if similar and len(diff) <= MAX_FILES:
        diff.find_similar(rename_limit=400)
    return diff


def _body(raw: bytes) -> str:
    """The hunks alone, as GitLab's API shows them."""
    start = raw.find(b"\n@@ ")
    if start < 0:
        start = raw.find(b"\nBinary files ")
    return "" if start < 0 else raw[start + 1 :].decode("utf-8", errors="replace")
