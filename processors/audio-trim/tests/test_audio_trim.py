"""Trim silence: the program on its own reference data. In this folder: python -m pytest"""

import subprocess
import sys
import wave
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
REFERENCE = PROJECT / "reference"


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "trim.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def seconds(path: Path) -> float:
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate()


def test_no_sound_becomes_longer_and_silence_goes(tmp_path: Path) -> None:
    told = run(tmp_path)
    for path in REFERENCE.glob("*.wav"):
        assert 0 < seconds(tmp_path / path.name) <= seconds(path)
    assert "seconds_after=" in told
