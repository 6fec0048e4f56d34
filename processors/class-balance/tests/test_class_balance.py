"""Class balance: the program on its own reference data. In this folder: python -m pytest"""

import csv
import subprocess
import sys
from pathlib import Path

from PIL import Image

PROJECT = Path(__file__).resolve().parents[1]


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "class_balance.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_folder_is_counted(tmp_path: Path) -> None:
    run(tmp_path)
    assert rows(tmp_path / "class_balance.csv") == [{"class": "0", "files": "2"}, {"class": "1", "files": "2"}]
    with Image.open(tmp_path / "class_balance.png") as image:
        assert image.width >= 700
