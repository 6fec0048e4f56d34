"""Reading single objects, trees and small diffs with libgit2.

Functions here block and are called through `asyncio.to_thread`; a repository is opened per call, which costs 0.2 ms and
shares nothing between threads. Names and texts that are not UTF-8 are shown with replacement characters.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pygit2

from mlreef.forge.repos import refs
from mlreef.kit.errors import not_found

_RELATIVE = re.compile(r"([^~^:{}]+?)((?:~\d{0,6}|\^\d?)+)")
_KINDS = {pygit2.enums.ObjectType.BLOB: "blob", pygit2.enums.ObjectType.TREE: "tree"}
LINK, SUBMODULE, TREE, FILE, EXECUTABLE = 0o120000, 0o160000, 0o040000, 0o100644, 0o100755


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as people read it."""

    id: str
    tree: str
    parents: tuple[str, ...]
    message: str
    author_name: str
    author_email: str
    authored: datetime
    committer_name: str
    committer_email: str
    committed: datetime

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.split("\n", 1)[0]

    @property
    def trailers(self) -> list[tuple[str, str]]:
        """`Key: value` lines of the last paragraph."""
        lines = self.message.rstrip().rsplit("\n\n", 1)[-1].splitlines() if "\n\n" in self.message else []
        found = [line.partition(": ") for line in lines]
        return [(key, value) for key, colon, value in found if colon and re.fullmatch(r"[A-Za-z0-9-]+", key)]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a tree."""

    id: str
    name: str
    type: str
    path: str
    mode: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A branch or tag: its full name, the object it names, the commit behind that, and a tag's message."""

    name: str
    target: str
    commit: str
    message: str | None = None
    created: datetime | None = None


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The repository as libgit2 sees it, without any configuration but its own."""
    _configure()
    repo = pygit2.Repository(str(path), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
    try:
        yield repo
    finally:
        repo.free()


@functools.cache
def _configure() -> None:
    pygit2.option(pygit2.enums.Option.SET_OWNER_VALIDATION, False)
    for level in (pygit2.enums.ConfigLevel.SYSTEM, pygit2.enums.ConfigLevel.XDG, pygit2.enums.ConfigLevel.GLOBAL):
        pygit2.settings.search_path[level] = ""


def find_commit(path: Path, name: str) -> str | None:
    """The commit that a branch, tag, id or `name~1` means; branches come before tags, tags before ids."""
    with opened(path) as repo:
        found = _resolve(repo, name)
        return None if found is None else str(found.id)


def _resolve(repo: Any, name: str) -> Any:
    if not name or "\x00" in name or len(name) > 1024:
        return None
    for full in (name if name.startswith("refs/") or name == "HEAD" else "", refs.HEADS + name, refs.TAGS + name):
        commit = _commit_of(repo, full) if full else None
        if commit is not None:
            return commit
    if refs.looks_like_commit(name):
        try:
            return repo[name].peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.GitError):
            return None
    relative = _RELATIVE.fullmatch(name)
    base = _resolve(repo, relative[1]) if relative else None
    if relative is None or base is None:
        return None
    try:
        return repo.revparse_single(f"{base.id}{relative[2]}").peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError):
        return None


def _commit_of(repo: Any, full: str) -> Any:
    try:
        return repo.references[full].peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError):
        return None


def find_reference(path: Path, full: str) -> Reference | None:
    """A branch or tag by its full name."""
    with opened(path) as repo:
        try:
            return _reference(repo, full)
        except (KeyError, ValueError, pygit2.GitError):
            return None


def list_references(path: Path, prefix: str) -> list[Reference]:
    """All references below a prefix that lead to a commit, by name."""
    found = []
    with opened(path) as repo:
        for name in sorted(one for one in repo.references if one.startswith(prefix)):
            try:
                found.append(_reference(repo, name))
            except (KeyError, ValueError, pygit2.GitError):  # deleted meanwhile, or a tag of a blob
                continue
    return found


def _reference(repo: Any, full: str) -> Reference:
    reference = repo.references[full].resolve()
    target = repo[reference.target]
    commit = str(target.peel(pygit2.Commit).id)
    if isinstance(target, pygit2.Tag):
        created = _when(target.tagger) if target.tagger else None
        return Reference(full, str(target.id), commit, _text(target.raw_message).rstrip("\n"), created)
    return Reference(full, str(target.id), commit)


def head(path: Path) -> str:
    """The full name of the default branch, whether it exists or not."""
    return (path / "HEAD").read_text().removeprefix("ref:").strip()


def get_commit(path: Path, sha: str) -> Commit:
    """A commit by its full id."""
    return get_commits(path, [sha])[0]


def get_commits(path: Path, shas: Sequence[str]) -> list[Commit]:
    """Commits by their full ids, in the order asked for."""
    with opened(path) as repo:
        try:
            return [_commit(repo[sha].peel(pygit2.Commit)) for sha in shas]
        except (KeyError, ValueError, pygit2.GitError):
            raise not_found("404 Commit") from None


def _commit(commit: Any) -> Commit:
    return Commit(
        id=str(commit.id),
        tree=str(commit.tree_id),
        parents=tuple(map(str, commit.parent_ids)),
        message=_text(commit.raw_message),
        author_name=_text(commit.author.raw_name),
        author_email=_text(commit.author.raw_email),
        authored=_when(commit.author),
        committer_name=_text(commit.committer.raw_name),
        committer_email=_text(commit.committer.raw_email),
        committed=_when(commit.committer),
    )


def _when(signature: Any) -> datetime:
    offset = signature.offset if abs(signature.offset) < 24 * 60 else 0
    zone = timezone(timedelta(minutes=offset))
    try:
        return datetime.fromtimestamp(signature.time, zone)
    except (OverflowError, ValueError, OSError):  # a commit may claim any number of seconds
        return datetime.fromtimestamp(0, zone)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


def find_entry(path: Path, commit: str, file: str) -> Entry | None:
    """What a path names in a commit's tree; the root when it is empty."""
    with opened(path) as repo:
        tree = repo[commit].peel(pygit2.Tree)
        if not file:
            return Entry(str(tree.id), "", "tree", "", TREE)
        try:
            found = tree[file]
        except (KeyError, ValueError):
            return None
        return _entry(found, file)


