"""What publishing a program would find: its parameters, its `processor.yaml`, its requirements, all at one commit.

Files are read from the forge with the caller's right and judged by the rules of `extraction.study`, in
processes of their own and bounded; nothing is ever run.
"""

from __future__ import annotations

import asyncio
import posixpath
from dataclasses import dataclass
from typing import Any

from mlreef.clients.forge import ForgeClient
from mlreef.extraction import manifest as manifests
from mlreef.extraction import study as studies
from mlreef.extraction.isolation import Pool
from mlreef.extraction.manifest import Manifest
from mlreef.extraction.model import Extraction
from mlreef.extraction.study import Answer, Program, Question, Reading, Study, Wish
from mlreef.kit.errors import Kind, PlatformError, invalid, not_found
from mlreef.management.state import State

MAX_ENTRIES = 200
MAX_NAMES = 20_000
"""Names looked at for entries: a project may hold millions of files."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything known about a program at a commit before it is published."""

    commit: str
    study: Study

    @property
    def entry(self) -> str:
        """The program's file, or the description of a command."""
        return self.study.entry

    @property
    def extraction(self) -> Extraction:
        """Its parameters and faults."""
        return self.study.extraction

    @property
    def manifest(self) -> Manifest:
        """Its description, empty without one."""
        return self.study.manifest

    @property
    def requirements(self) -> str | None:
        """Its requirements file."""
        return self.study.requirements

    @property
    def suggested(self) -> dict[str, Any]:
        """What an order that says nothing takes."""
        return self.study.suggested

    def to_json(self) -> dict[str, Any]:
        """The wire shape."""
        found = self.study
        return {
            "commit": self.commit,
            "entry": found.entry,
            "subcommand": found.extraction.subcommand,
            "subcommands": [one.to_json() for one in found.extraction.subcommands],
            "framework": found.extraction.framework,
            "command": found.command,
            "parameters": [one.to_json() for one in found.extraction.parameters],
            "errors": [one.to_json() for one in found.errors],
            "warnings": [one.to_json() for one in found.warnings],
            "requirements": found.requirements,
            "manifest": found.manifest.values,
            "suggested": found.suggested,
        }


def checked_entry(entry: str) -> str:
    """The path of a program or of its description inside its repository."""
    parts = entry.split("/")
    control = any(ord(char) < 32 or ord(char) == 127 for char in entry)
    named = entry.endswith(".py") or parts[-1] == manifests.FILE
    if not named or len(entry) > 255 or control or any(part in {"", ".", ".."} for part in parts):
        raise invalid(
            "entry must be the path of a Python file in the repository, such as src/train.py, or of a "
            f"{manifests.FILE}, which may describe a program in any language"
        )
    return entry


async def get_commit(forge: ForgeClient, project_id: int, ref: str) -> str:
    """The full id of the commit that a ref means."""
    if not ref or len(ref) > 255 or ref.startswith("-") or any(ord(char) < 33 for char in ref):
        raise invalid("ref must be a branch, a tag or a commit")
    found = await forge.find_commit(project_id, ref)
    if found is None:
        raise not_found(f"Branch, tag or commit {ref!r}")
    return str(found["id"])


async def inspect(
    state: State, forge: ForgeClient, project_id: int, ref: str, entry: str, *, subcommand: str | None = None
) -> Inspection:
    """Inspect a program; raises only for what is not there, faults of the source are part of the answer."""
    checked_entry(entry)
    commit = await get_commit(forge, project_id, ref)
    source = _Commit(forge, project_id, commit, _pool(state))
    try:
        return Inspection(commit, await source.answer(studies.study(entry, subcommand)))
    except studies.NoSuchFile as exc:
        raise not_found(f"File {exc.path!r}") from exc


def _pool(state: State) -> Pool:
    """The processes that read programs; one pool per service."""
    found = state.parts.get(Pool)
    if not isinstance(found, Pool):
        found = state.parts[Pool] = Pool()
    return found


class _Commit:
    """The files of one commit, each read once."""

    def __init__(self, forge: ForgeClient, project_id: int, commit: str, pool: Pool) -> None:
        self._forge, self._project, self._commit, self._pool = forge, project_id, commit, pool
        self._known: dict[tuple[str, bool], Answer] = {}

    async def answer(self, reading: Reading) -> Study:
        """Drive a study to its end; its work between two files happens in a thread."""
        answer: Answer = None
        while True:
            wish = await asyncio.to_thread(_step, reading, answer)
            if isinstance(wish, Study):
                return wish
            if isinstance(wish, Program):
                answer = await self._pool.extract(wish.content, wish.file, wish.files, subcommand=wish.subcommand)
                continue
            key = (wish.path, wish.exists)
            if key not in self._known:
                self._known[key] = await self._find(wish)
            answer = self._known[key]

    async def _find(self, wish: Wish) -> Answer:
        try:
            content = await self._forge.find_file(self._project, wish.path, self._commit, max_size=wish.limit)
        except PlatformError as exc:
            if exc.kind is Kind.TOO_LARGE:
                return studies.TOO_LARGE
            raise
        if content is None and wish.exists:
            return await self._is_folder(wish.path)
        return content is not None if wish.exists else content

    async def _is_folder(self, path: str) -> bool:
        try:
            async for _ in self._forge.iter_tree(self._project, self._commit, path):
                return True
        except PlatformError as exc:
            if exc.kind is not Kind.NOT_FOUND:
                raise
        return False


def _step(reading: Reading, answer: Answer) -> Question | Study:
    try:
        return reading.send(answer)
    except StopIteration as exc:
        found: Study = exc.value
        return found


_UNLIKELY = ("test_", "conftest", "setup.py", "__init__")


async def list_entries(forge: ForgeClient, project_id: int, ref: str) -> dict[str, Any]:
    """Descriptions and Python files of a commit that may be programs, likely ones first."""
    commit = await get_commit(forge, project_id, ref)
    found: list[str] = []
    complete, seen = True, 0
    try:
        async for one in forge.iter_tree(project_id, commit, recursive=True):
            script = one.name.endswith(".py") and not one.name.startswith(_UNLIKELY)
            if one.type == "blob" and (script or one.name == manifests.FILE):
                found.append(one.path)
            seen += 1
            if len(found) >= MAX_ENTRIES or seen >= MAX_NAMES:
                complete = False
                break
    except PlatformError as exc:
        if exc.kind is not Kind.NOT_FOUND:
            raise
    found.sort(key=lambda path: (posixpath.basename(path) != manifests.FILE, path.count("/"), path))
    return {"commit": commit, "entries": found, "complete": complete}
