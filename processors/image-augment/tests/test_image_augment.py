"""Augment images: the program on its own reference data. In this folder: python -m pytest"""

import subprocess
import sys
from pathlib import Path

from PIL import Image

PROJECT = Path(__file__).resolve().parents[1]
REFERENCE = PROJECT / "reference"


def run(target: Path, *options: str) -> str:
    """Run the program; what it printed."""
    paths = ["--input-path", PROJECT / "reference", "--output-path", target]
    command = [sys.executable, PROJECT / "augment.py", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_image_is_kept_and_has_two_copies(tmp_path: Path) -> None:
    run(tmp_path, "--copies", "2")
    for path in REFERENCE.rglob("*.png"):
        made = tmp_path / path.relative_to(REFERENCE)
        with Image.open(path) as before, Image.open(made) as after:
            assert before.tobytes() == after.tobytes()
        copies = [made.with_name(f"{made.stem}-{n}.png") for n in range(1, 9)]
        assert sum(copy.exists() for copy in copies) >= 2
    assert len(list(tmp_path.rglob("*.png"))) == 3 * len(list(REFERENCE.rglob("*.png")))
