"""One pipeline through the whole protocol, and what is told of it."""

from __future__ import annotations

from ci_world import World

CONFIG = """
stages: [prepare, train]
prepare: {stage: prepare, script: [echo hi]}
train: {stage: train, script: [python train.py], tags: [cpu-small]}
"""


async def test_a_pipeline_runs_from_request_to_success(ci: World):
    runner = await ci.runner(tags=["cpu-small"])
    assert (await runner.verify()).json()["token"] == runner.token
    pipeline = await ci.start(CONFIG)
    assert pipeline["status"] == "pending"
    job = await runner.take()
    assert job.response["job_info"]["name"] == "prepare"
    assert (await job.acknowledge()).status_code == 200
    assert (await job.write("hello\n")).headers["Range"] == "0-6"
    assert (await job.write("world\n")).status_code == 202
    assert (await job.finish()).status_code == 200
    assert await ci.statuses(pipeline["id"]) == {"prepare": "success", "train": "pending"}
    second = await runner.take()
    assert (await second.finish()).status_code == 200
    assert (await ci.get(f"/pipelines/{pipeline['id']}"))["status"] == "success"
    trace = await ci.client.get(f"/api/v4/projects/7/jobs/{job.id}/trace")
    assert trace.text == "hello\nworld\n"
    assert ci.git.kept == [(7, pipeline["id"], "a" * 40)]
