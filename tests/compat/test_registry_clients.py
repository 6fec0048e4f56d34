"""Published processors are ordinary images: skopeo and podman, unmodified, read and pull them."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from registry import world
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


def registry_token(live: Live, repository: str) -> str:
    """A token for pushing and pulling, as clients get it."""
    query = {"service": "container_registry", "scope": f"repository:{repository}:pull,push"}
    return str(httpx.get(f"{live.url}/jwt/auth", params=query, auth=(live.username, live.token)).json()["token"])


def oras_client(live: Live, repository: str) -> Any:
    """oras-py with a token for the repository: by itself it would keep one for pulling when it wants to push."""
    import oras.client

    client = oras.client.OrasClient(hostname=f"127.0.0.1:{live.port}", insecure=True)
    client.auth.set_token_auth(registry_token(live, repository))
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


@contextmanager
def podman(live: Live, folder: Path) -> Iterator[list[str]]:
    """podman with storage of its own, logged in."""
    with tempfile.TemporaryDirectory(prefix="pm-") as short:  # podman refuses run directories with long names
        command = ["podman", f"--root={folder}/storage", f"--runroot={short}", "--storage-driver=vfs"]
        credentials = ["-u", live.username, "-p", live.token]
        done = tool(*command, "login", "--tls-verify=false", *credentials, f"127.0.0.1:{live.port}", folder=folder)
        assert done.returncode == 0, done.stderr
        yield command


def done(*command: str, folder: Path) -> str:
    """Run a client that must succeed; its output."""
    result = tool(*command, folder=folder)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_podman_runs_a_published_processor(live_server: Live, tmp_path: Path) -> None:
    name, digest = image(live_server)
    program = "import pathlib; print(pathlib.Path('/mlreef/code/copy.py').is_file())"
    # podman's own limits are higher than what this machine may allow
    limits = ["--ulimit=nofile=1000:1000", "--ulimit=nproc=1000:1000"]
    isolation = ["--rm", "--tls-verify=false", "--network=none", *limits]
    with podman(live_server, tmp_path) as client:
        said = done(*client, "run", *isolation, f"{name}@{digest}", "python3", "-c", program, folder=tmp_path)
    assert said.strip() == "True"


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_podman_pushes_what_it_pulls_again(live_server: Live, tmp_path: Path, compression: str) -> None:
    target = f"127.0.0.1:{live_server.port}/lab/code-copy/pushed:{compression}"
    (tmp_path / "content").mkdir()
    (tmp_path / "content/hello.txt").write_text(f"hello {compression}\n")
    subprocess.run(["tar", "-C", tmp_path / "content", "-cf", tmp_path / "content.tar", "."], check=True)
    with podman(live_server, tmp_path) as client:
        done(*client, "import", "--quiet", str(tmp_path / "content.tar"), target, folder=tmp_path)
        done(*client, "push", "--tls-verify=false", f"--compression-format={compression}", target, folder=tmp_path)
        done(*client, "push", "--tls-verify=false", f"--compression-format={compression}", target, folder=tmp_path)
        done(*client, "rmi", target, folder=tmp_path)
        done(*client, "pull", "--tls-verify=false", target, folder=tmp_path)
        place = Path(done(*client, "image", "mount", target, folder=tmp_path).split()[-1])
        assert (place / "hello.txt").read_text() == f"hello {compression}\n"
        done(*client, "image", "umount", "--all", folder=tmp_path)
    shown = plain(live_server, "inspect", "--raw", *_one(live_server), f"docker://{target}", folder=tmp_path)
    assert json.loads(shown)["layers"][0]["mediaType"].endswith(compression)


def test_podman_is_not_let_push_where_the_user_may_not(live_server: Live, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    subprocess.run(["tar", "-C", tmp_path, "-cf", tmp_path / "content.tar", "a"], check=True)
    target = f"127.0.0.1:{live_server.port}/nobody/knows/it:1"
    with podman(live_server, tmp_path) as client:
        done(*client, "import", "--quiet", str(tmp_path / "content.tar"), target, folder=tmp_path)
        pushed = tool(*client, "push", "--tls-verify=false", target, folder=tmp_path)
    assert pushed.returncode != 0
    assert "denied" in pushed.stderr or "unauthorized" in pushed.stderr


def _one(live: Live) -> list[str]:
    return ["--tls-verify=false", f"--creds={live.username}:{live.token}"]


def test_skopeo_copies_an_index_with_all_its_images(live_server: Live, tmp_path: Path) -> None:
    name, digest = image(live_server)
    host, repository = f"127.0.0.1:{live_server.port}", "lab/code-copy/copy"
    headers = {"authorization": f"Bearer {registry_token(live_server, repository)}"}
    url = f"http://{host}/v2/{repository}/manifests"
    accept = {"accept": world.ACCEPT["accept"]}
    published = httpx.get(f"{url}/{digest}", headers={**headers, **accept}).content
    other = json.loads(published) | {"annotations": {"variant": "two"}}
    bodies = [published, json.dumps(other).encode()]
    listed = [
        world.descriptor(body, world.MANIFEST, platform={"os": "linux", "architecture": machine})
        for body, machine in zip(bodies, ("amd64", "arm64"), strict=True)
    ]
    index = json.dumps({"schemaVersion": 2, "mediaType": world.INDEX, "manifests": listed}).encode()
    for reference, body, kind in ((world.digest_of(bodies[1]), bodies[1], world.MANIFEST), ("all", index, world.INDEX)):
        answer = httpx.put(f"{url}/{reference}", content=body, headers={**headers, "content-type": kind})
        assert answer.status_code == 201, answer.text
    account = f"{live_server.username}:{live_server.token}"
    both = ["--src-tls-verify=false", "--dest-tls-verify=false", f"--src-creds={account}", f"--dest-creds={account}"]
    target = f"{host}/lab/code-copy/copies"
    policy = "--insecure-policy"
    plain(live_server, policy, "copy", "--all", *both, f"docker://{name}:all", f"docker://{target}:1", folder=tmp_path)
    shown = plain(live_server, "inspect", "--raw", *_one(live_server), f"docker://{target}:1", folder=tmp_path)
    assert shown.encode() == index
    for body in bodies:
        place = f"docker://{target}@{world.digest_of(body)}"
        assert plain(live_server, "inspect", "--raw", *_one(live_server), place, folder=tmp_path).encode() == body


def test_oras_attaches_what_is_then_discovered(live_server: Live, tmp_path: Path) -> None:
    import oras.oci

    repository = "lab/code-copy/attached"
    client = oras_client(live_server, repository)
    target = f"127.0.0.1:{live_server.port}/{repository}"
    (tmp_path / "model.txt").write_text("a model\n")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "report.txt").write_text("a report about it\n")
    client.push(target=f"{target}:1", files=[f"{tmp_path}/model.txt:text/plain"], disable_path_validation=True)
    subject = client.do_request(f"http://{target.replace('/', '/v2/', 1)}/manifests/1", "GET", headers=world.ACCEPT)
    about = oras.oci.Subject(world.MANIFEST, world.digest_of(subject.content), len(subject.content))
    attached = client.push(
        target=f"{target}:report",
        files=[f"{tmp_path}/report.txt:text/plain"],
        manifest_config=f"{tmp_path}/config.json:application/vnd.example.report",
        subject=about,
        disable_path_validation=True,
    )
    assert attached.headers["oci-subject"] == about.digest
    found = client.do_request(f"http://{target.replace('/', '/v2/', 1)}/referrers/{about.digest}", "GET").json()
    (one,) = found["manifests"]
    assert one["artifactType"] == "application/vnd.example.report"
    assert one["digest"] == attached.headers["docker-content-digest"]
