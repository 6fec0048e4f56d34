"""The main job from end to end, through a running server, as a user does it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.live import Live, definition, step

pytestmark = pytest.mark.slow


def ran(live: Live, plan: dict[str, Any]) -> dict[str, Any]:
    reef = live.reef
    return reef.wait_run(reef.start_run(live.project_path, plan)["id"])


def test_chained_operations_make_a_dataset_with_provenance(live_server: Live) -> None:
    first = step("first", "copy", suffix=" one")
    second = step("second", "copy", {"step": "first", "output": "output_path"}, suffix=" two", times=2)
    run = ran(live_server, definition("chain", "dataops", first, second))
    assert run["status"] == "success", run
    dataset = run["dataset"]
    assert dataset["files"] == 10
    project = live_server.reef.forge.projects.get(live_server.project_path)
    commit = project.commits.get(dataset["commit"])
    assert f"MLReef-Run: {run['id']}" in commit.message
    assert "MLReef-Input:" in commit.message
    raw = project.files.raw(file_path=f"{dataset['path']}/0.txt", ref=dataset["branch"], lfs=True)
    assert raw.decode() == "text number 0\n one two"


def test_an_unchanged_pipeline_comes_from_the_cache_without_a_job(live_server: Live) -> None:
    plan = definition("cached", "dataops", step("only", "copy", suffix=" cached"))
    first, again = ran(live_server, plan), ran(live_server, plan)
    assert (first["jobs_started"], first["cached_steps"]) == (1, 0)
    assert (again["jobs_started"], again["cached_steps"], again["status"]) == (0, 1, "success")
    assert again["dataset"]["commit"] == first["dataset"]["commit"]


def test_an_experiment_has_metrics_by_all_three_roads_and_a_model(live_server: Live) -> None:
    run = ran(live_server, definition("learn", "experiment", step("learn", "learn", epochs=4, learning_rate=1e-4)))
    assert run["status"] == "success", run
    found = next(e for e in live_server.reef.experiments(live_server.project_path) if e["run_id"] == run["id"])
    assert found["metrics"]["accuracy"]["count"] == 4
    assert found["metrics"]["loss"]["last"] == pytest.approx(0.25)
    assert found["metrics"]["final_score"]["last"] == pytest.approx(1 - 1e-4 / 4)
    assert found["model"]["files"] >= 1
    curves = live_server.reef.metrics(found["id"])["keys"]
    assert curves["loss"]["steps"] == [1, 2, 3, 4]


def test_two_experiments_are_compared(live_server: Live) -> None:
    ids = []
    for rate in (0.5, -0.25):
        run = ran(live_server, definition("compare", "experiment", step("learn", "learn", learning_rate=rate)))
        found = next(e for e in live_server.reef.experiments(live_server.project_path) if e["run_id"] == run["id"])
        ids.append(found["id"])
    compared = live_server.reef.compare(ids)
    differing = {p["name"] for p in compared["parameters"] if p["differs"]}
    assert "learning_rate" in differing
    assert {"accuracy", "loss"} <= {m["name"] for m in compared["metrics"]}


@pytest.mark.parametrize(
    ("mode", "reason", "code"),
    [("exit", "exit_code", 3), ("silent", "no_output", None), ("memory", "memory_limit", None)],
)
def test_a_failing_processor_is_a_failed_step_with_its_reason(
    live_server: Live, mode: str, reason: str, code: int | None
) -> None:
    bad = step("bad", "trouble", mode=mode)
    after = step("after", "copy", {"step": "bad", "output": "output_path"})
    run = ran(live_server, definition(f"fail-{mode}", "dataops", bad, after))
    states = {s["name"]: s for s in run["steps"]}
    assert run["status"] == "failed", run
    assert (states["bad"]["status"], states["bad"]["reason"]) == ("failed", reason)
    assert states["after"]["status"] == "skipped"
    if code is not None:
        assert states["bad"]["exit_code"] == code
        assert "last words before the end" in live_server.reef.log(run["id"], "bad")
    assert f"first line of {mode}" in live_server.reef.log(run["id"], "bad")


def test_a_processor_past_its_timeout_is_stopped(live_server: Live) -> None:
    run = ran(live_server, definition("slow", "dataops", {**step("slow", "trouble", mode="sleep"), "timeout": 3}))
    assert (run["status"], run["steps"][0]["reason"]) == ("failed", "timeout")


def test_a_run_can_be_canceled(live_server: Live) -> None:
    reef = live_server.reef
    run = reef.start_run(live_server.project_path, definition("stop", "dataops", step("long", "trouble", mode="sleep")))
    for event in reef.watch(run["id"]):
        states = [event.data] if event.name == "step" else event.data.get("steps", [])
        if any(item.get("status") == "running" for item in states if isinstance(item, dict)):
            break
    reef.cancel(run["id"])
    ended = reef.wait_run(run["id"])
    assert (ended["status"], ended["steps"][0]["status"]) == ("canceled", "canceled")


@pytest.mark.parametrize(
    "text", ['"; rm -rf ~ #', "$(id)", "two\nlines\n", "Grüße 🐠 文字", "x" * 10_000, "--flag", "'\"\\"]
)
def test_values_reach_the_program_verbatim(live_server: Live, text: str) -> None:
    run = ran(live_server, definition("verbatim", "dataops", step("echo", "arguments", text=text, number=-1e-4)))
    assert run["status"] == "success", run
    project = live_server.reef.forge.projects.get(live_server.project_path)
    place = f"{run['dataset']['path']}/arguments.json"
    found = json.loads(project.files.raw(file_path=place, ref=run["dataset"]["branch"], lfs=True))
    assert found == {"text": text, "number": -1e-4, "flag": False, "secrets": []}


def test_all_faults_of_a_definition_are_told_at_once(live_server: Live) -> None:
    plan = definition(
        "wrong",
        "dataops",
        {**step("a", "copy", {"branch": "main", "path": "nowhere"}, times="many", colour="red"), "machine": "huge"},
        step("b", "copy", {"step": "b", "output": "output_path"}),
    )
    answer = live_server.reef.validate(live_server.project_path, plan)
    fields = {error["field"] for error in answer["errors"]}
    assert not answer["valid"]
    assert {"steps[0].parameters.times", "steps[0].parameters.colour", "steps[0].machine"} <= fields
    assert len(fields) >= 5


def test_usage_is_recorded_per_job(live_server: Live) -> None:
    run = ran(live_server, definition("metered", "dataops", step("work", "copy", suffix=" metered")))
    records = [r for r in live_server.reef.usage(live_server.project_path) if r["run_id"] == run["id"]]
    assert len(records) == 1
    assert records[0]["machine_class"] == "cpu-small"
    assert records[0]["seconds"] > 0
    assert 0 < records[0]["cpu_s"] < 10
    assert 1 << 20 < records[0]["peak_memory_bytes"] < 1 << 30
    assert records[0]["gpu_s"] is None
