"""Join tables: the program on its own reference data. In this folder: python -m pytest"""

import csv
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--left-path", PROJECT / "reference/left", "--right-path", PROJECT / "reference/right", "--output-path", target]
    command = [sys.executable, PROJECT / "join.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_of_both_tables_meet(tmp_path: Path) -> None:
    told = run(tmp_path, "--key", "id")
    joined = rows(tmp_path / "joined.csv")
    assert [(row["id"], row["name"], row["year"]) for row in joined][0] == ("2", "grace", "1906")
    assert f"joined={len(joined)}" in told
