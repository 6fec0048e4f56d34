"""Tree manifests: what a step wrote, as a sorted list of paths with size, content hash and mode.

They come from inside jobs, so nothing in them is believed: names stay inside the tree, belong to nobody twice, and
cannot turn into git's own files when the tree is committed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from mlreef.kit.errors import invalid
from mlreef.management.definitions import canonical

MAX_BYTES = 128 << 20
MAX_ENTRIES = 500_000
_OID = re.compile(r"[0-9a-f]{64}")
_GIT_FILES = {".git", ".gitattributes", ".gitmodules"}


class Entry(msgspec.Struct, frozen=True):
    """One file."""

    path: str
    size: int
    oid: str
    mode: str = "100644"


class Manifest(msgspec.Struct, frozen=True):
    """All files of a tree, by path."""

    version: int
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Checked:
    """A manifest that may be kept: canonical bytes, their digest, and totals."""

    content: bytes
    digest: str
    files: int
    size: int


_decoder = msgspec.json.Decoder(Manifest)


def check(body: bytes) -> Checked:
    """Decode and check a manifest as it came over the wire."""
    try:
        manifest = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise invalid(f"the body is not a tree manifest: {exc}") from exc
    if manifest.version != 1:
        raise invalid("the manifest's version must be 1")
    if len(manifest.entries) > MAX_ENTRIES:
        raise invalid(f"an output may hold at most {MAX_ENTRIES:,} files; pack them into archives")
    _check_entries(manifest.entries)
    entries = [{"path": one.path, "size": one.size, "oid": one.oid, "mode": one.mode} for one in manifest.entries]
    content = canonical.encode({"version": 1, "entries": entries})
    size = sum(one.size for one in manifest.entries)
    return Checked(content, canonical.sha256(content), len(entries), size)


def _check_entries(entries: Sequence[Entry]) -> None:
    files: set[str] = set()
    folders: set[str] = set()
    for index, entry in enumerate(entries):
        parts = entry.path.split("/")
        if not entry.path or len(entry.path) > 4096 or "\x00" in entry.path or "\\" in entry.path:
            raise invalid(f"entries[{index}].path is empty, too long or holds a backslash or NUL")
        if any(part in {"", ".", ".."} or part.lower() in _GIT_FILES for part in parts):
            raise invalid(f"entries[{index}].path {entry.path!r} is not a plain path inside the output")
        if entry.path in files:
            raise invalid(f"entries[{index}].path {entry.path!r} is listed twice")
        if entry.size < 0 or _OID.fullmatch(entry.oid) is None or entry.mode not in {"100644", "100755"}:
            raise invalid(f"entries[{index}] needs size >= 0, a SHA-256 oid and mode 100644 or 100755")
        files.add(entry.path)
        folders.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
    both = files & folders
    if both:
        raise invalid(f"{min(both)!r} is both a file and a folder")
    if [entry.path for entry in entries] != sorted(files):
        raise invalid("entries must be sorted by path")


def entries_of(content: bytes) -> list[Entry]:
    """The entries of a manifest that was kept."""
    return _decoder.decode(content).entries
