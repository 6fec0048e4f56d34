"""Confusion matrix and ROC: the program on its own reference data. In this folder: python -m pytest"""

import subprocess
import sys
from pathlib import Path

from PIL import Image

PROJECT = Path(__file__).resolve().parents[1]


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "confusion.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pictures_and_accuracy_are_made(tmp_path: Path) -> None:
    told = run(tmp_path)
    for name in ("confusion.png", "roc.png"):
        with Image.open(tmp_path / name) as image:
            assert min(image.size) > 300
    assert "accuracy=0.75" in told
