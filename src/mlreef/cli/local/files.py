"""A project on this machine: where its root is, which programs it has, and what its files say about one of them.

Files are judged by the rules that publication uses, on what a commit would hold: links are not followed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlreef.extraction import manifest as manifests
from mlreef.extraction import service as extraction
from mlreef.extraction import study as studies
from mlreef.extraction.model import Extraction, Fault
from mlreef.extraction.study import Answer, Program, Study, Wish
from mlreef.kit.errors import Kind, PlatformError, invalid, not_found

_LEFT_OUT = {".git", "__pycache__", ".venv", "venv", "node_modules", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
_UNLIKELY = ("test_", "conftest", "setup.py", "__init__", "__main__")


@dataclass(frozen=True, slots=True)
class Target:
    """A program or a `processor.yaml` of a project."""

    root: Path
    entry: str

    @property
    def file(self) -> Path:
        """Where it is."""
        return self.root / self.entry

    @property
    def folder(self) -> Path:
        """The folder it is in."""
        return self.file.parent

    def shown(self, file: str) -> str:
        """A file of the project as seen from the working directory."""
        return os.path.relpath(self.root / file)


def find(path: Path) -> Target:
    """The target that a file, or a folder with one program, means."""
    if not path.exists():
        raise not_found(f"{path}")
    if path.is_dir():
        path = _of_folder(path)
    file = path.parent.resolve() / path.name
    root = toplevel(file.parent) or file.parent
    return Target(root, file.relative_to(root).as_posix())


def _of_folder(folder: Path) -> Path:
    described = folder / manifests.FILE
    if described.is_file():
        return described
    found = programs(folder)
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.name for one in found[:10])
    message = f"{folder} has no {manifests.FILE} and {'several Python files' if found else 'no Python file'}"
    raise invalid(f"{message}; name one: {names}" if found else message)


def programs(folder: Path) -> list[Path]:
    """Python files of a folder that may be programs."""
    found = sorted(folder.glob("*.py"))
    return [one for one in found if one.is_file() and not one.name.startswith(_UNLIKELY)]


def toplevel(folder: Path) -> Path | None:
    """The root of the git repository that a folder belongs to."""
    if shutil.which("git") is None:
        return None
    asked = subprocess.run(
        ["git", "rev-parse", "--show-toplevel"], cwd=folder, capture_output=True, text=True, check=False
    )
    found = asked.stdout.strip()
    # A home directory under version control is no project.
    return Path(found) if asked.returncode == 0 and found and Path(found) != Path.home() else None


def study(target: Target, subcommand: str | None = None) -> Study:
    """What the files say about the target's processor; faults are part of it."""
    reading = studies.study(target.entry, subcommand)
    answer: Answer = None
    try:
        while True:
            asked = reading.send(answer)
            answer = _read(target.root, asked) if isinstance(asked, Wish) else _extract(asked)
    except StopIteration as exc:
        found: Study = exc.value
        return found
    except studies.NoSuchFile as exc:
        raise not_found(f"{target.shown(exc.path)}") from exc


def _extract(program: Program) -> Extraction:
    return extraction.extract(program.content, program.file, sources=program.files.get, subcommand=program.subcommand)


def _read(root: Path, wish: Wish) -> Answer:
    place = root
    for part in PurePosixPath(wish.path).parts:
        place /= part
        if part == ".." or place.is_symlink():
            return None
    if wish.exists:
        return place.exists()
    try:
        if not place.is_file():
            return None
        if place.stat().st_size > wish.limit:
            return studies.TOO_LARGE
        return place.read_bytes()
    except OSError as exc:
        raise PlatformError(Kind.INVALID, f"{place} cannot be read: {exc.strerror}") from exc


def message(target: Target, fault: Fault) -> str:
    """A fault as compilers tell it."""
    place = fault.position
    file = target.shown(place.file) if place.file else target.entry
    return f"{file}:{place.line}:{place.column}: {fault.message} - {fault.remedy}"


def listed(root: Path) -> Iterator[str]:
    """The files that a commit of everything would hold, as git sees it; without git all but the usual leftovers."""
    if toplevel(root) is not None:
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
        answer = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout
        names = [os.fsdecode(one) for one in answer.split(b"\0") if one]
        yield from sorted(one for one in names if (root / one).is_file() and not (root / one).is_symlink())
        return
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(one for one in folders if one not in _LEFT_OUT)
        for name in sorted(names):
            place = Path(folder, name)
            if place.is_file() and not place.is_symlink():
                yield place.relative_to(root).as_posix()
