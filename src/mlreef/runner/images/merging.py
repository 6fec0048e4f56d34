"""Stacks unpacked layers into one directory by hard links: what overlayfs would show, without overlayfs."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def merge(layers: Sequence[tuple[Path, Mapping[str, Any]]], target: Path) -> None:
    """Merge (directory, its whiteouts and opaque directories), bottom first, into a new directory."""
    target.mkdir(mode=0o755)
    for layer, meta in layers:
        for name in meta.get("opaque") or ():
            _empty(target, name)
        for name in meta.get("whiteouts") or ():
            _remove(target, name)
        _add(layer, target)


def _add(source: Path, target: Path) -> None:
    for entry in os.scandir(source):
        place = target / entry.name
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            if place.is_symlink() or (place.exists() and not place.is_dir()):
                place.unlink()
            place.mkdir(mode=0o755, exist_ok=True)
            _add(Path(entry.path), place)
            continue
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        if stat.S_ISLNK(mode):
            place.symlink_to(Path(entry.path).readlink())
        elif stat.S_ISREG(mode):
            os.link(entry.path, place, follow_symlinks=False)


def _inside(target: Path, name: str) -> Path | None:
    """The place of a name, unless a link on the way leads elsewhere."""
    place = target
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if not parts or ".." in parts:
        return None
    for part in parts[:-1]:
        place /= part
        if place.is_symlink() or not place.is_dir():
            return None
    return place / parts[-1]


def _empty(target: Path, name: str) -> None:
    place = _inside(target, name) if name else target
    if place is not None and place.is_dir() and not place.is_symlink():
        for entry in os.scandir(place):
            _delete(Path(entry.path))


def _remove(target: Path, name: str) -> None:
    place = _inside(target, name)
    if place is not None:
        _delete(place)


def _delete(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
