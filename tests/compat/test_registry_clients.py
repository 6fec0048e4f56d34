"""Published processors are ordinary images: skopeo and podman, unmodified, read and pull them."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import httpx
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


def plain(live: Live, *command: str, folder: Path) -> str:
    """Run skopeo with the user's credentials; its output."""
    done = tool("skopeo", *command, folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_skopeo_copies_lists_syncs_and_deletes(live_server: Live, tmp_path: Path) -> None:
    name, digest = image(live_server)
    account = f"{live_server.username}:{live_server.token}"
    copied = f"127.0.0.1:{live_server.port}/lab/code-copy/copied"
    both = ["--src-tls-verify=false", "--dest-tls-verify=false", f"--src-creds={account}", f"--dest-creds={account}"]
    policy = "--insecure-policy"
    plain(live_server, policy, "copy", *both, f"docker://{name}@{digest}", f"docker://{copied}:1", folder=tmp_path)
    one = ["--tls-verify=false", f"--creds={account}"]
    assert json.loads(plain(live_server, "list-tags", *one, f"docker://{copied}", folder=tmp_path))["Tags"] == ["1"]
    synced = ["--src=docker", "--dest=dir", "--src-tls-verify=false", f"--src-creds={account}"]
    plain(live_server, policy, "sync", *synced, copied, str(tmp_path / "synced"), folder=tmp_path)
    assert list((tmp_path / "synced").rglob("manifest.json"))
    plain(live_server, "delete", *one, f"docker://{copied}:1", folder=tmp_path)
    assert tool("skopeo", "inspect", *one, f"docker://{copied}:1", folder=tmp_path).returncode != 0


def test_skopeo_cannot_delete_what_is_published(live_server: Live, tmp_path: Path) -> None:
    name, digest = image(live_server)
    one = ["--tls-verify=false", f"--creds={live_server.username}:{live_server.token}"]
    done = tool("skopeo", "delete", *one, f"docker://{name}@{digest}", folder=tmp_path)
    assert done.returncode != 0
    assert "signed as published" in done.stderr
    plain(live_server, "inspect", *one, f"docker://{name}@{digest}", folder=tmp_path)


def oras_client(live: Live, repository: str) -> Any:
    """oras-py with a token for the repository: by itself it would keep one for pulling when it wants to push."""
    import oras.client

    query = {"service": "container_registry", "scope": f"repository:{repository}:pull,push"}
    given = httpx.get(f"{live.url}/jwt/auth", params=query, auth=(live.username, live.token))
    client = oras.client.OrasClient(hostname=f"127.0.0.1:{live.port}", insecure=True)
    client.auth.set_token_auth(given.json()["token"])
    return client


def test_oras_pushes_and_pulls_an_artifact(live_server: Live, tmp_path: Path) -> None:
    client = oras_client(live_server, "lab/code-copy/notes")
    (tmp_path / "notes.txt").write_text("an artifact\n")
    target = f"127.0.0.1:{live_server.port}/lab/code-copy/notes:1"
    pushed = client.push(target=target, files=[f"{tmp_path}/notes.txt:text/plain"], disable_path_validation=True)
    assert pushed.status_code == 201
    (tmp_path / "out").mkdir()
    pulled = client.pull(target=target, outdir=str(tmp_path / "out"))
    assert (tmp_path / "out" / Path(pulled[0]).name).read_text() == "an artifact\n"


def test_oras_discovers_what_is_attached_to_a_published_processor(live_server: Live) -> None:
    name, digest = image(live_server)
    client = oras_client(live_server, "lab/code-copy/copy")
    host, _, repository = name.partition("/")
    found = client.do_request(f"http://{host}/v2/{repository}/referrers/{digest}", "GET").json()
    kinds = {one["artifactType"] for one in found["manifests"]}
    assert {"application/vnd.cyclonedx+json", "application/vnd.dev.cosign.artifact.sig.v1+json"} <= kinds
