"""A PostgreSQL server for tests, from Debian's package, in a temporary directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import ports


@contextmanager
def server() -> Iterator[str]:
    """Run a server while the block lasts; yields `postgresql://user@host:port/database`.

    Its folder is not one of pytest's: the server runs as another user, and every pytest that starts (a test may run
    one) closes the root of those folders to others, at which the server's next checkpoint panics.
    """
    with tempfile.TemporaryDirectory(prefix="mlreef-postgres-") as folder:
        yield from _run(Path(folder))


def _run(folder: Path) -> Iterator[str]:
    binaries = _binaries()
    data, port = folder / "data", ports.free()
    # The server refuses to run as root.
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, 65534, 65534)
    initialise = [*user, f"{binaries}/initdb", "-D", str(data), "-U", "mlreef", "-A", "trust", "-N", "--encoding=UTF8"]
    subprocess.run(initialise, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"})
    options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [*user, f"{binaries}/postgres", "-D", str(data), "-p", str(port), *options, "-c", "max_connections=200"],
        stdout=log,
        stderr=log,
    )
    try:
        psql = [
            str(shutil.which("psql") or f"{binaries}/psql"),
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-U",
            "mlreef",
            "-d",
            "postgres",
            "-qc",
        ]
        ask = [*psql, "SELECT 1"]
        ports.wait(lambda: subprocess.run(ask, capture_output=True, check=False).returncode == 0, "PostgreSQL's start")
        subprocess.run([*psql, "CREATE DATABASE mlreef"], check=True)
        yield f"postgresql://mlreef@127.0.0.1:{port}/mlreef"
    finally:
        died = process.poll()
        process.terminate()
        process.wait(20)
        log.close()
        assert died is None, f"PostgreSQL ended by itself with {died}:\n{(folder / 'log').read_text()[-4000:]}"


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    located = shutil.which("postgres") or (str(found[-1]) if found else None)
    assert located, "PostgreSQL's server is missing: ./mlreef test installs it on Debian"
    return Path(located).resolve().parent
