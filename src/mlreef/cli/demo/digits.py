"""The 1,797 handwritten digits that ship inside scikit-learn, as PNG files in class folders.

Only the data file of the package is read (UCI optical recognition of handwritten digits, 8 x 8 pixels, values 0 to 16);
scikit-learn itself is neither imported nor needed by MLReef.
"""

from __future__ import annotations

import csv
import gzip
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import uv
from PIL import Image

from mlreef.kit.errors import Kind, PlatformError

_SIDE, _DEPTH = 8, 16


def write(target: Path, advance: Callable[[int, int], None]) -> int:
    """Write `train/<digit>/<n>.png` and `test/<digit>/<n>.png` (every fifth) below `target`; returns how many.

    `advance` is told how many of all are done.
    """
    rows = _rows()
    for number, row in enumerate(rows):
        split = "test" if number % 5 == 4 else "train"
        folder = target / split / str(row[-1])
        folder.mkdir(parents=True, exist_ok=True)
        pixels = bytes(min(255, value * 255 // _DEPTH) for value in row[:-1])
        Image.frombytes("L", (_SIDE, _SIDE), pixels).save(folder / f"{number:04d}.png")
        if number % 100 == 99 or number + 1 == len(rows):
            advance(number + 1, len(rows))
    return len(rows)


def _rows() -> list[list[int]]:
    with tempfile.TemporaryDirectory(prefix="mlreef-digits-") as folder:
        command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--target", folder, "scikit-learn>=1.6"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = list(Path(folder).glob("sklearn/datasets/data/digits.csv.gz"))
        if done.returncode != 0 or not found:
            message = f"scikit-learn, which brings the digits, could not be fetched: {done.stderr.strip()[-400:]}"
            raise PlatformError(Kind.UNAVAILABLE, message)
        with gzip.open(found[0], "rt") as file:
            return [[int(float(value)) for value in row] for row in csv.reader(file)]
