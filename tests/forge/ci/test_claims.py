"""Claiming under concurrency, on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ci_world import World, world


@pytest.fixture
async def both(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        yield made


async def test_two_claimants_never_get_the_same_job(both: World):
    await both.start("a: {script: x}")
    runners = [await both.runner(name=name) for name in ("one", "two")]
    answers = await asyncio.gather(*(runner.request() for runner in runners))
    assert sorted(answer.status_code for answer in answers) == [201, 204]


async def test_many_claimants_empty_the_queue_once(both: World):
    pipelines = [await both.start("j: {script: x, parallel: 10}") for _ in range(4)]
    runners = [await both.runner(name=f"r{n}") for n in range(10)]
    claimed: Counter[int] = Counter()

    async def drain(runner) -> None:
        empty = 0
        while empty < 2:
            job = await runner.claim()
            if job is None:
                empty += 1
            else:
                claimed[job.id] += 1
                assert (await job.finish()).status_code == 200

    await asyncio.gather(*(drain(runner) for runner in runners))
    assert set(claimed.values()) == {1}
    assert len(claimed) == 40
    for pipeline in pipelines:
        assert (await both.get(f"/pipelines/{pipeline['id']}"))["status"] == "success"


async def test_jobs_that_end_at_once_still_advance_their_pipeline(both: World):
    pipeline = await both.start("stages: [a, b]\none: {stage: a, script: x, parallel: 6}\ntwo: {stage: b, script: x}")
    runner = await both.runner()
    jobs = [await runner.take() for _ in range(6)]
    await asyncio.gather(*(job.finish() for job in jobs))
    assert (await both.statuses(pipeline["id"]))["two"] == "pending"


async def test_cancel_and_end_at_once_leave_one_terminal_state(both: World):
    pipeline = await both.start("j: {script: x, parallel: 8}")
    runner = await both.runner()
    runner.features = {}
    jobs = [await runner.take() for _ in range(8)]
    cancel = both.client.post(f"/api/v4/projects/7/pipelines/{pipeline['id']}/cancel")
    answers = await asyncio.gather(cancel, *(job.finish() for job in jobs))
    assert all(answer.status_code in {200, 403} for answer in answers)
    states = set((await both.statuses(pipeline["id"])).values())
    assert states <= {"success", "canceled"}
    shown = await both.get(f"/pipelines/{pipeline['id']}")
    assert shown["status"] == ("canceled" if "canceled" in states else "success")
