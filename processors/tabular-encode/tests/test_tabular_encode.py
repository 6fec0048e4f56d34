"""Encode tables: the program on its own reference data. In this folder: python -m pytest"""

import csv
import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "encode.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_all_but_the_kept_column_is_numbers(tmp_path: Path) -> None:
    run(tmp_path, "--keep", "class", "--scale", "range")
    table = rows(tmp_path / "iris.csv")
    assert {row.pop("class") for row in table} == {"setosa", "versicolor", "virginica"}
    assert all(0 <= float(cell) <= 1 for row in table for cell in row.values())
    assert json.loads((tmp_path / "encoding.json").read_text())["class"] == {"kind": "kept"}


def test_words_become_columns(tmp_path: Path) -> None:
    run(tmp_path)
    assert {"class=setosa", "class=versicolor", "class=virginica"} < set(rows(tmp_path / "iris.csv")[0])
