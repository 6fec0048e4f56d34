"""Spectrograms: the program on its own reference data. In this folder: python -m pytest"""

import subprocess
import sys
from pathlib import Path

from PIL import Image

PROJECT = Path(__file__).resolve().parents[1]
REFERENCE = PROJECT / "reference"


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "spectrogram.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_sound_has_a_picture(tmp_path: Path) -> None:
    run(tmp_path)
    for path in REFERENCE.glob("*.wav"):
        with Image.open(tmp_path / f"{path.stem}.png") as image:
            assert image.size == (960, 480)


def test_a_picture_without_axes_has_one_row_per_frequency(tmp_path: Path) -> None:
    run(tmp_path, "--no-axes", "--window", "128")
    with Image.open(tmp_path / "tone.png") as image:
        assert image.height == 65
