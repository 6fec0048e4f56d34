"""Histograms and correlations: the program on its own reference data. In this folder: python -m pytest"""

import csv
import subprocess
import sys
from pathlib import Path

from PIL import Image

PROJECT = Path(__file__).resolve().parents[1]


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "histograms.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_pictures_and_a_summary_are_made(tmp_path: Path) -> None:
    told = run(tmp_path)
    for name in ("histograms.png", "correlation.png"):
        with Image.open(tmp_path / name) as image:
            assert min(image.size) > 200
    assert len(rows(tmp_path / "summary.csv")) == 5
    assert "rows=150" in told
