"""Augment text: the program on its own reference data. In this folder: python -m pytest"""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
REFERENCE = PROJECT / "reference"


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "augment_text.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_line_is_kept_and_has_a_copy(tmp_path: Path) -> None:
    run(tmp_path, "--copies", "1")
    for path in REFERENCE.rglob("*.txt"):
        before = path.read_text().splitlines()
        after = (tmp_path / path.relative_to(REFERENCE)).read_text().splitlines()
        assert set(before) <= set(after)
        assert len(after) == len(before) + sum(bool(line.strip()) for line in before)
