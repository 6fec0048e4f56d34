"""Forecasting: the program on its own reference data. In this folder: python -m pytest"""

import csv
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "forecast.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_future_is_forecast_better_than_by_repeating(tmp_path: Path) -> None:
    told = run(tmp_path, "--column", "value", "--season", "12", "--lags", "12", "--horizon", "12")
    assert len(rows(tmp_path / "forecast.csv")) == 12
    assert float(told.split("against_naive=")[1].split()[0]) < 1
    assert (tmp_path / "forecast.png").exists()
