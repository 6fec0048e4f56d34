"""Runs through the service's HTTP interface, with a fake forge and jobs that authenticate as the forge makes them."""

from __future__ import annotations

import hashlib

import pytest
import yaml
from stage import Stage, publish, serve_lfs


@pytest.fixture
async def stage(forge, client, state):
    ada, stranger = forge.add_user("ada"), forge.add_user("eve")
    data = forge.add_project("group/data", members={"ada": 40}, files={"train/a.png": "a", "readme.md": "hi"})
    code = forge.add_project("group/code", members={"ada": 40})
    made = Stage(forge, client, state, data, code, ada, stranger)
    for name, kind in (("train", "algorithm"), ("augment", "operation"), ("plot", "visualization")):
        await publish(state, code, name, kind)
    return made


async def test_an_experiment_from_start_to_comparison(stage):
    run = await stage.start(stage.step(parameters={"rotate": -3}))
    assert (run["status"], run["number"], run["created_by"]["username"]) == ("queued", 1, "ada")
    job = stage.job(run, "train")
    spec = await job.call("GET")
    assert spec["command"] == ["python3", "/mlreef/code/train.py"]
    assert spec["arguments"] == [{"name": "rotate", "flag": None, "value": "--rotate=-3"}]
    assert spec["inputs"][0]["source"]["commit"] == stage.data.head
    assert spec["limits"] == {"timeout_s": 3600, "memory_bytes": 2 << 30, "cpus": 1.0}
    points = [{"key": "loss", "value": 1 / (step + 1), "step": step, "time_ms": step} for step in range(100)]
    assert await job.call("POST", "/metrics", json={"points": points, "sequence": 1}) == {"accepted": True}
    await job.call("POST", "/params", json={"params": {"seed": 7}})
    await job.call("POST", "/resources", json={"samples": [{"time_ms": 1, "cpu_percent": 5}]})
    await job.output()
    used = {"cpu_s": 2.5, "peak_memory_bytes": 1000, "read_bytes": 0}
    done = await job.result(exit_code=0, model={"format": "pickle"}, usage=used)
    assert done == {"status": "success", "reason": None}
    await job.ends()
    ended = await stage.run(run)
    assert (ended["status"], ended["jobs_started"], ended["steps"][0]["duration_s"]) == ("success", 1, 9.0)
    listed = await stage.get(f"/api/v1/projects/{stage.data.id}/experiments?sort=-metric:loss")
    found = listed["items"][0]
    assert found["metrics"]["loss"]["last"] == 0.01
    assert found["parameters"] == {"rotate": -3, "seed": "7"}
    assert found["model"]["files"] == 1
    curves = await stage.get(f"/api/v1/experiments/{found['id']}/metrics?points=10")
    assert curves["keys"]["loss"]["values"][0] == 1.0
    resources = await stage.get(f"/api/v1/experiments/{found['id']}/resources")
    assert resources["keys"]["cpu_percent"]["values"] == [5.0]
    compared = await stage.get(f"/api/v1/experiments/compare?ids={found['id']}")
    assert [one["name"] for one in compared["metrics"]] == ["loss"]
    usage = await stage.get(f"/api/v1/usage?project_id={stage.data.id}")
    assert [(one["seconds"], one["run_id"]) for one in usage["items"]] == [(9.0, run["id"])]
    measured = {**used, "written_bytes": None, "gpu_s": None}
    assert {name: usage["items"][0][name] for name in measured} == measured


async def test_the_forge_is_told_what_to_run_under_a_capability(stage):
    run = await stage.start(stage.step("augment"), stage.step("plot", after="augment"), kind="visualization")
    asked = stage.forge.pipelines[run["ci_pipeline_id"]]
    assert (asked["user"], asked["ref"]) == ("ada", "main")
    answer = await stage.client().get(f"/api/v1/ci/runs/{asked['variables']['MLREEF_CONFIG']}.yml")
    document = yaml.safe_load(answer.text)
    assert document["plot"]["needs"] == ["augment"]
    assert document["augment"]["variables"]["MLREEF_EPF_SHA256"] == hashlib.sha256(b"the framework").hexdigest()
    assert (await stage.client().get("/api/v1/ci/runs/mlrcfg-guessed.yml")).status_code == 404


