"""What tests of the starter library share: a Python with the packages of the environments, and running a program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uv

LIBRARY = Path(__file__).resolve().parents[2] / "processors"
ENVIRONMENTS = {
    "scikit-learn": ["pandas", "scikit-learn", "matplotlib", "pillow", "pytest"],
    "tensorflow-2": ["tensorflow-cpu", "pillow", "pytest"],
    "pytorch-2": ["torch", "numpy", "pillow", "pytest"],
}
Run = Callable[..., subprocess.CompletedProcess[str]]


def torch_of_cpus() -> list[str]:
    """Options that choose PyTorch without CUDA: a wheel of this machine's own, or the index of such builds."""
    place = os.environ.get("PIP_FIND_LINKS", "")
    own = sorted(Path(place).glob("torch-*+cpu-*.whl")) if place else []
    return [str(own[-1])] if own else ["--torch-backend", "cpu"]


@pytest.fixture(scope="session")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """By environment, a Python with the packages that it has and that projects built on it require."""
    made: dict[str, Path] = {}

    def found(environment: str) -> Path:
        name = "scikit-learn" if environment == "python-3.11" else environment
        if name not in made:
            place = tmp_path_factory.mktemp("packages") / "python"
            packages = [*ENVIRONMENTS[name], *(torch_of_cpus() if name == "pytorch-2" else [])]
            if name == "scikit-learn":
                files = sorted(LIBRARY.glob("*/requirements.txt"))
                packages += [item for file in files for item in ("--requirements", str(file))]
            subprocess.run([uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, place], check=True)
            command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--compile-bytecode"]
            command += ["--python", str(place / "bin/python")]
            subprocess.run([*command, *packages], check=True)
            made[name] = place / "bin/python"
        return made[name]

    return found


@pytest.fixture(scope="session")
def python(interpreter: Callable[[str], Path]) -> Path:
    """A Python with what the scikit-learn environment has, and what projects on it require."""
    return interpreter("scikit-learn")


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
