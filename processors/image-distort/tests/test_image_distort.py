"""Distort images: the program on its own reference data. In this folder: python -m pytest"""

import subprocess
import sys
from pathlib import Path

from PIL import Image

PROJECT = Path(__file__).resolve().parents[1]
REFERENCE = PROJECT / "reference"


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "distort.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_images_are_bent_and_keep_their_size(tmp_path: Path) -> None:
    run(tmp_path, "--strength", "0.3")
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.png"))
    assert made == sorted(path.relative_to(REFERENCE) for path in REFERENCE.rglob("*.png"))
    for name in made:
        with Image.open(REFERENCE / name) as before, Image.open(tmp_path / name) as after:
            assert after.size == before.size
            assert after.tobytes() != before.tobytes()