def _entry(found: Any, path: str) -> Entry:
    mode = int(found.filemode)
    return Entry(str(found.id), _text(found.raw_name), _KINDS.get(found.type, "commit"), path, mode)


def list_tree(path: Path, tree_id: str, prefix: str, *, recursive: bool) -> list[Entry]:
    """The entries of a tree: folders first when flat, depth first when recursive."""
    with opened(path) as repo:
        found: list[Entry] = []
        pending = [(iter(repo[tree_id]), f"{prefix}/" if prefix else "")]
        while pending:
            items, start = pending[-1]
            item = next(items, None)
            if item is None:
                pending.pop()
                continue
            entry = _entry(item, start + _text(item.raw_name))
            found.append(entry)
            if recursive and entry.type == "tree":
                pending.append((iter(repo[item.id]), f"{entry.path}/"))
    if not recursive:
        found.sort(key=lambda entry: (entry.type != "tree", entry.type == "commit"))
    return found


def blob_size(path: Path, blob_id: str) -> int:
    """How many bytes a blob has, without reading them; raises not_found."""
    with opened(path) as repo:
        try:
            kind, size = repo.odb.read_header(blob_id)
        except (KeyError, ValueError, pygit2.GitError):
            raise not_found("404 Blob") from None
        if kind != pygit2.enums.ObjectType.BLOB:
            raise not_found("404 Blob")
        return int(size)


def read_blob(path: Path, blob_id: str) -> bytes:
    """The bytes of a blob; raises not_found."""
    with opened(path) as repo:
        try:
            blob = repo[blob_id]
        except (KeyError, ValueError, pygit2.GitError):
            raise not_found("404 Blob") from None
        if not isinstance(blob, pygit2.Blob):
            raise not_found("404 Blob")
        data: bytes = blob.data
        return data


def merge_base(path: Path, commits: Sequence[str]) -> str | None:
    """The best common ancestor."""
    with opened(path) as repo:
        first, *others = commits
        found = repo.merge_base_many([first, *others]) if len(commits) > 1 else first
        return None if found is None else str(found)


def descends(path: Path, commit: str, ancestor: str) -> bool:
    """Whether moving a reference from `ancestor` to `commit` loses nothing."""
    if commit == ancestor:
        return True
    with opened(path) as repo:
        try:
            return bool(repo.descendant_of(commit, ancestor))
        except (KeyError, ValueError, pygit2.GitError):
            return False
