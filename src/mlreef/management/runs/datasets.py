"""The end of a `dataops` run: its output tree becomes a commit on the target branch.

Files are committed as LFS pointers, since their bytes are in the project's LFS store already. What is to be committed
is the difference between the wanted tree and what the branch holds, computed from content, so doing it again after a
crash adds nothing: the second time there is no difference, and the commit that made it so is the dataset's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mlreef.kit.errors import Kind, PlatformError
from mlreef.management.definitions import canonical
from mlreef.management.runs import manifests
from mlreef.management.runs.records import RunView, Step

CHUNK = 5000
ATTRIBUTES = "* filter=lfs diff=lfs merge=lfs -text\n.gitattributes !filter !diff !merge text\n"

Action = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Blob:
    """A file as a tree lists it."""

    mode: str
    id: str


class Branches(Protocol):
    """What committing needs of the forge, for one project."""

    async def find_head(self, branch: str) -> str | None:
        """The commit a branch points to."""
        ...

    async def list_files(self, commit: str, path: str) -> dict[str, Blob]:
        """All files below a path of a commit, by their full path."""
        ...

    async def create_branch(self, branch: str, commit: str) -> None:
        """A new branch at a commit."""
        ...

    async def commit(self, branch: str, message: str, actions: Sequence[Action], *, start: str | None) -> str:
        """Commit changes to a branch, made from `start` when it is new; returns the commit."""
        ...

    async def find_with_trailer(self, branch: str, path: str, trailer: str) -> str | None:
        """The newest commit of a branch below a path whose message has a line."""
        ...


@dataclass(frozen=True, slots=True)
class Tree:
    """What the dataset holds, by path below the target."""

    files: dict[str, manifests.Entry]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files.values())


@dataclass(frozen=True, slots=True)
class Written:
    """Where the dataset is now."""

    branch: str
    path: str
    commit: str
    files: int
    size: int


def sinks(view: RunView) -> list[Step]:
    """The steps whose outputs no other step reads."""
    read = {name for step in view.steps for name in step.needs}
    return [step for step in view.steps if step.name not in read]


def tree_of(view: RunView, contents: Mapping[str, bytes]) -> Tree:
    """The dataset: the only output as it is, or several in folders named after step and output.

    `contents` holds the manifests by digest.
    """
    ends = sinks(view)
    files: dict[str, manifests.Entry] = {}
    for step in ends:
        outputs = view.outputs.get(step.id, [])
        for output in outputs:
            folders = [step.name] if len(ends) > 1 else []
            folders += [output.name] if len(outputs) > 1 else []
            prefix = "".join(f"{folder}/" for folder in folders)
            for entry in manifests.entries_of(contents[output.digest]):
                files[prefix + entry.path] = entry
    return Tree(files)


def identity(view: RunView) -> str:
    """One digest for the dataset's content and the place its author asked for."""
    target = view.run.definition.get("target") or {}
    ends = {step.name: {one.name: one.digest for one in view.outputs.get(step.id, [])} for step in sinks(view)}
    place = [target.get("branch"), target.get("path"), view.run.name]
    return canonical.digest({"content": ends, "place": place})


def pointer(entry: manifests.Entry) -> str:
    """The LFS pointer of a file: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{entry.oid}\nsize {entry.size}\n"


def _blob_id(text: str) -> str:
    content = text.encode()
    return hashlib.sha1(b"blob %d\x00" % len(content) + content, usedforsecurity=False).hexdigest()


def changes(tree: Tree, path: str, present: Mapping[str, Blob]) -> list[Action]:
    """What turns the files present below `path` into the tree."""
    wanted = {f"{path}/{name}": (entry.mode, pointer(entry)) for name, entry in tree.files.items()}
    wanted[f"{path}/.gitattributes"] = ("100644", ATTRIBUTES)
    actions: list[Action] = [{"action": "delete", "file_path": name} for name in sorted(present.keys() - wanted.keys())]
    for name, (mode, content) in sorted(wanted.items()):
        blob = present.get(name)
        if blob is None or blob.id != _blob_id(content):
            verb = "create" if blob is None else "update"
            actions.append({"action": verb, "file_path": name, "content": content, "encoding": "text"})
        if mode != (blob.mode if blob is not None else "100644"):
            actions.append({"action": "chmod", "file_path": name, "execute_filemode": mode == "100755"})
    return actions


def message(view: RunView) -> str:
    """The commit's message, with where everything came from as trailers."""
    run = view.run
    lines = [f"Dataset {run.name} from run #{run.number}", "", *trailers(view)]
    return "\n".join(lines) + "\n"


def trailers(view: RunView) -> list[str]:
    """One line for the run, its pipeline, every step and every input."""
    found = [f"MLReef-Run: {view.run.id}", f"MLReef-Pipeline: {view.run.name}"]
    found += [f"MLReef-Step: {one.name} {one.slug}@{one.version} {one.image_digest}" for one in view.steps]
    found += [f"MLReef-Input: {source['commit']} {source['path'] or '/'}" for source in _git_sources(view.steps)]
    return list(dict.fromkeys(found))


def _git_sources(steps: Iterable[Step]) -> list[Mapping[str, Any]]:
    return [one["source"] for step in steps for one in step.inputs if one["source"]["type"] == "git"]


async def write(view: RunView, tree: Tree, branches: Branches) -> Written:
    """Bring the dataset onto its branch; safe to repeat at any point."""
    run = view.run
    branch, path, base = run.target_branch, run.target_path, run.base_commit
    if branch is None or path is None:
        raise PlatformError(Kind.INVALID, "the run names no target for its dataset")
    head = await branches.find_head(branch)
    start = head or base
    present = await branches.list_files(start, path) if start is not None else {}
    actions = changes(tree, path, present)
    commit = head
    if not actions:
        found = await branches.find_with_trailer(branch, path, f"MLReef-Run: {run.id}") if head else None
        commit = found or head
    for first in range(0, len(actions), CHUNK):
        created = start if commit is None else None
        commit = await branches.commit(branch, message(view), actions[first : first + CHUNK], start=created)
    if commit is None:
        if start is None:
            raise PlatformError(Kind.INVALID, "the run has neither files to commit nor a commit to start from")
        await branches.create_branch(branch, start)
        commit = start
    return Written(branch, path, commit, len(tree.files), tree.size)
