"""Clean text: the program on its own reference data. In this folder: python -m pytest"""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "clean.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_spaces_are_single_and_letters_lower(tmp_path: Path) -> None:
    run(tmp_path, "--lower")
    made = [path.read_text() for path in tmp_path.rglob("*.txt")]
    assert made
    for text in made:
        assert text == text.lower()
        assert "  " not in text
