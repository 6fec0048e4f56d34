"""What every test of a service begins with, made once a test run and copied: a migrated database, a signing key.

The migrations and the key are the real ones; only their making, which costs more than most tests, is not repeated.
What is there already, of a server that starts again on its own files, stays as it is.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import shutil
import tempfile
import threading
from pathlib import Path

from mlreef.forge.oidc.keys import SigningKey
from mlreef.kit.db import Database


def sqlite(path: Path, service: str) -> str:
    """The URL of a database file that is up to date and, if new, empty; `service` is forge, management or registry."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        shutil.copyfile(_database(service), path)
    return f"sqlite:///{path}"


def signing_key(directory: Path) -> Path:
    """The forge's secrets directory with its key in it."""
    return directory if directory.exists() else Path(shutil.copytree(_key(), directory))


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mlreef-templates-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def _database(service: str) -> Path:
    path = _folder() / f"{service}.db"

    async def migrate() -> None:
        database = Database.open(f"sqlite:///{path}", migrations=f"mlreef.{service}.migrations")
        await database.migrate()
        await database.close()

    # A thread of its own: the caller's may have a loop that runs.
    worker = threading.Thread(target=asyncio.run, args=(migrate(),))
    worker.start()
    worker.join()
    return path


@functools.cache
def _key() -> Path:
    directory = _folder() / "secrets"
    SigningKey.load(directory)
    return directory
