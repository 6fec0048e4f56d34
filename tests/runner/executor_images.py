"""An image with a shell, the usual small programs and python3, made of this machine's own files, on a real port."""

from __future__ import annotations

import asyncio
import gzip
import io
import re
import shutil
import subprocess
import sysconfig
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from runner_fakes import FakeRegistry

PROGRAMS = ["sh", "cat", "head", "ls", "id", "env", "setsid", "sleep", "tr", "touch", "pwd", "true"]


@dataclass
class Served:
    host: str
    name: str


@pytest.fixture(scope="session")
def python_image() -> Iterator[Served]:
    registry = FakeRegistry([_layer()], ["PATH=/usr/bin:/bin"], open_to_all=True)
    server = uvicorn.Server(uvicorn.Config(registry.app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        while not server.started:
            threading.Event().wait(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        host = f"127.0.0.1:{port}"
        yield Served(host, f"{host}/g/p/tool@{registry.digest}")
    finally:
        server.should_exit = True
        thread.join()


def _layer() -> bytes:
    python = Path("/usr/bin/python3").resolve()
    library = Path(sysconfig.get_path("stdlib", vars={"installed_base": "/usr"}).replace("/root", "/usr"))
    library = next(iter(sorted(Path("/usr/lib").glob("python3.*"))), library)
    files = {f"usr/bin/{name}": Path(str(shutil.which(name))).resolve() for name in PROGRAMS}
    files.update({"usr/bin/python3": python, f"usr/bin/{python.name}": python})
    extensions = [str(path) for path in library.glob("lib-dynload/*.so")]
    for path in _libraries([*map(str, files.values()), *extensions]):
        files[path.lstrip("/")] = Path(path).resolve()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in ("proc", "dev", "tmp", "etc", "usr/lib", "mlreef", *(f"mlreef/{p}" for p in ("in", "out", "work"))):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(entry)
        for name in ("bin", "lib", "lib64"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(entry)
        for name, source in sorted(files.items()):
            inside = name if name.startswith("usr/") else f"usr/{name}"
            tar.add(source, inside)
        tar.add(library, str(library).lstrip("/"), filter=_needed)
    return gzip.compress(buffer.getvalue(), 1, mtime=0)


def _needed(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    skipped = ("/test/", "/idlelib/", "/lib2to3/", "/ensurepip/", "/dist-packages/", "/tkinter/", "config-3")
    return None if any(part in f"/{entry.name}/" for part in skipped) or not (entry.isreg() or entry.isdir()) else entry


def _libraries(binaries: list[str]) -> set[str]:
    said = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout
    return set(re.findall(r"(/\S+?\.so[^\s:]*)(?= \(0x)", said))