async def test_a_data_operation_ends_as_a_commit_by_the_service(stage):
    run = await stage.start(stage.step("augment"), kind="dataops")
    await stage.job(run, "augment").succeeds({"x.png": "1", "y/z.png": "2"})
    ended = await stage.ended(run)
    assert ended["status"] == "success"
    assert ended["dataset"]["branch"] == "dataset/clean-1"
    files = stage.data.snapshots[ended["dataset"]["commit"]]
    assert sorted(files) == ["clean/.gitattributes", "clean/x.png", "clean/y/z.png", "readme.md", "train/a.png"]
    assert f"MLReef-Run: {run['id']}" in stage.data.messages[ended["dataset"]["commit"]]
    listed = await stage.get(f"/api/v1/projects/{stage.data.id}/datasets")
    assert listed["items"][0]["dataset"]["commit"] == ended["dataset"]["commit"]


async def test_the_same_again_starts_no_job(stage):
    first = await stage.start(stage.step("augment"), kind="dataops")
    await stage.job(first, "augment").succeeds()
    original = await stage.ended(first)
    before = len(stage.forge.pipelines)
    again = await stage.start(stage.step("augment"), kind="dataops")
    ended = await stage.ended(again)
    assert (ended["status"], ended["cached_steps"], ended["ci_pipeline_id"]) == ("success", 1, None)
    assert ended["dataset"] == original["dataset"]
    assert len(stage.forge.pipelines) == before


async def test_validation_tells_every_fault_and_what_a_run_would_do(stage):
    url = f"/api/v1/projects/{stage.data.id}/pipelines/validate"
    bad = stage.definition(stage.step(parameters={"rotate": "x"}, machine="tpu"))
    found = await stage.post(url, {"definition": bad}, status=200)
    assert {one["field"] for one in found["errors"]} == {"steps[0].parameters.rotate", "steps[0].machine"}
    good = await stage.post(url, {"definition": stage.definition(stage.step())}, status=200)
    assert good["valid"]
    assert (good["plan"][0]["cached"], good["plan"][0]["machine"]) == (False, "cpu-small")
    assert good["plan"][0]["price_forecast"]["at_most"] == 0.05
    refused = await stage.post(f"/api/v1/projects/{stage.data.id}/runs", {"definition": bad}, status=400)
    assert len(refused["error"]["details"]) == 2


async def test_a_definition_may_come_as_yaml_and_be_saved(stage):
    text = yaml.safe_dump(stage.definition(stage.step(parameters={"rotate": 5})))
    saved = await stage.post(f"/api/v1/projects/{stage.data.id}/pipelines", {"definition": text}, status=201)
    run = await stage.post(f"/api/v1/projects/{stage.data.id}/runs", {"pipeline_id": saved["id"]}, status=201)
    assert run["steps"][0]["parameters"] == {"rotate": 5}
    answer = await stage.client(stage.ada).get(f"/api/v1/pipelines/{saved['id']}.mlreef.yaml")
    assert yaml.safe_load(answer.text) == saved["definition"]


async def test_a_rerun_uses_the_same_commit_though_the_branch_moved(stage):
    first = await stage.start(stage.step())
    stage.data.commit("main", {"train/b.png": b"b"}, "second")
    again = await stage.post(f"/api/v1/runs/{first['id']}/rerun", {"use_cache": False}, status=201)
    assert again["steps"][0]["inputs"]["input"]["commit"] == first["steps"][0]["inputs"]["input"]["commit"]
    assert again["rerun_of"] == first["id"]


async def test_canceling_tells_the_forge(stage):
    run = await stage.start(stage.step())
    canceled = await stage.post(f"/api/v1/runs/{run['id']}/cancel", status=200)
    assert canceled["cancel_requested"]
    assert stage.forge.pipelines[run["ci_pipeline_id"]]["status"] == "canceled"


async def test_a_refused_ci_pipeline_ends_the_run_with_the_forge_s_reason(stage):
    stage.forge.failing["POST /api/v4/projects/101/pipeline"] = 400
    run = await stage.start(stage.step())
    assert run["status"] == "failed"
    assert "failing on purpose" in run["reason"]


async def test_an_unknown_answer_leaves_the_run_to_reconciliation(stage):
    stage.forge.failing["POST /api/v4/projects/101/pipeline"] = 503
    run = await stage.start(stage.step())
    assert (run["status"], run["ci_pipeline_id"]) == ("created", None)


