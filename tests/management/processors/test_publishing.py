"""Publication from end to end: order, CI pipeline, job, immutable version; and every way it can fail."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import yaml
from code_project import Client, Code
from fake_forge import FakeForge

from mlreef.kit.clock import FixedClock
from mlreef.management.processors import background


async def test_a_script_becomes_an_immutable_version(code: Code) -> None:
    done = await code.published()
    assert (done["status"], done["version"]) == ("succeeded", "1.0.0")
    assert done["processor"]["slug"] == "g/code/augment"
    found = (await code.maintainer.get(f"/api/v1/processors/{done['processor']['id']}")).json()
    version = found["latest"]
    assert version["image"] == f"registry.test:5000/g/code/augment@{version['digest']}"
    assert version["commit"] == code.project.head
    assert [one["name"] for one in version["parameters"]] == ["input_path", "output_path", "rotate"]
    assert (version["packages"], version["base_image"].partition("@")[0].rpartition("/")[2]) == (
        ["numpy==2.1"],
        "python-3.11",
    )


async def test_a_processor_is_found_by_slug_and_version_id(code: Code) -> None:
    done = await code.published()
    by_slug = await code.maintainer.get("/api/v1/processors/g/code/augment")
    encoded = await code.maintainer.get("/api/v1/processors/g%2Fcode%2Faugment")
    version = await code.maintainer.get(f"/api/v1/processor-versions/{done['version_id']}")
    assert by_slug.json() == encoded.json()
    assert version.json()["slug"] == "g/code/augment"


async def test_the_ci_pipeline_is_started_with_the_callers_right_and_a_capability(code: Code, client: Client) -> None:
    started = (await code.publish()).json()
    pipeline = code.forge.pipelines[started["pipeline_id"]]
    assert pipeline["user"] == "ada"
    config = await client().get(f"/api/v1/ci/runs/{pipeline['variables']['MLREEF_CONFIG']}.yml")
    job = yaml.safe_load(config.text)["publish"]
    assert job["image"]["name"].startswith("registry.test:5000/mlreef/environments/python-3.11@sha256:")
    assert job["variables"]["MLREEF_NETWORK"] == "package-index"
    assert job["id_tokens"]["MLREEF_ID_TOKEN"]["aud"] == "http://mlreef.test"
    assert "glpat" not in config.text


async def test_the_first_publication_connects_the_project(code: Code) -> None:
    await code.publish()
    assert code.project.members["mlreef-bot"] == 30
    assert code.project.ci_config_path == "http://mlreef.test/api/v1/ci/config.yml"
    assert [one["url"] for one in code.project.hooks] == ["http://mlreef.test/api/v1/hooks/forge"]
    await code.publish()
    assert len(code.project.hooks) == 1


async def test_a_developer_can_publish_only_from_a_connected_project(code: Code, client: Client) -> None:
    dev = code.forge.add_user("dev")
    code.project.members["dev"] = 30
    body = {"ref": "main", "entry": "augment.py", "name": "a", "kind": "operation", "environment": "python-3.11"}
    path = f"/api/v1/projects/{code.project.id}/publications"
    refused = await client(dev).post(path, json=body)
    assert (refused.status_code, "maintainer" in refused.json()["error"]["message"]) == (409, True)
    await code.maintainer.post(f"/api/v1/projects/{code.project.id}/connect")
    assert (await client(dev).post(path, json=body)).status_code == 202


async def test_all_faults_are_told_at_once_and_nothing_is_left_behind(code: Code) -> None:
    code.project.commit("main", {"augment.py": b"import argparse\np = argparse.ArgumentParser()\n"
                                 b"p.add_argument('--data', type=argparse.FileType())\n"}, "bad")  # fmt: skip
    answer = await code.publish(name="Bad Name", environment="fortran", version="1", kind="thing")
    details = answer.json()["error"]["details"]
    assert answer.status_code == 400
    assert {one["field"] for one in details} == {"entry", "name", "kind", "environment", "version"}
    fault = next(one for one in details if one["field"] == "entry")
    assert (fault["location"]["line"], "pathlib.Path" in fault["remedy"]) == (3, True)
    assert not code.forge.pipelines
    listed = await code.maintainer.get(f"/api/v1/projects/{code.project.id}/publications")
    assert listed.json()["total"] == 0


async def test_an_environment_without_an_image_cannot_be_chosen(code: Code) -> None:
    answer = await code.publish(environment="tensorflow-2")
    assert "no image" in answer.json()["error"]["details"][0]["message"]


async def test_of_concurrent_publications_of_one_version_one_wins(code: Code) -> None:
    answers = await asyncio.gather(*(code.publish(version="2.0.0") for _ in range(6)))
    assert sorted(one.status_code for one in answers) == [202, 409, 409, 409, 409, 409]


async def test_versions_count_up_and_a_failed_one_gives_its_number_back(code: Code) -> None:
    assert (await code.published())["version"] == "1.0.0"
    second = (await code.publish()).json()
    _, job = code.job(second)
    await job.put("/api/v1/jobs/current/result", json={"status": "failed", "message": "no wheel for numpi"})
    failed = (await code.maintainer.get(f"/api/v1/publications/{second['id']}")).json()
    assert (failed["status"], failed["reason"]) == ("failed", "no wheel for numpi")
    assert (await code.published())["version"] == "1.0.1"


async def test_latest_is_the_highest_number_not_the_newest_publication(code: Code) -> None:
    await code.published(version="2.0.0")
    await code.published(version="1.5.0")
    found = (await code.maintainer.get("/api/v1/processors/g/code/augment")).json()
    assert (found["latest"]["version"], [one["version"] for one in found["versions"]]) == ("2.0.0", ["2.0.0", "1.5.0"])


async def test_repeated_and_late_reports_change_nothing(code: Code) -> None:
    started = (await code.publish()).json()
    first = await code.build(started)
    _, job = code.job(started)
    again = await job.put("/api/v1/jobs/current/result", json={"status": "failed", "message": "late"})
    assert (first.json()["status"], again.json()["status"]) == ("succeeded", "succeeded")
    assert (await job.get("/api/v1/jobs/current")).status_code == 409


async def test_a_job_cannot_publish_an_image_of_another_place(code: Code) -> None:
    started = (await code.publish()).json()
    _, job = code.job(started)
    digest = "sha256:" + "c" * 64
    body = {"status": "success", "image": f"registry.test:5000/other/place@{digest}", "digest": digest}
    assert (await job.put("/api/v1/jobs/current/result", json=body)).status_code == 400


async def test_a_failed_job_ends_the_publication(code: Code) -> None:
    started = (await code.publish()).json()
    job_id, _ = code.job(started)
    running = await code.hook(code.forge.job_event(job_id, "running"))
    assert running.json() == {"status": "done"}
    state = (await code.maintainer.get(f"/api/v1/publications/{started['id']}")).json()
    assert (state["status"], state["job_id"]) == ("running", job_id)
    await code.hook(code.forge.job_event(job_id, "failed", reason="job_execution_timeout"))
    ended = (await code.maintainer.get(f"/api/v1/publications/{started['id']}")).json()
    assert (ended["status"], "job_execution_timeout" in ended["reason"]) == ("failed", True)


async def test_a_lost_webhook_is_made_up_for(code: Code, state: Any, clock: FixedClock) -> None:
    started = (await code.publish()).json()
    job_id, _ = code.job(started)
    code.forge.jobs[job_id]["status"] = "canceled"
    clock.advance(timedelta(hours=2).total_seconds())
    await background.look_for_lost(state)
    ended = (await code.maintainer.get(f"/api/v1/publications/{started['id']}")).json()
    assert (ended["status"], ended["reason"]) == ("failed", "the job was canceled: see the job's log")


async def test_a_forge_that_refuses_the_pipeline_ends_the_publication(code: Code) -> None:
    code.forge.failing["POST /api/v4/projects/101/pipeline"] = 503
    answer = await code.publish()
    assert (answer.status_code, answer.json()["error"]["kind"]) == (503, "unavailable")
    code.forge.failing.clear()
    assert (await code.publish()).json()["version"] == "1.0.0"


async def test_a_webhook_without_the_projects_secret_is_refused(code: Code, client: Client, forge: FakeForge) -> None:
    started = (await code.publish()).json()
    job_id, _ = code.job(started)
    other = forge.add_project("g/other", members={"ada": 40})
    await code.maintainer.post(f"/api/v1/projects/{other.id}/connect")
    event = forge.job_event(job_id, "failed")
    for token in ("", "hook-secret", other.hooks[0]["token"]):
        answer = await client(**{"x-gitlab-token": token}).post("/api/v1/hooks/forge", json=event)
        assert answer.status_code == 401
    found = (await code.maintainer.get(f"/api/v1/publications/{started['id']}")).json()
    assert found["status"] == "pending"


async def test_a_moved_project_moves_its_processors(code: Code) -> None:
    await code.published()
    code.project.path = "g/elsewhere"
    await code.hook({"object_kind": "push", "project_id": code.project.id,
                     "project": {"id": code.project.id, "path_with_namespace": "g/elsewhere"}})  # fmt: skip
    assert (await code.maintainer.get("/api/v1/processors/g/elsewhere/augment")).status_code == 200


async def test_a_delivery_that_was_acknowledged_is_not_told_twice(code: Code) -> None:
    started = (await code.publish()).json()
    job_id, _ = code.job(started)
    event = code.forge.job_event(job_id, "running")
    assert (await code.hook(event, "k1")).json() == {"status": "done"}
    assert (await code.hook(event, "k1")).json() == {"status": "repeated"}
