"""What tests of the starter library share: a Python with the packages of the environments, and running a program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uv

LIBRARY = Path(__file__).resolve().parents[2] / "processors"
ENVIRONMENT = ["pandas", "scikit-learn", "matplotlib", "pillow", "pytest"]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with what the scikit-learn environment has, and what projects on it require."""
    place = tmp_path_factory.mktemp("packages") / "python"
    wanted = [item for file in sorted(LIBRARY.glob("*/requirements.txt")) for item in ("--requirements", str(file))]
    subprocess.run([uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, place], check=True)
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", str(place / "bin/python")]
    subprocess.run([*command, *ENVIRONMENT, *wanted], check=True)
    return place / "bin/python"


def start(python: str | Path, program: str, options: tuple[Any, ...]) -> subprocess.CompletedProcess[str]:
    """Run a program of the library, as `folder/file.py`; the caller looks at how it ended."""
    command = [str(python), str(LIBRARY / program), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="session")
def run(python: Path) -> Run:
    """Run a program with the packages of its environment."""
    return lambda program, *options: start(python, program, options)


@pytest.fixture(scope="session")
def run_here() -> Run:
    """Run a program that needs no other packages than the tests have: Pillow, NumPy, SciPy."""
    return lambda program, *options: start(sys.executable, program, options)
