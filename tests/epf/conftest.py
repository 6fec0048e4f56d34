"""Fixtures for EPF: its source on the path, the zipapp as built, a fake world, and a way to run one job."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
for place in (str(REPOSITORY / "epf" / "src"), str(Path(__file__).resolve().parent)):
    if place not in sys.path:
        sys.path.insert(0, place)

import epf_fakes  # noqa: E402


@pytest.fixture(scope="session")
def builder():
    spec = importlib.util.spec_from_file_location("epf_build", REPOSITORY / "epf" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def zipapp(builder, tmp_path_factory):
    target = tmp_path_factory.mktemp("epf") / "epf.pyz"
    builder.build(target)
    return target


@pytest.fixture
def world():
    found = epf_fakes.World()
    yield found
    found.close()


class Machine:
    """Runs jobs as a runner's process executor does: one root directory, the job's variables in the environment."""

    def __init__(self, zipapp, world, directory):
        self.zipapp, self.world, self.root = zipapp, world, directory / "mlreef"
        self.cache = directory / "cache"
        (self.root / "code").mkdir(parents=True)

    def variables(self, **more):
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "SSL_CERT_FILE")}
        kept.update(
            MLREEF_URL=self.world.url,
            MLREEF_ID_TOKEN=epf_fakes.ID_TOKEN,
            CI_JOB_TOKEN=epf_fakes.JOB_TOKEN,
            CI_REPOSITORY_URL=f"http://gitlab-ci-token:{epf_fakes.JOB_TOKEN}@forge/g/p.git",
            MLREEF_ROOT=str(self.root),
            MLREEF_CACHE=str(self.cache),
            MLREEF_CONFIG="capability",
        )
        kept.update(more)
        return kept

    def step(self, program, **changes):
        """Describe a step that runs this Python program."""
        (self.root / "code" / "main.py").write_text(program)
        spec = {
            "kind": "step",
            "run": {"id": "run_1", "name": "test", "project_id": 1, "project_path": "g/p"},
            "step": {"id": "stp_1", "name": "augment"},
            "command": [sys.executable, "/mlreef/code/main.py"],
            "arguments": [],
            "inputs": [],
            "outputs": [{"name": "output", "flag": "--output-path"}],
            "limits": {"timeout_s": 60, "memory_bytes": 2 << 30, "cpus": 1.0},
            "forge": {"url": self.world.url, "project_id": 1, "lfs_url": self.world.url + "/g/p.git/info/lfs"},
            "cached": None,
            "environment": {"PYTHONUNBUFFERED": "1"},
        }
        spec.update(changes)
        self.world.spec = spec

    def start(self, subcommand="run", **variables):
        return subprocess.Popen(
            [sys.executable, str(self.zipapp), subcommand],
            env=self.variables(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, program=None, subcommand="run", variables=None, **changes):
        """Run a job to its end; returns (exit code, log)."""
        if program is not None:
            self.step(program, **changes)
        process = self.start(subcommand, **(variables or {}))
        log, _ = process.communicate(timeout=120)
        return process.returncode, log


@pytest.fixture
def machine(zipapp, world, tmp_path):
    return Machine(zipapp, world, tmp_path)
