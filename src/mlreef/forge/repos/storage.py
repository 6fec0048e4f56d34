"""Where repositories lie on disk, and how they come and go.

A path is made from the project's number alone, so neither renames nor names chosen by users ever reach the file system.
Forks hard-link the immutable object files of their source: instant, no space, and independent from then on.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import shutil
from collections import defaultdict
from pathlib import Path

from mlreef.forge.repos import durability, git, refs
from mlreef.kit.errors import conflict, not_found


class Storage:
    """A directory of bare repositories; one lock per project keeps maintenance and forking apart."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._temporary = root / "tmp"
        self._temporary.mkdir(parents=True, exist_ok=True)
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._alone = _in_use(root)

    def path(self, project_id: int) -> Path:
        """The repository of a project; raises not_found when there is none."""
        path = self._path(project_id)
        if not (path / "HEAD").is_file():
            raise not_found("404 Repository")
        return path

    def maintaining(self, project_id: int) -> asyncio.Lock:
        """Held while packs of a repository are replaced or linked."""
        return self._locks[project_id]

    async def create(self, project_id: int, *, default_branch: str = "main") -> Path:
        """A new empty repository; complete and durable, or absent."""
        made = await self._init(default_branch)
        return await asyncio.to_thread(self._publish, made, project_id)

    async def fork(self, source_id: int, target_id: int) -> Path:
        """A repository with the branches, tags and default branch of another."""
        source = self.path(source_id)
        async with self.maintaining(source_id):
            head = (await git.run(source, "symbolic-ref", "HEAD")).decode().strip()
            listed = await git.run(
                source, "for-each-ref", "--format=create %(refname)%00%(objectname)%00", refs.HEADS, refs.TAGS
            )
            made = await self._init(refs.short(head))
            await asyncio.to_thread(_link_objects, source / "objects", made / "objects")
        commands = listed.replace(b"\x00\n", b"\x00")
        if commands:
            await git.run(made, "update-ref", "-z", "--stdin", input=commands)
            await git.run(made, "pack-refs", "--all")
        await durability.settle(made)
        return await asyncio.to_thread(self._publish, made, target_id)

    async def delete(self, project_id: int) -> None:
        """Forget a repository; it disappears at once and its space follows."""
        grave = self._temporary / f"deleted-{secrets.token_hex(8)}"
        try:
            self._path(project_id).rename(grave)
        except FileNotFoundError:
            return
        durability.sync_directory(self._path(project_id).parent)
        await asyncio.to_thread(shutil.rmtree, grave, ignore_errors=True)

    def sweep(self) -> int:
        """At start: remove what a killed server left behind; while others serve, only what is old."""
        older = 0.0 if self._alone else durability.LOCK_SECONDS
        if self._alone:
            for left in self._temporary.iterdir():
                shutil.rmtree(left, ignore_errors=True)
        return sum(durability.sweep(repo, older=older) for repo in self._root.glob("???/*.git"))

    def project_ids(self) -> list[int]:
        """Every project that has a repository."""
        return sorted(int(repo.stem) for repo in self._root.glob("???/*.git"))

    async def _init(self, default_branch: str) -> Path:
        refs.branch(default_branch)
        made = self._temporary / secrets.token_hex(16)
        arguments = ["init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}", str(made)]
        async with git.running(*arguments) as process:
            process.close_input()
            if code := await process.wait():
                raise git.GitFailed("init", code, process.said)
        return made

    def _publish(self, made: Path, project_id: int) -> Path:
        path = self._path(project_id)
        path.parent.mkdir(exist_ok=True)
        for directory, _, _ in os.walk(made):
            durability.sync_directory(Path(directory))
        if path.exists():
            shutil.rmtree(made, ignore_errors=True)
            raise conflict("The repository exists already")
        made.rename(path)
        durability.sync_directory(path.parent)
        durability.sync_directory(self._root)
        return path

    def _path(self, project_id: int) -> Path:
        return self._root / f"{project_id % 1000:03d}" / f"{int(project_id)}.git"


def _in_use(root: Path) -> bool:
    """Hold the directory as long as this process lives; whether nobody else holds it."""
    descriptor = os.open(root / ".in-use", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        alone = False
    else:
        alone = True
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return alone


def _link_objects(source: Path, target: Path) -> None:
    for directory, folders, files in os.walk(source):
        folders[:] = [name for name in folders if not name.startswith("tmp_objdir-")]
        there = target / Path(directory).relative_to(source)
        there.mkdir(exist_ok=True)
        for name in files:
            if not name.startswith("tmp_") and name != "alternates":
                os.link(Path(directory) / name, there / name)
