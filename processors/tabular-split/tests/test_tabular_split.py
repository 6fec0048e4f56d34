"""Split tables: the program on its own reference data. In this folder: python -m pytest"""

import csv
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "split_table.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_in_one_part_and_classes_in_both(tmp_path: Path) -> None:
    run(tmp_path, "--stratify", "class")
    train, test = (rows(tmp_path / part / "iris.csv") for part in ("train", "test"))
    assert (len(train), len(test)) == (120, 30)
    assert [sum(row["class"] == name for row in test) for name in ("setosa", "versicolor", "virginica")] == [10, 10, 10]
