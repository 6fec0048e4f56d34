"""Fixtures that several suites share: databases and object stores of every kind, and live servers.

A contract suite asks for `database_url` or `objects_url` and so runs on every implementation. PostgreSQL and SeaweedFS
are started once per session, only when a test needs them.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support import live, postgres, seaweed


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The base URL of a PostgreSQL server that belongs to this test session."""
    with postgres.server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind: a file, or a schema of its own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    server: str = request.getfixturevalue("postgres_server")
    return f"{server}?schema=test_{secrets.token_hex(6)}"


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Query parameters that reach an S3 server (SeaweedFS) of this test session."""
    with seaweed.server(tmp_path_factory.mktemp("seaweed")) as query:
        yield query


@pytest.fixture(params=["memory", "local", pytest.param("s3", marks=pytest.mark.slow)])
def objects_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty object store of each kind."""
    if request.param == "memory":
        return "memory://"
    if request.param == "local":
        return f"file://{tmp_path}/objects"
    query: str = request.getfixturevalue("s3_server")
    return f"s3://mlreef/{secrets.token_hex(6)}?{query}"


@pytest.fixture(autouse=True, scope="session")
def quiet_git() -> None:
    """No git of a test reads the machine's or the user's configuration, or asks questions."""
    os.environ.update(GIT_CONFIG_NOSYSTEM="1", GIT_TERMINAL_PROMPT="0", GIT_CONFIG_GLOBAL=os.devnull)


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a program to its end and return its output; a failure shows what it said."""
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def have(program: str) -> bool:
    """Whether a program is installed."""
    return shutil.which(program) is not None


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Live]:
    """One running MLReef for all end-to-end and browser tests of the session, with data and processors in it."""
    server = live.Live(tmp_path_factory.mktemp("live"))
    server.start()
    try:
        server.people()
        server.seed()
        yield server
    finally:
        server.stop()
