"""Published processors are ordinary images: skopeo and podman, unmodified, read and pull them."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from support.live import Live

pytestmark = pytest.mark.slow


def tool(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a client with storage and configuration of its own."""
    containers = folder / "containers.conf"
    containers.write_text('[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')
    environment = {
        **os.environ,
        "CONTAINERS_CONF": str(containers),
        "REGISTRY_AUTH_FILE": str(folder / "auth.json"),
        "XDG_RUNTIME_DIR": str(folder),
    }
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def image(live: Live) -> tuple[str, str]:
    found = next(p for p in live.reef.processors(search="copy") if p["slug"] == "lab/code-copy/copy")
    return f"127.0.0.1:{live.port}/lab/code-copy/copy", found["latest"]["digest"]


def test_skopeo_inspects_a_published_processor(live_server: Live, tmp_path: Path) -> None:
    name, digest = image(live_server)
    credentials = f"--creds={live_server.username}:{live_server.token}"
    done = tool("skopeo", "inspect", "--tls-verify=false", credentials, f"docker://{name}@{digest}", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["Digest"] == digest
    assert found["Os"] == "linux"


def test_podman_pulls_a_published_processor_and_its_code_is_in_it(live_server: Live, tmp_path: Path) -> None:
    name, digest = image(live_server)
    # podman refuses run directories with long names
    with tempfile.TemporaryDirectory(prefix="pm-") as short:
        podman = ["podman", f"--root={tmp_path}/storage", f"--runroot={short}", "--storage-driver=vfs"]
        credentials = ["-u", live_server.username, "-p", live_server.token]
        login = tool(*podman, "login", "--tls-verify=false", *credentials, name.split("/")[0], folder=tmp_path)
        assert login.returncode == 0, login.stderr
        pulled = tool(*podman, "pull", "--tls-verify=false", f"{name}@{digest}", folder=tmp_path)
        assert pulled.returncode == 0, pulled.stderr
        mounted = tool(*podman, "image", "mount", f"{name}@{digest}", folder=tmp_path)
        assert mounted.returncode == 0, mounted.stderr
        place = Path(mounted.stdout.strip().split()[-1])
        assert "Copies its input" in (place / "mlreef/code/copy.py").read_text()
        tool(*podman, "image", "umount", "--all", folder=tmp_path)


def test_nobody_and_a_wrong_password_get_nothing(live_server: Live, tmp_path: Path) -> None:
    name, digest = image(live_server)
    for credentials in ("--no-creds", f"--creds={live_server.username}:wrong"):
        asked = ["skopeo", "inspect", "--tls-verify=false", credentials, f"docker://{name}@{digest}"]
        assert tool(*asked, folder=tmp_path).returncode != 0