async def test_strangers_find_nothing_anywhere(stage):
    run = await stage.start(stage.step())
    await stage.job(run, "train").succeeds()
    experiment = (await stage.get(f"/api/v1/projects/{stage.data.id}/experiments"))["items"][0]["id"]
    pid = stage.data.id
    reads = [
        f"/runs/{run['id']}",
        f"/runs/{run['id']}/events",
        f"/runs/{run['id']}/steps/train/log",
        f"/runs/{run['id']}/steps/train/outputs/output",
        f"/runs/{run['id']}/steps/train/outputs/output/files/model.bin",
        f"/experiments/{experiment}",
        f"/experiments/{experiment}/metrics",
        f"/experiments/{experiment}/resources",
        f"/experiments/compare?ids={experiment}",
        *(f"/projects/{pid}/{what}" for what in ("runs", "pipelines", "experiments", "visualizations", "datasets")),
        f"/usage?project_id={pid}",
    ]
    for path in reads:
        await stage.get(f"/api/v1{path}", user="stranger", status=404)
    definition = {"definition": stage.definition(stage.step())}
    for path in (f"/projects/{pid}/runs", f"/projects/{pid}/pipelines", f"/projects/{pid}/pipelines/validate"):
        await stage.post(f"/api/v1{path}", definition, user="stranger", status=404)
    for verb in ("cancel", "rerun"):
        hidden = await stage.post(f"/api/v1/runs/{run['id']}/{verb}", user="stranger", status=404)
        absent = await stage.post(f"/api/v1/runs/run_none/{verb}", user="stranger", status=404)
        assert hidden == absent
        await stage.post(f"/api/v1/runs/{run['id']}/{verb}", user=None, status=401)
        await stage.post(f"/api/v1/runs/run_none/{verb}", user=None, status=401)


async def test_a_processor_one_may_not_see_is_not_there(stage):
    stage.data.members["eve"] = 30
    body = {"definition": stage.definition(stage.step())}
    refused = await stage.post(f"/api/v1/projects/{stage.data.id}/runs", body, user="stranger", status=400)
    assert refused["error"]["details"][0]["field"] == "steps[0].processor"


async def test_a_job_reads_only_manifests_of_its_own_inputs(stage):
    run = await stage.start(stage.step("augment"), stage.step("train", after="augment"))
    first = stage.job(run, "augment")
    await first.succeeds({"secret.txt": "1"})
    digest = (await stage.run(run))["steps"][0]["outputs"][0]["digest"]
    second = stage.job(run, "train")
    spec = await second.call("GET")
    source = spec["inputs"][0]["source"]
    assert (source["type"], source["digest"], source["step"]) == ("manifest", digest, "augment")
    assert source["manifest"]["entries"][0]["path"] == "secret.txt"
    assert (await second.call("GET", f"/manifests/{digest}"))["entries"][0]["path"] == "secret.txt"
    other = await stage.start(stage.step("train", parameters={"rotate": 9}))
    await stage.job(other, "train").call("GET", f"/manifests/{digest}", status=404)


async def test_small_outputs_travel_with_the_result(stage):
    run = await stage.start(stage.step())
    job = stage.job(run, "train")
    await job.call("GET")
    entries = [{"path": "a.txt", "size": 1, "oid": "0" * 64, "mode": "100644"}]
    done = {"status": "success", "outputs": {"output": {"version": 1, "entries": entries}}}
    assert (await job.call("PUT", "/result", json=done))["status"] == "success"
    assert (await stage.run(run))["steps"][0]["outputs"][0]["files"] == 1


@pytest.mark.parametrize(("name", "path"), [("output", "../a.txt"), ("output", "a\\b"), ("other", "a.txt")])
async def test_an_output_that_cannot_be_kept_fails_the_step_and_says_why(stage, name, path):
    run = await stage.start(stage.step())
    job = stage.job(run, "train")
    await job.call("GET")
    entries = [{"path": path, "size": 1, "oid": "0" * 64, "mode": "100644"}]
    done = {"status": "success", "outputs": {name: {"version": 1, "entries": entries}}}
    assert await job.call("PUT", "/result", json=done) == {"status": "failed", "reason": "epf_error"}


async def test_a_job_of_another_pipeline_has_no_work_here(stage):
    run = await stage.start(stage.step())
    job_id = stage.forge.add_job(run["ci_pipeline_id"], "intruder")
    token = stage.forge.id_token(run["ci_pipeline_id"], job_id)
    answer = await stage.client(job=token).get("/api/v1/jobs/current")
    assert answer.status_code == 404


