"""The tests that every project of the starter library brings, run in a copy of it, as its reader would."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

LIBRARY = Path(__file__).resolve().parents[2] / "processors"
PROJECTS = sorted(path.parent.name for path in LIBRARY.glob("*/processor.yaml"))


def test_every_project_has_tests_of_a_name_of_their_own() -> None:
    missing = [name for name in PROJECTS if not (LIBRARY / name / f"tests/test_{name.replace('-', '_')}.py").is_file()]
    assert missing == []


@pytest.mark.slow
@pytest.mark.parametrize("name", PROJECTS)
def test_the_tests_of_a_project_pass(interpreter: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    described = yaml.safe_load((LIBRARY / name / "processor.yaml").read_text())
    project = shutil.copytree(LIBRARY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [str(interpreter(described["environment"])), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--basetemp", str(tmp_path / "pytest"), "tests"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
