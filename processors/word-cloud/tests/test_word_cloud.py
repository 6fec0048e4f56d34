"""Word cloud: the program on its own reference data. In this folder: python -m pytest"""

import csv
import subprocess
import sys
from pathlib import Path

from PIL import Image

PROJECT = Path(__file__).resolve().parents[1]


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "word_cloud.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_picture_has_the_wished_size_and_words_are_ranked(tmp_path: Path) -> None:
    run(tmp_path, "--width", "300", "--height", "200")
    with Image.open(tmp_path / "cloud.png") as image:
        assert image.size == (300, 200)
    counts = [int(row["count"]) for row in rows(tmp_path / "words.csv")]
    assert counts == sorted(counts, reverse=True) != []
