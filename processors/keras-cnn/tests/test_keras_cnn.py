"""Keras convolutional network: the program on its own reference data. In this folder: python -m pytest"""

import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--train-path", PROJECT / "reference/train", "--test-path", PROJECT / "reference/test", "--output-path", target]
    command = [sys.executable, PROJECT / "train.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_digits_are_told_apart(tmp_path: Path) -> None:
    told = run(tmp_path, "--epochs", "12")
    assert json.loads((tmp_path / "report.json").read_text())["accuracy"] >= 0.5
    assert (tmp_path / "model.keras").exists()
    assert told.count(" val_loss=") == 12
