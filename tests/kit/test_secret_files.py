"""Files with secrets that are made once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mlreef.kit import secret_files


def test_a_secret_is_readable_by_its_owner_alone_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "a.key"
    secret_files.make(path, b"first")
    secret_files.make(path, b"second")
    assert path.read_bytes() == b"first"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["a.key"]


def test_of_many_who_start_at_once_one_wins_and_nobody_sees_a_part(tmp_path: Path) -> None:
    path, contents = tmp_path / "a.key", [bytes([number]) * 4096 for number in range(16)]

    def start(content: bytes) -> bytes:
        secret_files.make(path, content)
        return path.read_bytes()

    with ThreadPoolExecutor(16) as pool:
        seen = set(pool.map(start, contents))
    assert len(seen) == 1
    assert seen <= set(contents)
