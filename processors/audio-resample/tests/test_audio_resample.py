"""Resample audio: the program on its own reference data. In this folder: python -m pytest"""

import subprocess
import sys
import wave
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
REFERENCE = PROJECT / "reference"


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "resample.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_sound_has_the_wished_rate_and_one_channel(tmp_path: Path) -> None:
    told = run(tmp_path, "--rate", "8000")
    for path in REFERENCE.glob("*.wav"):
        with wave.open(str(tmp_path / path.name)) as file:
            assert (file.getframerate(), file.getnchannels()) == (8000, 1)
    assert "files=2" in told
