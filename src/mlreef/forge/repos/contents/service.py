"""Files of a commit: finding them, their bytes with LFS resolved, and pages of trees."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlreef.forge.lfs import pointers
from mlreef.forge.repos import git, objects, paths, refs
from mlreef.kit.errors import PlatformError, invalid, not_found

MAX_JSON_BYTES = 100 << 20
"""Largest file shown inside JSON; larger ones are read raw."""

_AT_ONCE = 4 << 20


@dataclass(frozen=True, slots=True)
class File:
    """A file at a commit."""

    path: str
    blob_id: str
    size: int
    mode: int
    commit: str

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


async def get_commit(repo: Path, name: str | None, thing: str = "Commit") -> str:
    """The commit that a name means, the default branch without one; raises not_found."""
    found = await asyncio.to_thread(objects.find_commit, repo, name or "HEAD")
    if found is None:
        raise not_found(f"404 {thing}")
    return found


def shown_ref(repo: Path, name: str | None) -> str:
    """The name to show for what was asked for: `HEAD` and nothing mean the default branch."""
    return refs.short(objects.head(repo)) if name in {None, "", "HEAD"} else str(name)


async def get_file(repo: Path, ref: str | None, path: str) -> File:
    """A file at a ref; raises not_found for what is no file."""
    try:
        file = "/".join(paths.checked(path))
    except PlatformError:
        raise not_found("404 File") from None
    commit = await get_commit(repo, ref, "Commit")
    entry = await asyncio.to_thread(objects.find_entry, repo, commit, file)
    if entry is None or entry.type != "blob":
        raise not_found("404 File")
    size = await asyncio.to_thread(objects.blob_size, repo, entry.id)
    return File(file, entry.id, size, entry.mode, commit)


async def read(repo: Path, blob_id: str, size: int) -> AsyncIterator[bytes]:
    """The bytes of a blob: small ones at once, large ones as git reads them."""
    if size > _AT_ONCE:
        async for part in git.stream(repo, "cat-file", "blob", blob_id):
            yield part
    elif size:
        yield await asyncio.to_thread(objects.read_blob, repo, blob_id)


async def find_pointer(repo: Path, file: File) -> pointers.Pointer | None:
    """The LFS pointer that a file is, if it is one."""
    if file.size > pointers.MAX_BYTES:
        return None
    return pointers.parse(await asyncio.to_thread(objects.read_blob, repo, file.blob_id))


async def sha256(repo: Path, file: File) -> str:
    """As `content_sha256` shows it."""
    hasher = hashlib.sha256()
    async for part in read(repo, file.blob_id, file.size):
        hasher.update(part)
    return hasher.hexdigest()


def page_after(
    entries: Sequence[objects.Entry], token: str | None, size: int
) -> tuple[Sequence[objects.Entry], str | None]:
    """The entries after the one a token names, and the token of the next page; the token is the last entry's path."""
    start = 0
    if token:
        found = next((at for at, entry in enumerate(entries) if entry.path == token), None)
        if found is None:
            raise invalid("page_token is not valid for this tree")
        start = found + 1
    page = entries[start : start + size]
    more = start + size < len(entries)
    return page, page[-1].path if more and page else None
