"""Artifacts: patterns as GitLab's, archives that neither reveal nor overwrite the machine's files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from mlreef.kit.errors import PlatformError
from mlreef.runner import artifacts
from mlreef.runner.payload import Artifact


def entry(*paths: str, exclude: tuple[str, ...] = ()) -> Artifact:
    return Artifact("a", paths, exclude, False, "always", "", "archive", "zip")


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("a/",), ["a/b/c.txt", "a/d.log"]),
        (("*.txt",), ["top.txt"]),
        (("**/*.txt",), ["a/b/c.txt", "top.txt"]),
        (("a/*",), ["a/b/c.txt", "a/d.log"]),
        (("./top.txt",), ["top.txt"]),
        (("a/[a-d].log",), ["a/d.log"]),
        (("../*",), []),
    ],
)
def test_patterns_are_those_of_gitlab(paths: tuple[str, ...], expected: list[str], tmp_path: Path) -> None:
    tree(tmp_path, "a/b/c.txt", "a/d.log", "top.txt", ".git/config")
    assert artifacts.matching(tmp_path, entry(*paths)) == expected


def test_excluded_files_stay_behind(tmp_path: Path) -> None:
    tree(tmp_path, "a/b.txt", "a/b.tmp")
    assert artifacts.matching(tmp_path, entry("a", exclude=("**/*.tmp",))) == ["a/b.txt"]


def test_links_are_kept_as_links_and_never_followed(tmp_path: Path) -> None:
    root = tree(tmp_path / "root", "a/file")
    tree(tmp_path, "secret/key")
    (root / "a/link").symlink_to(tmp_path / "secret/key")
    (root / "a/folder").symlink_to(tmp_path / "secret")
    names = artifacts.matching(root, entry("a", "a/folder/key"))
    artifacts.pack(root, names, tmp_path / "out.zip", form="zip")
    assert names == ["a/file", "a/folder", "a/link"]
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert b"secret/key" not in b"".join(archive.read(name) for name in names if name == "a/file")
        assert archive.read("a/link") == bytes(tmp_path / "secret/key")


def archive_of(tmp_path: Path, *names: str) -> Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    (tmp_path / "in.zip").write_bytes(buffer.getvalue())
    return tmp_path / "in.zip"


@pytest.mark.parametrize("name", ["../up", "/absolute", "a/../../up", "link/file", "back\\slash"])
def test_archives_that_reach_out_are_refused(name: str, tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "link").symlink_to(outside)
    with pytest.raises(PlatformError):
        artifacts.unpack(archive_of(tmp_path, name), root, limit=1000)
    assert not list(outside.iterdir())


def test_archives_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="more than"):
        artifacts.unpack(archive_of(tmp_path, "a", "b"), tmp_path, limit=1)
