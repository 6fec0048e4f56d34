"""Text classifier: the program on its own reference data. In this folder: python -m pytest"""

import csv
import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "classify_text.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_texts_are_told_apart(tmp_path: Path) -> None:
    run(tmp_path, "--lines")
    assert json.loads((tmp_path / "model.json").read_text())["metrics"]["accuracy"] >= 0.7
    assert {"truth", "predicted"} < set(rows(tmp_path / "predictions.csv")[0])
