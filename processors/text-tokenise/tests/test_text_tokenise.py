"""Tokenise text: the program on its own reference data. In this folder: python -m pytest"""

import csv
import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "tokenise.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_tokens_are_counted(tmp_path: Path) -> None:
    run(tmp_path)
    counts = {row["token"]: int(row["count"]) for row in rows(tmp_path / "vocabulary.csv")}
    lines = [json.loads(line) for path in tmp_path.rglob("*.jsonl") for line in path.read_text().splitlines()]
    assert sum(counts.values()) == sum(map(len, lines)) > 0
