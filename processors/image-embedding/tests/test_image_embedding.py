"""Image embedding: the program on its own reference data. In this folder: python -m pytest"""

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
    command = [sys.executable, PROJECT / "embedding.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_image_is_a_point(tmp_path: Path) -> None:
    run(tmp_path, "--method", "pca")
    points = rows(tmp_path / "embedding.csv")
    assert len(points) == len(list(REFERENCE.rglob("*.png")))
    assert len({(point["x"], point["y"]) for point in points}) > len(points) * 0.9
    with Image.open(tmp_path / "embedding.png") as image:
        assert image.width > 500
