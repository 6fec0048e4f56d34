"""What belongs to somebody else does not exist: 404 on every road, with a token, with none, with a dead one."""

from __future__ import annotations

import secrets
import subprocess

import httpx
import pytest

from mlreef import sdk
from support.live import Live, definition, step

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def secret_run(live_server: Live) -> dict:
    reef = live_server.reef
    plan = definition("private", "experiment", step("learn", "learn", epochs=1))
    run = reef.wait_run(reef.start_run(live_server.project_path, plan)["id"])
    assert run["status"] == "success", run
    return run


@pytest.fixture(scope="module")
def stranger(live_server: Live) -> str:
    name, password = f"stranger-{secrets.token_hex(3)}", secrets.token_urlsafe(16)
    live_server.new_user(name, password)
    return sdk.login(live_server.url, name, password)


def roads(live: Live, run: dict) -> list[str]:
    project, step_of_run = run["project_id"], run["steps"][0]
    experiment = next(e for e in live.reef.experiments(project) if e["run_id"] == run["id"])
    version = step_of_run["processor"]["version_id"]
    return [
        f"/api/v4/projects/{project}",
        f"/api/v4/projects/{live.project_path.replace('/', '%2F')}",
        f"/api/v4/projects/{project}/repository/tree",
        f"/api/v4/projects/{project}/repository/files/README.md/raw?ref=main",
        f"/api/v4/projects/{project}/pipelines/{run['ci_pipeline_id']}",
        f"/api/v4/projects/{project}/jobs/{step_of_run['ci_job_id']}/trace",
        f"/api/v4/projects/{project}/members",
        f"/api/v1/runs/{run['id']}",
        f"/api/v1/runs/{run['id']}/events",
        f"/api/v1/runs/{run['id']}/steps/learn/log",
        f"/api/v1/runs/{run['id']}/steps/learn/outputs/output_path",
        f"/api/v1/runs/{run['id']}/steps/learn/outputs/output_path/files/model.bin",
        f"/api/v1/projects/{project}/runs",
        f"/api/v1/projects/{project}/experiments",
        f"/api/v1/projects/{project}/datasets",
        f"/api/v1/experiments/{experiment['id']}",
        f"/api/v1/experiments/{experiment['id']}/metrics",
        f"/api/v1/processor-versions/{version}",
    ]


def test_a_stranger_finds_nothing_by_any_id(live_server: Live, secret_run: dict, stranger: str) -> None:
    headers = {"private-token": stranger}
    answers = {
        road: httpx.get(live_server.url + road, headers=headers).status_code for road in roads(live_server, secret_run)
    }
    assert set(answers.values()) == {404}, answers


def test_nobody_logged_in_finds_nothing_either(live_server: Live, secret_run: dict) -> None:
    answers = {road: httpx.get(live_server.url + road).status_code for road in roads(live_server, secret_run)}
    assert set(answers.values()) <= {401, 404}, answers


def test_the_owner_finds_all_of_it(live_server: Live, secret_run: dict) -> None:
    headers = {"private-token": live_server.token}
    for road in roads(live_server, secret_run):
        with httpx.stream("GET", live_server.url + road, headers=headers) as answer:
            assert answer.status_code == 200, road


def test_a_stranger_can_change_nothing(live_server: Live, secret_run: dict, stranger: str) -> None:
    headers, run, project = {"private-token": stranger}, secret_run["id"], secret_run["project_id"]
    for method, road in [
        ("POST", f"/api/v1/runs/{run}/cancel"),
        ("POST", f"/api/v1/runs/{run}/rerun"),
        ("POST", f"/api/v1/projects/{project}/connect"),
        ("DELETE", f"/api/v4/projects/{project}"),
        ("POST", f"/api/v4/projects/{project}/pipeline?ref=main"),
    ]:
        answer = httpx.request(method, live_server.url + road, headers=headers)
        assert answer.status_code == 404, (method, road, answer.text)


def test_a_stranger_can_neither_clone_nor_pull_an_image_nor_take_an_lfs_object(
    live_server: Live, secret_run: dict, stranger: str
) -> None:
    address = live_server.url.replace("://", f"://x:{stranger}@")
    cloned = subprocess.run(
        ["git", "ls-remote", f"{address}/{live_server.project_path}.git"], capture_output=True, text=True, check=False
    )
    assert cloned.returncode != 0
    token = httpx.get(
        f"{live_server.url}/jwt/auth",
        params={"service": "container_registry", "scope": "repository:lab/code-learn/learn:pull"},
        auth=("x", stranger),
    ).json()["token"]
    pulled = httpx.get(
        f"{live_server.url}/v2/lab/code-learn/learn/tags/list", headers={"authorization": f"Bearer {token}"}
    )
    assert pulled.status_code == 401
    files = list(live_server.reef.outputs(secret_run["id"], "learn", "output_path"))
    batch = {"operation": "download", "objects": [{"oid": files[0]["oid"], "size": files[0]["size"]}]}
    asked = httpx.post(
        f"{live_server.url}/{live_server.project_path}.git/info/lfs/objects/batch",
        json=batch,
        auth=("x", stranger),
        headers={"accept": "application/vnd.git-lfs+json", "content-type": "application/vnd.git-lfs+json"},
    )
    assert asked.status_code == 404
