"""Thumbnails: the program on its own reference data. In this folder: python -m pytest"""

import csv
import subprocess
import sys
from pathlib import Path

from PIL import Image

PROJECT = Path(__file__).resolve().parents[1]
REFERENCE = PROJECT / "reference"


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "thumbnails.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_image_has_a_thumbnail_in_the_index(tmp_path: Path) -> None:
    run(tmp_path, "--side", "4")
    index = rows(tmp_path / "index.csv")
    assert len(index) == len(list(REFERENCE.rglob("*.png")))
    for row in index:
        with Image.open(tmp_path / row["thumbnail"]) as image:
            assert max(image.size) == 4
