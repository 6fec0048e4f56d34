"""Clean tables: the program on its own reference data. In this folder: python -m pytest"""

import csv
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "clean_table.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_names_are_tidy_and_equal_rows_are_one(tmp_path: Path) -> None:
    run(tmp_path)
    people = rows(tmp_path / "people.csv")
    assert list(people[0]) == ["first_name", "age", "city"]
    assert len({tuple(row.values()) for row in people}) == len(people)
    assert all(cell for row in people for cell in row.values())
