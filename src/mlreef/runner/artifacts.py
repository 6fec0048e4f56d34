"""Artifacts: collected from a directory that hostile code wrote, unpacked into one that it may have prepared.

No link is ever followed: neither on the way in, where it could reveal the machine's files, nor on the way out, where
it could overwrite them. Only called while no process of the job is alive.
"""

from __future__ import annotations

import fnmatch
import gzip
import os
import re
import shutil
import stat
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from mlreef.kit.errors import invalid
from mlreef.runner.payload import Artifact

_MAX_FILES = 200_000


def matching(root: Path, artifact: Artifact, untracked: Sequence[str] = ()) -> list[str]:
    """Relative paths of the files and links an artifact entry names, sorted."""
    wanted = [_pattern(path) for path in artifact.paths]
    unwanted = [_pattern(path, directories=False) for path in artifact.exclude]
    listed = set(untracked) if artifact.untracked else set()
    found = []
    for name in _walk(root):
        chosen = name in listed or any(pattern.fullmatch(name) for pattern in wanted)
        if chosen and not any(pattern.fullmatch(name) for pattern in unwanted):
            found.append(name)
            if len(found) > _MAX_FILES:
                raise invalid(f"artifacts: more than {_MAX_FILES} files match")
    return sorted(found)


def pack(root: Path, names: Sequence[str], target: Path, *, form: str) -> None:
    """Write the files as `zip`, `gzip` (members one after another) or `raw` (one file)."""
    if form == "zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name in names:
                _add(archive, root, name)
        return
    with target.open("wb") as plain:
        for name in names:
            with os.fdopen(_open(root, name), "rb") as source:
                if form == "gzip":
                    with gzip.GzipFile(filename=Path(name).name, fileobj=plain, mode="wb", mtime=0) as packed:
                        shutil.copyfileobj(source, packed)
                else:
                    shutil.copyfileobj(source, plain)


def unpack(archive: Path, root: Path, *, limit: int) -> int:
    """Unpack a zip below `root`; the number of files. Raises `invalid` for anything unsafe."""
    count = total = 0
    try:
        with zipfile.ZipFile(archive) as source:
            for entry in source.infolist():
                name = _safe(entry.filename)
                total += entry.file_size
                count += 1
                if count > _MAX_FILES or total > limit:
                    raise invalid(f"artifacts: more than {_MAX_FILES} files or {limit} bytes")
                _extract(source, entry, root, name)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as exc:
        raise invalid(f"artifacts cannot be unpacked: {exc}") from exc
    return count


def _walk(root: Path) -> Iterator[str]:
    for directory, names, files in os.walk(root, followlinks=False):
        names[:] = sorted(name for name in names if name != ".git" or directory != str(root))
        place = Path(directory).relative_to(root)
        for name in (*files, *names):
            mode = (Path(directory) / name).lstat().st_mode
            if stat.S_ISREG(mode) or stat.S_ISLNK(mode):
                yield (place / name).as_posix()


def _pattern(path: str, *, directories: bool = True) -> re.Pattern[str]:
    """GitLab's globs: `*` stays within a directory, `**` crosses them; a directory stands for all below it."""
    path = path.removeprefix("./").rstrip("/") or "*"
    expression = ""
    for part in re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]*\])", path):
        if part == "**/":
            expression += "(?:.*/)?"
        elif part == "**":
            expression += ".*"
        elif part in {"*", "?"}:
            expression += "[^/]*" if part == "*" else "[^/]"
        elif part.startswith("[") and part.endswith("]") and len(part) > 2:
            expression += fnmatch.translate(part).removeprefix("(?s:").removesuffix(r")\Z").replace(")\\z", "")
        else:
            expression += re.escape(part)
    return re.compile(expression + ("(?:/.*)?" if directories else ""), re.DOTALL)


def _add(archive: zipfile.ZipFile, root: Path, name: str) -> None:
    path = root / name
    status = path.lstat()
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.external_attr = (status.st_mode & 0xFFFF) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    if stat.S_ISLNK(status.st_mode):
        archive.writestr(entry, os.fsencode(path.readlink()))
        return
    entry.file_size = status.st_size
    with os.fdopen(_open(root, name), "rb") as source, archive.open(entry, "w", force_zip64=True) as target:
        shutil.copyfileobj(source, target, 1 << 20)


def _open(root: Path, name: str) -> int:
    """Open a file below root with no link on the way."""
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        *parents, last = PurePosixPath(name).parts
        for part in parents:
            following = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            os.close(directory)
            directory = following
        return os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    finally:
        os.close(directory)


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or not path.parts:
        raise invalid(f"artifacts: unsafe path {name[:200]!r}")
    return path


def _extract(source: zipfile.ZipFile, entry: zipfile.ZipInfo, root: Path, name: PurePosixPath) -> None:
    place = root
    for part in name.parts if entry.is_dir() else name.parts[:-1]:
        place /= part
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise invalid(f"artifacts: {str(name)[:200]!r} leads through something that is not a directory")
        place.mkdir(exist_ok=True)
    if entry.is_dir():
        return
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        return  # links and others are not taken over
    path = place / name.name
    if path.is_dir() and not path.is_symlink():
        raise invalid(f"artifacts: {str(name)[:200]!r} is a directory here")
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o755 if mode & 0o100 else 0o644), "wb") as target:
        with source.open(entry) as packed:
            shutil.copyfileobj(packed, target, 1 << 20)
