"""A real S3 server for tests: SeaweedFS, whose program comes from the Python package index."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import obstore
from obstore.store import S3Store

from support import ports

_KEYS = {"access_key_id": "testkey", "secret_access_key": "testsecret"}


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run a server with the bucket `mlreef` while the block lasts; yields the query part of an `s3://` URL."""
    identity = {
        "name": "test",
        "credentials": [{"accessKey": _KEYS["access_key_id"], "secretKey": _KEYS["secret_access_key"]}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    port = ports.free()
    command = [_program(), "server", "-ip=127.0.0.1", f"-dir={folder}", "-s3", f"-s3.config={config}"]
    command += [f"-s3.port={port}", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.port.grpc={ports.free()}"]
    for part in ("master", "volume", "filer"):
        # Without a port of its own, gRPC takes the HTTP port plus 10000, which may not exist.
        command += [f"-{part}.port={ports.free()}", f"-{part}.port.grpc={ports.free()}"]
    command += ["-volume.max=20", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"]
    log = (folder / "log").open("w")
    process = subprocess.Popen(command, stdout=log, stderr=log)
    query = {"endpoint": f"http://127.0.0.1:{port}", "region": "us-east-1", **_KEYS}
    try:
        ports.wait(lambda: _bucket_ready(folder, port), "SeaweedFS's start", seconds=60)
        yield urlencode(query)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


def _bucket_ready(folder: Path, port: int) -> bool:
    if not ports.accepts(port):
        return False
    # An administrator's first write makes the bucket.
    endpoint = f"http://127.0.0.1:{port}"
    store = S3Store("mlreef", endpoint=endpoint, region="us-east-1", client_options={"allow_http": True}, **_KEYS)
    try:
        obstore.put(store, "ready", b"yes")
        return bytes(obstore.get(store, "ready").bytes()) == b"yes"
    except Exception:  # noqa: BLE001 - not ready yet, whatever it says
        return False


def _program() -> str:
    found = shutil.which("weed", path=str(Path(sys.executable).parent))
    assert found, "SeaweedFS is missing: uv sync --all-groups installs it"
    return found
