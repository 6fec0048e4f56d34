"""`kill -9` of the whole server in the middle of things: what was acknowledged is there, and states end true."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.live import Live, definition, step

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    server = Live(tmp_path_factory.mktemp("fragile"), executor="process")
    server.start()
    try:
        server.people()
        server.seed()
        yield server
    finally:
        server.stop()


def git(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def crash(server: Live) -> None:
    server.stop(signal.SIGKILL)
    server.start()


def test_a_push_is_whole_or_absent_and_the_acknowledged_one_stays(fragile: Live, tmp_path: Path) -> None:
    project = fragile.project("pushes", {"README.md": "start\n"})
    address = fragile.url.replace("://", f"://{fragile.username}:{fragile.token}@")
    work = tmp_path / "work"
    git("clone", "-q", f"{address}/lab/pushes.git", str(work), cwd=tmp_path)
    git("config", "user.name", "ada", cwd=work)
    git("config", "user.email", "ada@example.org", cwd=work)
    (work / "kept.bin").write_bytes(os.urandom(1 << 20))
    git("add", "-A", cwd=work)
    git("commit", "-qm", "acknowledged", cwd=work)
    git("push", "-q", "origin", "HEAD:refs/heads/kept", cwd=work)
    acknowledged = git("rev-parse", "HEAD", cwd=work).strip()
    for number in range(30):
        (work / f"{number}.bin").write_bytes(os.urandom(2 << 20))
    git("add", "-A", cwd=work)
    git("commit", "-qm", "cut off", cwd=work)
    pushing = subprocess.Popen(
        ["git", "push", "-q", "origin", "HEAD:refs/heads/cut"], cwd=work, stderr=subprocess.DEVNULL
    )
    _wait_for_incoming(fragile)
    crash(fragile)
    pushing.wait(60)
    branches = {b.name: b.commit["id"] for b in project.branches.list(get_all=True)}
    assert branches["kept"] == acknowledged
    for repository in (fragile.folder / "data/repositories").rglob("*.git"):
        checked = subprocess.run(
            ["git", "fsck", "--full", "--strict"], cwd=repository, capture_output=True, check=False
        )
        assert checked.returncode == 0, checked.stderr
    git("push", "-q", "origin", "HEAD:refs/heads/cut", cwd=work)


def _wait_for_incoming(server: Live) -> None:
    """Until the server holds part of a pack."""
    from support import ports

    repositories = server.folder / "data/repositories"

    def arriving() -> bool:
        return any(path.stat().st_size > 0 for path in repositories.rglob("*tmp_pack_*")) or any(
            repositories.rglob("tmp_objdir-incoming-*")
        )

    ports.wait(arriving, "the arrival of a pack", seconds=30)


def test_an_lfs_upload_cut_off_leaves_nothing_and_an_acknowledged_one_stays(fragile: Live) -> None:
    project = fragile.project("objects", {"README.md": "start\n"})
    base = f"{fragile.url}/lab/objects.git/info/lfs"
    kept, cut = os.urandom(3 << 20), os.urandom(64 << 20)
    action = _upload_action(fragile, base, kept)
    assert httpx.put(action["href"], content=kept, headers=action["header"], timeout=60).status_code == 200
    action = _upload_action(fragile, base, cut)
    half = threading.Event()

    def body() -> Iterator[bytes]:
        yield cut[: 32 << 20]
        half.set()
        stopped.wait(60)
        yield cut[32 << 20 :]

    stopped = threading.Event()

    def send() -> None:
        try:
            httpx.put(action["href"], content=body(), headers=action["header"], timeout=60)
        except httpx.TransportError:
            return

    sender = threading.Thread(target=send)
    sender.start()
    assert half.wait(60)
    crash(fragile)
    stopped.set()
    sender.join(60)
    assert _download(fragile, base, kept) == kept
    assert _download(fragile, base, cut) is None
    assert project.id


def _batch(server: Live, base: str, operation: str, content: bytes) -> dict:
    wanted = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
    answer = httpx.post(
        f"{base}/objects/batch",
        json={"operation": operation, "transfers": ["basic"], "objects": [wanted]},
        auth=(server.username, server.token),
        headers={"accept": "application/vnd.git-lfs+json", "content-type": "application/vnd.git-lfs+json"},
    )
    assert answer.status_code == 200, answer.text
    found: dict = answer.json()["objects"][0]
    return found


def _upload_action(server: Live, base: str, content: bytes) -> dict:
    action: dict = _batch(server, base, "upload", content)["actions"]["upload"]
    action["header"] = {k: v for k, v in action["header"].items() if k.lower() != "transfer-encoding"}
    return action


def _download(server: Live, base: str, content: bytes) -> bytes | None:
    found = _batch(server, base, "download", content)
    if "actions" not in found:
        return None
    action = found["actions"]["download"]
    return httpx.get(action["href"], headers=action.get("header"), timeout=60).content


def test_a_run_ends_in_one_true_state(fragile: Live) -> None:
    plan = definition("cut", "dataops", step("long", "trouble", mode="sleep"))
    reef = fragile.reef
    run = reef.start_run(fragile.project_path, {**plan, "steps": [{**plan["steps"][0], "timeout": 20}]})
    for event in reef.watch(run["id"]):
        if event.name == "step" and event.data["status"] == "running":
            break
        if event.name == "run" and event.data["steps"][0]["status"] == "running":
            break
    crash(fragile)
    ended = fragile.reef.wait_run(run["id"])
    assert ended["status"] == "failed"
    assert ended["steps"][0]["status"] == "failed"
    job = fragile.reef.forge.projects.get(fragile.project_path).jobs.get(ended["steps"][0]["ci_job_id"])
    assert (job.status, job.failure_reason) == ("failed", "runner_system_failure")
    assert b"the runner was restarted while this job ran" in job.trace()
    again = fragile.reef.run(run["id"])
    assert again["status"] == "failed"


def test_after_a_crash_new_work_runs(fragile: Live) -> None:
    crash(fragile)
    reef = fragile.reef
    plan = definition("after", "dataops", step("work", "copy", suffix=" after the crash"))
    run = reef.wait_run(reef.start_run(fragile.project_path, plan)["id"])
    assert run["status"] == "success", run
