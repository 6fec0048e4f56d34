"""Image grid: the program on its own reference data. In this folder: python -m pytest"""

import subprocess
import sys
from pathlib import Path

from PIL import Image

PROJECT = Path(__file__).resolve().parents[1]


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "image_grid.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_sheet_has_a_row_per_class(tmp_path: Path) -> None:
    told = run(tmp_path, "--columns", "3", "--side", "20")
    with Image.open(tmp_path / "grid.png") as sheet:
        assert sheet.size == (120 + 24 * 3, 24 * 2)
    assert "classes=2" in told
