"""Runs from start to their true end, against a world in memory."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from world import PROJECT, pipeline, processor, step

from mlreef.kit.errors import PlatformError
from mlreef.kit.paging import Page
from mlreef.management.runs import progress, store
from mlreef.management.runs.upkeep import PipelineNews
from mlreef.management.usage import store as usage_store

CHAIN = pipeline(step("augment", rotate=10), step("crop", after="augment"))
TRAIN = pipeline(step("train", "g/train/train@1.0.0"), kind="experiment")


async def states(world, run_id):
    view = await world.view(run_id)
    return view.run.status.value, {one.name: one.status.value for one in view.steps}


async def test_a_chain_runs_and_its_dataset_is_committed(world):
    run_id = await world.start(CHAIN)
    assert await states(world, run_id) == ("created", {"augment": "queued", "crop": "waiting"})
    await world.accepted(run_id)
    await world.succeeds(run_id, "augment", {"a.png": "1"})
    assert (await states(world, run_id))[0] == "running"
    spec = await world.works(run_id, "crop", files={"b.png": "2", "c/d.png": "3"})
    assert spec["inputs"][0]["source"]["step"] == "augment"
    await world.hears(run_id, "crop", "success")
    assert (await states(world, run_id))[0] == "finishing"
    await world.upkeep.finish()
    run = (await world.view(run_id)).run
    assert (run.status, run.dataset_files, run.target_branch, run.target_path) == (
        *("success", 2),
        *("dataset/clean-1", "clean"),
    )
    files, message = world.branches.commits[run.dataset_commit]
    assert {"train/x.png", "clean/b.png", "clean/c/d.png", "clean/.gitattributes"} == set(files)
    assert f"MLReef-Run: {run_id}" in message
    assert f"MLReef-Input: {'c' * 40} train" in message
    assert "oid sha256:" in files["clean/b.png"][1]


async def test_the_specification_holds_everything_the_job_needs(world):
    run_id = await world.start(CHAIN)
    await world.accepted(run_id)
    spec = await world.works(run_id, "augment")
    assert spec["command"] == ["python3", "augment.py"]
    assert spec["arguments"] == [{"name": "rotate", "flag": "--rotate", "value": "10"}]
    assert spec["inputs"][0]["source"] == {
        "type": "git",
        "project_id": PROJECT,
        "commit": "c" * 40,
        "path": "train",
        "object_type": "tree",
    }
    assert spec["outputs"] == [{"name": "output", "flag": "--output"}]
    assert spec["forge"]["lfs_url"] == "http://forge/g/data.git/info/lfs"


async def test_the_same_run_again_needs_no_job(world):
    first = await world.start(CHAIN)
    await world.accepted(first)
    await world.succeeds(first, "augment")
    await world.succeeds(first, "crop")
    await world.upkeep.finish()
    again = await world.start(CHAIN)
    view = await world.view(again)
    assert (view.run.status, view.run.cached_steps, view.run.jobs_started) == ("finishing", 2, 0)
    assert [one.cache_reason for one in view.steps] == [
        'same as step "augment" of run #1',
        'same as step "crop" of run #1',
    ]
    commits = len(world.branches.commits)
    await world.upkeep.finish()
    one, two = (await world.view(first)).run, (await world.view(again)).run
    assert (two.status, two.dataset_commit, two.target_branch) == ("success", one.dataset_commit, "dataset/clean-1")
    assert len(world.branches.commits) == commits


async def test_a_default_written_out_is_the_same_step(world):
    first = await world.start(pipeline(step("train", "g/train/train@1.0.0"), kind="experiment"))
    await world.accepted(first)
    await world.succeeds(first, "train")
    again = await world.start(pipeline(step("train", "g/train/train@1.0.0", rotate=0), kind="experiment"))
    assert (await states(world, again)) == ("success", {"train": "cached"})


async def test_a_change_below_runs_only_what_depends_on_it_and_says_why(world):
    first = await world.start(CHAIN)
    await world.accepted(first)
    await world.succeeds(first, "augment")
    await world.succeeds(first, "crop")
    changed = pipeline(step("augment", rotate=10), step("crop", after="augment", rotate=5))
    view = await world.view(await world.start(changed))
    assert [one.status for one in view.steps] == ["cached", "waiting"]
    assert view.steps[1].cache_reason == "changed since its last success: parameter rotate"


async def test_equal_output_of_a_changed_step_cuts_the_rest_off_early(world):
    first = await world.start(CHAIN)
    await world.accepted(first)
    await world.succeeds(first, "augment", {"same.txt": "x"})
    await world.succeeds(first, "crop")
    second = await world.start(pipeline(step("augment", rotate=20), step("crop", after="augment")))
    await world.accepted(second)
    await world.succeeds(second, "augment", {"same.txt": "x"})
    spec = await world.works(second, "crop")
    assert set(spec["cached"]["outputs"]) == {"output"}
    await world.hears(second, "crop", "success")
    view = await world.view(second)
    assert [one.status for one in view.steps] == ["success", "cached"]
    assert view.run.cached_steps == 1


async def test_without_the_cache_everything_runs(world):
    first = await world.start(TRAIN)
    await world.accepted(first)
    await world.succeeds(first, "train")
    again = await world.start(TRAIN, use_cache=False)
    assert (await states(world, again))[1] == {"train": "queued"}


@pytest.mark.parametrize(
    ("result", "job", "job_reason", "reason", "message"),
    [
        ({"status": "failed", "reason": "exit_code", "exit_code": 3}, "failed", "script_failure", "exit_code", None),
        ({"status": "failed", "reason": "timeout", "exit_code": None}, "failed", "script_failure", "timeout", None),
        (None, "failed", "runner_system_failure", "runner_system_failure", None),
        (None, "failed", "job_execution_timeout", "timeout", None),
        (None, "failed", "script_failure", "no_result", None),
        (None, "success", None, "no_result", "without reporting a result"),
        ({"status": "success"}, "failed", "script_failure", "job_failed", "but its job failed"),
        ({"status": "failed", "reason": "exit_code", "exit_code": 1}, "success", None, "exit_code", None),
    ],
)
async def test_whatever_is_no_success_fails_with_its_reason(world, result, job, job_reason, reason, message):
    run_id = await world.start(CHAIN)
    await world.accepted(run_id)
    await world.hears(run_id, "augment", "running")
    if result is not None:
        await world.works(run_id, "augment", result=result)
    await world.hears(run_id, "augment", job, job_reason)
    view = await world.view(run_id)
    assert (view.run.status, view.steps[0].status, view.steps[0].reason) == ("failed", "failed", reason)
    assert view.steps[1].status == "skipped"
    assert view.steps[1].message == 'step "augment" failed'
    assert message is None or message in view.steps[0].message


async def test_an_exit_code_is_the_run_s_reason(world):
    run_id = await world.start(TRAIN)
    await world.accepted(run_id)
    await world.works(run_id, "train", result={"status": "failed", "reason": "exit_code", "exit_code": 3})
    await world.hears(run_id, "train", "failed", "script_failure")
    view = await world.view(run_id)
    assert (view.run.reason, view.steps[0].exit_code) == ('step "train" failed: exit code 3', 3)


async def test_success_without_output_is_a_failure(world):
    run_id = await world.start(TRAIN)
    await world.accepted(run_id)
    await world.works(run_id, "train", files=False)
    await world.hears(run_id, "train", "success")
    view = await world.view(run_id)
    assert (view.run.status, view.run.reason) == ("failed", 'step "train" failed: no output')


async def test_failures_never_enter_the_cache(world):
    run_id = await world.start(TRAIN)
    await world.accepted(run_id)
    await world.works(run_id, "train")
    await world.hears(run_id, "train", "failed", "script_failure")
    again = await world.view(await world.start(TRAIN))
    assert again.steps[0].status == "queued"


async def test_events_in_any_order_and_number_give_the_same_end(world):
    for seed in range(12):
        run_id = await world.start(CHAIN, use_cache=False)
        await world.accepted(run_id)
        await world.works(run_id, "augment")
        events = [("augment", status) for status in ("created", "pending", "running", "success")] * 2
        events += [("crop", "created"), ("crop", "pending")]
        random.Random(seed).shuffle(events)
        for name, status in events:
            await world.hears(run_id, name, status)
        await world.works(run_id, "crop")
        for status in ("success", "running", "failed", "pending", "success", "canceled"):
            await world.hears(run_id, "crop", status)
        assert await states(world, run_id) == ("finishing", {"augment": "success", "crop": "success"})


async def test_late_and_repeated_reports_change_nothing(world):
    run_id = await world.start(TRAIN)
    await world.accepted(run_id)
    await world.succeeds(run_id, "train", {"m.bin": "1"})
    before = await world.view(run_id)
    answer = await world.reports(run_id, "train", files={"m.bin": "2"}, result={"status": "success"})
    assert answer == {"status": "success", "reason": None}
    assert await world.reports(run_id, "train", result={"status": "failed", "reason": "killed"}) == answer
    after = await world.view(run_id)
    assert (after.outputs, after.steps) == (before.outputs, before.steps)
    with pytest.raises(PlatformError, match="has ended as success"):
        await world.works(run_id, "train")


async def test_a_lost_webhook_is_repaired_by_asking(world):
    run_id = await world.start(TRAIN)
    pipeline_id = await world.accepted(run_id)
    await world.works(run_id, "train")
    world.ci.pipelines[pipeline_id] = PipelineNews("success", [world.news(run_id, "train", "success")])
    await world.upkeep.reconcile()
    assert await states(world, run_id) == ("success", {"train": "success"})


async def test_a_vanished_ci_pipeline_fails_the_run(world):
    run_id = await world.start(TRAIN)
    await world.accepted(run_id)
    await world.upkeep.reconcile()
    assert (await world.view(run_id)).run.reason == "its CI pipeline is gone"


async def test_a_ci_pipeline_that_ends_without_a_job_fails_the_run(world):
    run_id = await world.start(TRAIN)
    pipeline_id = await world.accepted(run_id)
    world.ci.pipelines[pipeline_id] = PipelineNews("failed", [])
    await world.upkeep.reconcile()
    assert await states(world, run_id) == ("failed", {"train": "skipped"})


async def test_a_start_cut_off_adopts_the_ci_pipeline_it_had_made(world):
    run_id = await world.start(TRAIN)
    world.ci.started[run_id] = 555
    await world.upkeep.reconcile()
    assert (await world.view(run_id)).run.ci_pipeline_id is None
    world.clock.advance(10)
    await world.upkeep.reconcile()
    run = (await world.view(run_id)).run
    assert (run.status, run.ci_pipeline_id) == ("queued", 555)


async def test_a_start_that_never_reached_the_forge_fails(world):
    run_id = await world.start(TRAIN)
    world.clock.advance(timedelta(minutes=6).total_seconds())
    await world.upkeep.reconcile()
    assert (await world.view(run_id)).run.reason == "the forge did not create its CI pipeline"


async def test_a_dataset_is_committed_once_though_the_answer_was_lost(world):
    run_id = await world.start(pipeline())
    await world.accepted(run_id)
    await world.succeeds(run_id, "augment")
    world.branches.lost_answers = 1
    await world.upkeep.finish()
    assert (await states(world, run_id))[0] == "finishing"
    await world.upkeep.finish()
    run = (await world.view(run_id)).run
    assert (run.status, run.dataset_commit) == ("success", world.branches.heads["dataset/clean-1"])
    assert len(world.branches.commits) == 2


async def test_a_dataset_replaces_what_its_target_held(world):
    run_id = await world.start(pipeline(target={"branch": "main", "path": "train"}))
    await world.accepted(run_id)
    await world.succeeds(run_id, "augment", {"y.png": "1"})
    await world.upkeep.finish()
    files, _message = world.branches.commits[world.branches.heads["main"]]
    assert set(files) == {"train/y.png", "train/.gitattributes"}


async def cancel(world, run_id):
    async with world.db.write() as tx:
        view = await store.get_view(tx, run_id, lock=True)
        return await progress.canceled(tx, view, now=world.clock.now(), by="ada")


async def test_canceling_ends_with_what_the_jobs_do(world):
    run_id = await world.start(CHAIN)
    pipeline_id = await world.accepted(run_id)
    await world.hears(run_id, "augment", "running")
    assert await cancel(world, run_id)
    world.ci.pipelines[pipeline_id] = PipelineNews("running", [world.news(run_id, "augment", "canceled")])
    await world.upkeep.reconcile()
    assert world.ci.canceled == [pipeline_id]
    assert await states(world, run_id) == ("canceled", {"augment": "canceled", "crop": "skipped"})
    assert not await cancel(world, run_id)


async def test_canceling_before_the_forge_knows_ends_at_once(world):
    run_id = await world.start(CHAIN)
    assert await cancel(world, run_id)
    assert await states(world, run_id) == ("canceled", {"augment": "canceled", "crop": "canceled"})


async def test_each_job_is_metered_once(world):
    run_id = await world.start(TRAIN)
    await world.accepted(run_id)
    await world.works(run_id, "train")
    for status in ("success", "success", "failed"):
        await world.hears(run_id, "train", status)
    async with world.db.read() as tx:
        found = await usage_store.list_page(tx, [PROJECT], Page())
    assert [(one["seconds"], one["machine_class"], one["username"]) for one in found.items] == [
        (5.0, "cpu-small", "ada")
    ]


async def test_a_new_processor_version_is_another_step(world):
    first = await world.start(TRAIN)
    await world.accepted(first)
    await world.succeeds(first, "train")
    world.catalogue.versions.append(processor("train", "algorithm", "2.0.0", digest="2"))
    newer = pipeline(step("train", "g/train/train@latest"), kind="experiment")
    view = await world.view(await world.start(newer))
    assert view.steps[0].version == "2.0.0"
    assert view.steps[0].cache_reason == "changed since its last success: processor version (1.0.0 -> 2.0.0)"


async def test_a_ci_pipeline_s_webhook_is_adopted_by_its_capability_alone(world):
    run_id = await world.start(TRAIN)
    async with world.db.write() as tx:
        await store.update_run(tx, run_id, config_hash="a" * 64)
    assert not await world.upkeep.hear_pipeline(PROJECT, 900, "b" * 64, "created")
    assert not await world.upkeep.hear_pipeline(PROJECT + 1, 900, "a" * 64, "created")
    assert await world.upkeep.hear_pipeline(PROJECT, 900, "a" * 64, "created")
    assert (await world.view(run_id)).run.ci_pipeline_id == 900


async def test_the_end_of_a_ci_pipeline_makes_up_for_lost_job_events(world):
    run_id = await world.start(TRAIN)
    pipeline_id = await world.accepted(run_id)
    await world.works(run_id, "train")
    world.ci.pipelines[pipeline_id] = PipelineNews("success", [world.news(run_id, "train", "success")])
    await world.upkeep.hear_pipeline(PROJECT, pipeline_id, None, "success")
    assert await states(world, run_id) == ("success", {"train": "success"})


async def test_a_run_of_a_deleted_project_ends_after_a_day(world):
    run_id = await world.start(TRAIN)
    await world.accepted(run_id)
    world.ci.hidden = True
    await world.upkeep.reconcile()
    assert (await world.view(run_id)).run.status == "queued"
    world.clock.advance(timedelta(days=2).total_seconds())
    await world.upkeep.reconcile()
    assert (await world.view(run_id)).run.status == "failed"
