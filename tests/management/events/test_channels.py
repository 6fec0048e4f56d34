"""Live news of runs: the whole first, then every change once, to all who watch, while they may."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from world import pipeline, step

from mlreef.kit.errors import not_found
from mlreef.management.events import channels
from mlreef.management.events.frames import frame
from mlreef.management.experiments.packing import Point
from mlreef.management.experiments.stores import series
from mlreef.management.runs import schemas

TRAIN = pipeline(step("train", "g/train/train@1.0.0"), kind="experiment")


class Traces:
    def __init__(self, text=b""):
        self.text = text
        self.denied = False

    async def read(self, project_id, job_id, offset):
        if self.denied:
            raise not_found("Job")
        return self.text[offset:]


class Watcher:
    """Reads a stream of events until a wanted one comes."""

    def __init__(self, stream):
        self.stream = stream
        self.seen = []
        self.buffer = b""

    async def until(self, name, matching=lambda data: True):
        async with asyncio.timeout(10):
            while True:
                for event, data in self.seen:
                    if event == name and matching(data):
                        return data
                self._take(await anext(self.stream))

    async def rest(self):
        async with asyncio.timeout(10):
            async for part in self.stream:
                self._take(part)
        return self.seen

    def _take(self, part):
        self.buffer += part
        *whole, self.buffer = self.buffer.split(b"\n\n")
        for text in whole:
            fields = dict(line.split(": ", 1) for line in text.decode().splitlines() if not line.startswith(":"))
            if fields:
                self.seen.append((fields["event"], json.loads(fields["data"])))


@asynccontextmanager
async def watching(world, run_id, traces=None, allowed=None):
    async def always():
        return True

    async with world.channels.watch(run_id, traces or Traces()) as (channel, position):
        snapshot = frame("run", schemas.run_json(await world.view(run_id)))
        stream = channels.follow(channel, position, snapshot, allowed or always)
        yield Watcher(stream)
        await stream.aclose()


@pytest.fixture
async def running_run(world):
    run_id = await world.start(TRAIN)
    await world.accepted(run_id)
    await world.hears(run_id, "train", "running")
    return run_id


async def test_the_run_comes_first_and_its_end_last(world, running_run):
    async with watching(world, running_run) as watcher:
        assert (await watcher.until("run"))["status"] == "running"
        await world.succeeds(running_run, "train")
        assert (await watcher.until("step", lambda data: data["status"] == "success"))["name"] == "train"
        seen = await watcher.rest()
    assert [data["status"] for event, data in seen if event == "run"][-1] == "success"
    assert seen[-1] == ("end", {})


async def test_new_measurements_come_as_they_are_stored(world, running_run):
    source = (await world.view(running_run)).steps[0].id
    async with watching(world, running_run) as watcher:
        await watcher.until("run")
        for step_number in range(3):
            async with world.db.write() as tx:
                points = [Point(step_number, 5.0, float("nan") if step_number == 1 else 0.5)]
                await series.append(tx, source, "metric", "loss", points)
                await series.append(tx, source, "resource", "cpu_percent", [Point(0, 5.0 + step_number, 50.0)])
            world.notices.publish(running_run)
            wanted = step_number
            await watcher.until("metric", lambda data: any(one["step"] == wanted for one in data["points"]))  # noqa: B023
        metrics = [one for event, data in watcher.seen if event == "metric" for one in data["points"]]
        await watcher.until("resource", lambda data: data["samples"][-1]["time_ms"] == 7.0)
    assert [(one["step"], one["value"]) for one in metrics] == [(0, 0.5), (1, None), (2, 0.5)]


async def test_the_log_comes_in_parts_that_join_without_gaps(world, running_run):
    traces = Traces(b"first\n")
    async with watching(world, running_run, traces) as watcher:
        assert await watcher.until("log") == {"step": "train", "offset": 0, "bytes": 6, "text": "first\n"}
        traces.text += b"second\n"
        assert (await watcher.until("log", lambda data: data["offset"] == 6))["text"] == "second\n"
        async with watching(world, running_run, traces) as late:
            assert (await late.until("log"))["text"] == "first\nsecond\n"


async def test_one_look_serves_all_watchers(world, running_run):
    async with watching(world, running_run) as one, watching(world, running_run) as two:
        await one.until("run")
        await two.until("run")
        await world.succeeds(running_run, "train")
        for watcher in (one, two):
            await watcher.until("end")


async def test_changes_by_another_worker_are_seen_without_a_notice(world, running_run):
    world.upkeep.notify = lambda run_id: None
    async with watching(world, running_run) as watcher:
        await watcher.until("run")
        await world.succeeds(running_run, "train")
        await watcher.until("end")


async def test_a_stream_ends_when_its_right_ends(world, running_run):
    may = [True]

    async def allowed():
        return may[0]

    async with watching(world, running_run, allowed=allowed) as watcher:
        await watcher.until("run")
        may[0] = False
        seen = await watcher.rest()
    assert seen[-1][0] != "end"


async def test_a_log_that_a_watcher_may_not_read_is_not_read_again_for_them(world, running_run):
    denied, granted = Traces(b"secret"), Traces(b"secret")
    denied.denied = True
    async with watching(world, running_run, denied) as one:
        await one.until("run")
        async with watching(world, running_run, granted) as two:
            await two.until("log")


async def test_nobody_watches_nothing_runs(world, running_run):
    async with watching(world, running_run) as watcher:
        await watcher.until("run")
    assert world.channels._open == {}
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if "events of" in task.get_name() and not task.cancelling()]
