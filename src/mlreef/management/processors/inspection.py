"""What publishing a script would find: its parameters, its `processor.yaml`, its requirements, all at one commit.

Sources are read from the forge with the caller's right and parsed in a thread, bounded; nothing is ever run.
"""

from __future__ import annotations

import asyncio
import posixpath
import re
from dataclasses import dataclass, field
from typing import Any

from mlreef.clients.forge import ForgeClient
from mlreef.kit.errors import Kind, PlatformError, invalid, not_found
from mlreef.extraction import manifest as manifests
from mlreef.extraction import service as extraction
from mlreef.extraction.manifest import Manifest
from mlreef.extraction.model import Extraction, Fault, Position

REQUIREMENTS = "requirements.txt"
MAX_SMALL = 256 << 10
MAX_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything known about a script before it is published."""

    commit: str
    entry: str
    extraction: Extraction
    manifest: Manifest
    requirements: str | None
    suggested: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The wire shape."""
        return {
            "commit": self.commit,
            "entry": self.entry,
            "parameters": [one.to_json() for one in self.extraction.parameters],
            "errors": [one.to_json() for one in self.extraction.errors],
            "warnings": [one.to_json() for one in self.extraction.warnings],
            "requirements": self.requirements,
            "suggested": self.suggested,
        }


def checked_entry(entry: str) -> str:
    """The path of a script inside its repository."""
    parts = entry.split("/")
    control = any(ord(char) < 32 or ord(char) == 127 for char in entry)
    if not entry.endswith(".py") or len(entry) > 255 or control or any(part in {"", ".", ".."} for part in parts):
        raise invalid("entry must be the path of a Python file in the repository, such as src/train.py")
    return entry


async def get_commit(forge: ForgeClient, project_id: int, ref: str) -> str:
    """The full id of the commit that a ref means."""
    if not ref or len(ref) > 255 or ref.startswith("-") or any(ord(char) < 33 for char in ref):
        raise invalid("ref must be a branch, a tag or a commit")
    found = await forge.find_commit(project_id, ref)
    if found is None:
        raise not_found(f"Branch, tag or commit {ref!r}")
    return str(found["id"])


async def inspect(forge: ForgeClient, project_id: int, ref: str, entry: str) -> Inspection:
    """Inspect a script; raises only for what is not there, faults of the source are part of the answer."""
    checked_entry(entry)
    commit = await get_commit(forge, project_id, ref)
    content = await _source(forge, project_id, commit, entry)
    if isinstance(content, Fault):
        found = Extraction(errors=[content])
    else:
        found = await asyncio.to_thread(extraction.extract, content, entry)
    manifest = await _manifest(forge, project_id, commit, entry, found)
    manifests.apply(manifest, found)
    found.errors += _duplicate_roles(found)
    requirements = await _beside(forge, project_id, commit, entry, REQUIREMENTS)
    return Inspection(
        commit, entry, found, manifest, requirements[0] if requirements else None, _suggested(entry, manifest, found)
    )


async def _source(forge: ForgeClient, project_id: int, commit: str, entry: str) -> bytes | Fault:
    try:
        content = await forge.find_file(project_id, entry, commit, max_size=extraction.MAX_BYTES)
    except PlatformError as exc:
        if exc.kind is Kind.TOO_LARGE:
            limit = extraction.MAX_BYTES >> 20
            return Fault(Position(entry, 1, 1), f"the file is larger than {limit} MiB", "move data out of the source")
        raise
    if content is None:
        raise not_found(f"File {entry!r}")
    if content.startswith(b"version https://git-lfs.github.com/spec/"):
        return Fault(Position(entry, 1, 1), "the file is in LFS", "keep source files out of LFS")
    return content


async def _beside(forge: ForgeClient, project_id: int, commit: str, entry: str, name: str) -> tuple[str, bytes] | None:
    """A file beside the entry, or else at the root."""
    folder = posixpath.dirname(entry)
    for path in dict.fromkeys((posixpath.join(folder, name), name)):
        content = await forge.find_file(project_id, path, commit, max_size=MAX_SMALL)
        if content is not None:
            return path, content
    return None


async def _manifest(forge: ForgeClient, project_id: int, commit: str, entry: str, found: Extraction) -> Manifest:
    file = await _beside(forge, project_id, commit, entry, manifests.FILE)
    if file is None:
        return Manifest()
    manifest = manifests.parse(file[1], file[0])
    meant = manifest.values.get("entry")
    folder = posixpath.dirname(file[0])
    if meant is not None and posixpath.normpath(posixpath.join(folder, meant)) != entry:
        found.warnings.append(
            Fault(manifest.place("entry"), f"{file[0]} is about {meant}, not {entry}", "it is left out of account")
        )
        return Manifest()
    return manifest


def _duplicate_roles(found: Extraction) -> list[Fault]:
    return [
        Fault(one.position, f"{one.name}: a list cannot be an {one.role}", "take one folder, or set role: value")
        for one in found.parameters
        if one.role != "value" and one.type not in {"path", "string"}
    ]


def _suggested(entry: str, manifest: Manifest, found: Extraction) -> dict[str, Any]:
    """What a form is filled with: the manifest's words, or what can be guessed from the script."""
    stem = re.sub(r"[^a-z0-9]+", "-", posixpath.basename(entry).removesuffix(".py").lower()).strip("-")
    values = manifest.values
    outputs = [one.name for one in found.parameters if one.role == "output"]
    summary = found.description.split("\n\n")[0].strip()
    return {
        "name": values.get("name", stem[:63] or "processor"),
        "kind": values.get("kind", "operation" if outputs else "algorithm"),
        "title": values.get("title", (stem or "processor").replace("-", " ").capitalize()),
        "description": values.get("description", summary),
        "environment": values.get("environment", "python-3.11"),
        "input_types": values.get("input_types", []),
        "output_types": values.get("output_types", []),
        "model_type": values.get("model_type"),
        "ml_category": values.get("ml_category"),
    }


_UNLIKELY = ("test_", "conftest", "setup.py", "__init__")


async def list_entries(forge: ForgeClient, project_id: int, ref: str) -> dict[str, Any]:
    """Python files of a commit that may be scripts, likely ones first."""
    commit = await get_commit(forge, project_id, ref)
    found: list[str] = []
    complete = True
    try:
        async for one in forge.iter_tree(project_id, commit, recursive=True):
            if one.type == "blob" and one.name.endswith(".py") and not one.name.startswith(_UNLIKELY):
                found.append(one.path)
            if len(found) >= MAX_ENTRIES:
                complete = False
                break
    except PlatformError as exc:
        if exc.kind is not Kind.NOT_FOUND:
            raise
    found.sort(key=lambda path: (path.count("/"), path))
    return {"commit": commit, "entries": found, "complete": complete}
