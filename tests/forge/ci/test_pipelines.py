"""CI pipelines: how they begin, what starts again, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import jsonschema
import pytest
from ci_world import SHA, World, world

from mlreef.forge.ci.pipelines import background, service
from mlreef.forge.ci.pipelines.pushes import Pushes
from mlreef.forge.repos.events import PushEvent

SCHEMA = json.loads((Path(__file__).parent / "runner_job_response.schema.json").read_text())
ZERO = "0" * 40

EVERYTHING = """
stages: [prepare, run]
variables: {GLOBAL: g}
prepare: {stage: prepare, script: x, artifacts: {paths: [out], reports: {junit: r.xml, dotenv: d.env}}}
step:
  stage: run
  image: {name: "host/img@sha256:1", entrypoint: [""], docker: {user: "1000", platform: linux/amd64}}
  services: [{name: postgres:16, alias: db}]
  before_script: [a]
  script: [b]
  after_script: [c]
  tags: [cpu-small]
  timeout: 3600s
  id_tokens: {MLREEF_ID_TOKEN: {aud: "http://m"}}
  variables: {OWN: o}
  cache: {key: k, paths: [p]}
"""


async def test_the_answer_to_a_request_matches_the_runners_decoder(ci: World):
    await ci.client.post("/api/v4/projects/7/variables", json={"key": "SECRET", "value": "abcdefgh", "masked": True})
    await ci.start(EVERYTHING, GIVEN="given")
    runner = await ci.runner(tags=["cpu-small"])
    first = await runner.take()
    jsonschema.validate(first.response, SCHEMA)
    await first.upload(b"zip", artifact_type="archive")
    await first.finish()
    job = await runner.take()
    jsonschema.validate(job.response, SCHEMA)
    assert [step["script"] for step in job.response["steps"]] == [["a", "b"], ["c"]]
    assert job.response["runner_info"]["timeout"] == 3600
    expected = {"GLOBAL": "g", "OWN": "o", "SECRET": "abcdefgh", "GIVEN": "given", "CI_JOB_TOKEN": job.token}
    expected |= {"CI_PROJECT_PATH": "lab/iris", "CI_COMMIT_SHA": SHA, "CI_COMMIT_BRANCH": "main", "CI": "true"}
    assert {key: job.variables[key] for key in expected} == expected
    assert job.variables["MLREEF_ID_TOKEN"] == f"jwt for http://m job {job.id}"
    assert job.response["git_info"]["repo_url"] == f"http://gitlab-ci-token:{job.token}@forge.test/lab/iris.git"


async def test_protected_variables_stay_with_protected_refs(ci: World):
    await ci.client.post("/api/v4/projects/7/variables", json={"key": "K", "value": "v", "protected": True})
    runner = await ci.runner()
    await ci.start("a: {script: x}", ref="dev")
    assert "K" not in (await runner.take()).variables
    await ci.start("a: {script: x}", ref="main")
    assert (await runner.take()).variables["K"] == "v"


async def test_the_strongest_variable_comes_last(ci: World):
    await ci.client.post("/api/v4/admin/ci/variables", json={"key": "K", "value": "instance"})
    await ci.client.post("/api/v4/projects/7/variables", json={"key": "K", "value": "project"})
    runner = await ci.runner()
    await ci.start("variables: {K: global}\na: {script: x, variables: {K: job}}", K="given")
    job = await runner.take()
    held = [item["value"] for item in job.response["variables"] if item["key"] == "K"]
    assert held == ["job", "instance", "project", "given"]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("a: {script: {}}", "jobs:a:script"),
        ("a: {script: x, rules: [{when: never}]}", "would have been empty"),
        (None, "Missing CI config file"),
    ],
)
async def test_a_pipeline_that_cannot_be_is_refused_with_the_reason(ci: World, config, said):
    if config:
        ci.git.files[7][".gitlab-ci.yml"] = config.encode()
    response = await ci.client.post("/api/v4/projects/7/pipeline", json={"ref": "main"})
    assert response.status_code == 400
    assert said in response.json()["message"]["base"][0]
    assert await ci.get("/pipelines") == []


@pytest.mark.parametrize(
    "body", [{}, {"ref": ["main"]}, {"ref": "nope"}, {"ref": "main", "variables": "x"}, {"ref": {}}]
)
async def test_nonsense_is_refused(ci: World, body):
    ci.git.files[7][".gitlab-ci.yml"] = b"a: {script: x}"
    assert (await ci.client.post("/api/v4/projects/7/pipeline", json=body)).status_code == 400


async def test_a_configuration_may_come_from_an_allowed_address_only(tmp_path):
    def serve(request: httpx.Request) -> httpx.Response:
        return (
            httpx.Response(200, text="step: {script: x}") if request.url.path == "/ci/tok.yml" else httpx.Response(404)
        )

    transport = httpx.MockTransport(serve)
    url = f"sqlite:///{tmp_path}/f.db"
    async with world(url, tmp_path, remote=transport, remote_prefixes=("http://m/ci/",)) as ci:
        config = "include: {remote: '%s'}"
        assert await ci.statuses((await ci.start(config % "http://m/ci/$T.yml", T="tok"))["id"]) == {"step": "pending"}
        for bad in ("http://m/other.yml", "http://m:81/ci/tok.yml", "http://m/ci/../x", "http://u@m/ci/tok.yml"):
            ci.git.files[7][".gitlab-ci.yml"] = (config % bad).encode()
            response = await ci.client.post("/api/v4/projects/7/pipeline", json={"ref": "main"})
            assert "address is not allowed" in response.json()["message"]["base"][0]


async def test_a_failed_job_is_retried_as_often_as_it_says(ci: World):
    pipeline = await ci.start("a: {script: x, retry: 1}")
    runner = await ci.runner()
    first, second = await runner.take(), None
    await first.finish("failed")
    second = await runner.take()
    assert second.id != first.id
    await second.finish("failed")
    assert (await ci.get(f"/pipelines/{pipeline['id']}"))["status"] == "failed"
    assert len(await ci.get(f"/pipelines/{pipeline['id']}/jobs?include_retried=true")) == 2


async def test_retrying_leaves_the_old_rows_as_they_were(ci: World):
    pipeline = await ci.start("stages: [a, b]\none: {stage: a, script: x}\ntwo: {stage: b, script: x}")
    runner = await ci.runner()
    await (await runner.take()).finish("failed")
    assert await ci.statuses(pipeline["id"]) == {"one": "failed", "two": "skipped"}
    retried = await ci.client.post(f"/api/v4/projects/7/pipelines/{pipeline['id']}/retry")
    assert retried.json()["status"] in {"pending", "running"}
    assert await ci.statuses(pipeline["id"]) == {"one": "pending", "two": "created"}
    everything = await ci.get(f"/pipelines/{pipeline['id']}/jobs?include_retried=true")
    assert sorted(job["status"] for job in everything) == ["created", "failed", "pending", "skipped"]
    for _ in range(2):
        await (await runner.take()).finish()
    assert (await ci.get(f"/pipelines/{pipeline['id']}"))["status"] == "success"


async def test_allowed_exit_codes_do_not_fail_the_pipeline(ci: World):
    pipeline = await ci.start("a: {script: x, allow_failure: {exit_codes: [42]}}")
    await (await (await ci.runner()).take()).finish("failed", exit_code=42)
    assert (await ci.get(f"/pipelines/{pipeline['id']}"))["status"] == "success"


async def test_manual_jobs_wait_to_be_played(ci: World):
    pipeline = await ci.start("a: {script: x, rules: [{when: manual}]}")
    assert pipeline["status"] == "manual"
    (job,) = await ci.get(f"/pipelines/{pipeline['id']}/jobs")
    assert (await ci.client.post(f"/api/v4/projects/7/jobs/{job['id']}/play")).json()["status"] == "pending"
    assert (await ci.client.post(f"/api/v4/projects/7/jobs/{job['id']}/play")).status_code == 400


async def test_a_log_and_its_artifacts_can_be_erased_once(ci: World):
    await ci.start("a: {script: x}")
    job = await (await ci.runner()).take()
    await job.write("secret")
    url = f"/api/v4/projects/7/jobs/{job.id}"
    assert (await ci.client.post(f"{url}/erase")).status_code == 403
    await job.finish()
    assert (await ci.client.post(f"{url}/erase")).json()["erased_at"]
    assert (await ci.client.get(f"{url}/trace")).text == ""
    assert (await ci.client.post(f"{url}/erase")).status_code == 403


async def test_lint_shows_all_faults_or_the_jobs(ci: World):
    url = "/api/v4/projects/7/ci/lint"
    bad = (await ci.client.post(url, json={"content": "a: {}\nb: {script: {}}"})).json()
    assert (bad["valid"], len(bad["errors"])) == (False, 2)
    assert (await ci.client.post(url, json={"content": "- x"})).json()["errors"] == ["Invalid configuration format"]
    good = (await ci.client.post(url, json={"content": "a: {script: x}"})).json()
    assert (good["valid"], good["jobs"][0]["name"]) == (True, "a")


async def push(ci: World, *, options: tuple[str, ...] = (), after: str = SHA) -> None:
    pushes = Pushes(ci.ci, ci.db)
    await pushes.note(PushEvent(7, "refs/heads/main", "b" * 40, after, 1, options))
    ci.git.branches["refs/heads/main"] = SHA
    await pushes.work()
    assert await pushes.work() == 0


async def pushed(ci: World) -> list[str]:
    return [item["source"] for item in await ci.get("/pipelines")]


async def test_a_push_starts_a_pipeline_once(ci: World):
    ci.git.files[7][".gitlab-ci.yml"] = b"a: {script: x}"
    await push(ci, options=("ci.variable=K=v",))
    (pipeline,) = await ci.get("/pipelines")
    assert (pipeline["source"], pipeline["sha"]) == ("push", SHA)
    assert (await ci.get(f"/pipelines/{pipeline['id']}/variables"))[0]["value"] == "v"


@pytest.mark.parametrize(
    ("message", "options", "after", "config"),
    [
        ("x [ci skip]", (), SHA, "a: {script: x}"),
        ("x [skip ci]", (), SHA, "a: {script: x}"),
        ("x", ("ci.skip",), SHA, "a: {script: x}"),
        ("x", (), ZERO, "a: {script: x}"),
        ("x", (), SHA, None),
        ("x", (), SHA, "a: {script: x, rules: [{when: never}]}"),
    ],
)
async def test_some_pushes_start_nothing(ci: World, message, options, after, config):
    ci.git.message = message
    if config:
        ci.git.files[7][".gitlab-ci.yml"] = config.encode()
    await push(ci, options=options, after=after)
    assert await pushed(ci) == []


async def test_a_push_with_a_wrong_configuration_leaves_a_failed_pipeline(ci: World):
    ci.git.files[7][".gitlab-ci.yml"] = b"a: {script: {}}"
    await push(ci)
    (pipeline,) = await ci.get("/pipelines")
    shown = await ci.get(f"/pipelines/{pipeline['id']}")
    assert (shown["status"], shown["yaml_errors"].startswith("jobs:a:script")) == ("failed", True)


async def test_rules_see_which_files_a_push_changed(ci: World):
    config = b"a: {script: x, rules: [{changes: ['data/**']}]}\nb: {script: x, rules: [{changes: [nope]}]}"
    ci.git.files[7] |= {".gitlab-ci.yml": config, "data/x.csv": b""}
    await push(ci)
    (pipeline,) = await ci.get("/pipelines")
    assert await ci.statuses(pipeline["id"]) == {"a": "pending"}


async def test_a_pipeline_left_behind_by_a_crash_begins_later(ci: World):
    ci.git.files[7][".gitlab-ci.yml"] = b"a: {script: x}"
    origin, settings = await background.prepare(ci.ci, ci.db, background.Request(7, 1, "main", "api"))
    compiled = await service.compile_for(ci.ci, origin, settings)
    async with ci.db.write() as tx:
        pipeline_id = await service.insert(ci.ci, tx, origin, compiled.plan)
    await background.begin_left_behind(ci.ci, ci.db)
    assert await ci.statuses(pipeline_id) == {"a": "created"}
    ci.clock.advance(31)
    await background.begin_left_behind(ci.ci, ci.db)
    assert await ci.statuses(pipeline_id) == {"a": "pending"}


async def test_lists_are_paged_and_filtered(ci: World):
    for _ in range(3):
        await ci.start("a: {script: x}")
    response = await ci.client.get("/api/v4/projects/7/pipelines?per_page=2&status=pending")
    assert (len(response.json()), response.headers["x-total"], response.headers["x-next-page"]) == (2, "3", "2")
    assert 'rel="next"' in response.headers["link"]
    assert response.headers["link"].startswith("<http://forge.test/api/v4/projects/7/pipelines?")
    assert (await ci.client.get("/api/v4/projects/7/jobs?scope[]=nonsense")).status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"key": "A", "value": "x"}, 201),
        ({"key": "A B", "value": "x"}, 400),
        ({"key": "A"}, 400),
        ({"key": "A", "value": ["x"]}, 400),
        ({"key": "A", "value": "short", "masked": True}, 400),
        ({"key": "A", "value": "long enough!\n", "masked": True}, 400),
        ({"key": "A", "value": "longenough", "masked": True}, 201),
        ({"key": "A", "value": "x", "variable_type": "thing"}, 400),
    ],
)
async def test_variables_are_checked(ci: World, body, status):
    assert (await ci.client.post("/api/v4/projects/7/variables", json=body)).status_code == status


async def test_a_hidden_variable_is_never_shown_again(ci: World):
    body = {"key": "A", "value": "longenough", "masked_and_hidden": True}
    shown = (await ci.client.post("/api/v4/projects/7/variables", json=body)).json()
    assert (shown["value"], shown["hidden"], shown["masked"]) == (None, True, True)
    again = await ci.client.post("/api/v4/projects/7/variables", json=body)
    assert again.json() == {"message": {"key": ["(A) has already been taken"]}}


async def test_runners_are_managed_by_people(ci: World):
    body = {"runner_type": "project_type", "project_id": 7, "tag_list": "a,b", "description": "box"}
    made = (await ci.client.post("/api/v4/user/runners", json=body)).json()
    url = f"/api/v4/runners/{made['id']}"
    assert (await ci.client.get(url)).json()["tag_list"] == ["a", "b"]
    assert (await ci.client.put(url, json={"paused": True})).json()["paused"] is True
    assert [item["id"] for item in await ci.get("/runners")] == [made["id"]]
    token = (await ci.client.post(f"{url}/reset_authentication_token")).json()["token"]
    assert token != made["token"]
    assert (await ci.client.delete("/api/v4/runners", params={"token": made["token"]})).status_code == 403
    assert (await ci.client.delete("/api/v4/runners", params={"token": token})).status_code == 204
    assert (await ci.client.get(url)).status_code == 404


async def test_legacy_registration_is_gone_unless_there_is_a_token(tmp_path, ci: World):
    assert (await ci.client.post("/api/v4/runners", json={"token": "x"})).status_code == 410
    async with world(f"sqlite:///{tmp_path}/g.db", tmp_path, registration_token="reg") as other:
        assert (await other.client.post("/api/v4/runners/", data={"token": "nope"})).status_code == 403
        made = await other.client.post("/api/v4/runners", data={"token": "reg", "tag_list": "a,b"})
        assert (made.status_code, made.json()["token"][:5]) == (201, "glrt-")