async def test_the_live_stream_begins_with_the_run(stage):
    run = await stage.start(stage.step())
    await stage.job(run, "train").succeeds()
    answer = await stage.client(stage.ada).get(f"/api/v1/runs/{run['id']}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.startswith("event: run\n")
    assert answer.text.endswith("event: end\ndata: {}\n\n")


async def test_logs_are_read_from_an_offset(stage):
    run = await stage.start(stage.step())
    job = stage.job(run, "train")
    await job.call("GET")
    stage.forge.traces[job.id] = b"one\ntwo\n"
    answer = await stage.client(stage.ada).get(f"/api/v1/runs/{run['id']}/steps/train/log?offset=4")
    assert (answer.text, answer.headers["x-log-offset"]) == ("two\n", "8")


async def test_pictures_of_visualizations_are_listed(stage):
    run = await stage.start(stage.step("plot"), kind="visualization")
    await stage.job(run, "plot").succeeds({"tsne.png": "p", "notes.bin": "x"})
    listed = await stage.get(f"/api/v1/projects/{stage.data.id}/visualizations")
    assert [(one["path"], one["kind"]) for one in listed["items"][0]["files"]] == [("tsne.png", "picture")]
    entries = await stage.get(f"/api/v1/runs/{run['id']}/steps/plot/outputs/output")
    assert entries["total"] == 2


@pytest.mark.parametrize(
    ("name", "query", "media_type", "disposition"),
    [
        ("page.html", "", "application/octet-stream", "attachment"),
        ("page.html", "?inline=1", "application/octet-stream", "attachment"),
        ("pic.svg", "?inline=1", "application/octet-stream", "attachment"),
        ("pic.png", "?inline=1", "image/png", "inline"),
        ("pic.png", "", "application/octet-stream", "attachment"),
    ],
)
async def test_output_files_can_do_no_harm(stage, name, query, media_type, disposition):
    serve_lfs(stage.forge, [b"content"])
    run = await stage.start(stage.step("plot"), kind="visualization")
    await stage.job(run, "plot").succeeds({f"a b/{name}": "content"})
    url = f"/api/v1/runs/{run['id']}/steps/plot/outputs/output/files/a%20b/{name}{query}"
    answer = await stage.client(stage.ada).get(url)
    assert (answer.content, answer.headers["content-type"]) == (b"content", media_type)
    assert answer.headers["content-disposition"].startswith(disposition)
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_file_that_the_store_lacks_is_not_found(stage):
    serve_lfs(stage.forge, [])
    run = await stage.start(stage.step("plot"), kind="visualization")
    await stage.job(run, "plot").succeeds({"x.png": "content"})
    await stage.get(f"/api/v1/runs/{run['id']}/steps/plot/outputs/output/files/x.png", status=404)
    await stage.get(f"/api/v1/runs/{run['id']}/steps/plot/outputs/output/files/../x.png", status=404)


@pytest.mark.parametrize("body", [b"", b"[1", b'{"definition": 1}', b'{"definition": {"a": NaN}}', b'{"x": 1}'])
async def test_hostile_bodies_are_refused(stage, body):
    for path in ("runs", "pipelines"):
        headers = {"content-type": "application/json"}
        url = f"/api/v1/projects/{stage.data.id}/{path}"
        answer = await stage.client(stage.ada).post(url, content=body, headers=headers)
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["message"]


async def test_values_that_json_cannot_carry_are_named(stage):
    definition = stage.definition(stage.step(parameters={"rotate": 0}))
    text = yaml.safe_dump(definition).replace("rotate: 0", "rotate: !!binary aGk=")
    refused = await stage.post(f"/api/v1/projects/{stage.data.id}/pipelines", {"definition": text}, status=400)
    assert refused["error"]["details"][0]["field"] == "steps[0].parameters.rotate"


async def test_results_with_anything_in_them_are_taken(stage):
    run = await stage.start(stage.step())
    job = stage.job(run, "train")
    await job.call("GET")
    await job.call("PUT", "/result", status=400, json={"status": "great"})
    hostile = {"status": "failed", "reason": "exit_code", "exit_code": 3, "message": "\x00" + "x" * 10_000}
    await job.call("PUT", "/result", json={**hostile, "unknown": 1})
    await job.ends("failed", reason="script_failure")
    step = (await stage.run(run))["steps"][0]
    assert (step["reason"], step["exit_code"], len(step["message"])) == ("exit_code", 3, 4000)
