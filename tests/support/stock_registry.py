"""The stock distribution registry (Debian's `docker-registry`) in a process of its own, with token authentication."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from support import ports


@contextmanager
def server(
    folder: Path, *, realm: str, certificate: Path, issuer: str = "mlreef-forge", port: int | None = None
) -> Iterator[str]:
    """Run the registry while the block lasts; yields its URL. `certificate` is the forge's signing certificate."""
    program = shutil.which("docker-registry")
    assert program, "the stock registry is missing: ./mlreef test installs it on Debian"
    port = port or ports.free()
    # YAML reads JSON.
    configuration = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "stock")},
            "cache": {"blobdescriptor": "inmemory"},
            "delete": {"enabled": True},
        },
        "http": {"addr": f"127.0.0.1:{port}"},
        "auth": {
            "token": {
                "realm": realm,
                "service": "container_registry",
                "issuer": issuer,
                "rootcertbundle": str(certificate),
            }
        },
    }
    config = folder / "stock.yml"
    config.write_text(json.dumps(configuration))
    log = (folder / "stock.log").open("ab")
    process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        ports.wait(lambda: _answers(url), f"the stock registry's start (see {folder}/stock.log)", seconds=30)
        yield url
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/v2/", timeout=2).status_code == 401
    except httpx.TransportError:
        return False
