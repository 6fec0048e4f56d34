"""Measurements: taken in batches, stored in groups, given back whole or thinned."""

from __future__ import annotations

import asyncio
import json
import math

import pytest

from mlreef.kit.errors import PlatformError
from mlreef.kit.tasks import Loop, running
from mlreef.management.experiments import schemas, views
from mlreef.management.experiments.packing import Point
from mlreef.management.experiments.stores import series
from mlreef.management.experiments.writer import Batch, Writer


@pytest.fixture
async def writer(world):
    made = Writer(world.db, world.told.append)
    async with running([Loop("measurements", made.body, interval=1)]):
        yield made


def batch(start, count, key="loss", *, source="stp_1", sequence=None):
    points = [Point(step, 1000.0 + step, step / 2) for step in range(start, start + count)]
    return Batch("run_1", source, "metric", {key: points}, sequence)


async def curves(world, **options):
    async with world.db.read() as tx:
        return await views.curves(tx, "stp_1", "metric", **{"keys": None, "points": 10**6, **options})


async def summaries(world):
    async with world.db.read() as tx:
        return (await series.summaries(tx, ["stp_1"])).get("stp_1", {})


async def test_all_points_come_back_in_order_whatever_their_batches(world, writer):
    sizes = [1, 999, 1, 500, 1000, 7]
    start = 0
    for size in sizes:
        await writer.put(batch(start, size))
        start += size
    found = (await curves(world))["loss"]
    assert found["steps"] == list(range(sum(sizes)))
    assert (await summaries(world))["loss"]["count"] == sum(sizes)


async def test_batches_that_wait_are_committed_together(world, writer):
    await asyncio.gather(*(writer.put(batch(start * 10, 10, f"m{start}")) for start in range(50)))
    assert len(await summaries(world)) == 50
    assert len(world.told) < 50


async def test_a_batch_sent_again_changes_nothing(world, writer):
    await writer.put(batch(0, 800, sequence=1))
    await writer.put(batch(0, 800, sequence=1))
    await writer.put(batch(800, 10, sequence=2))
    await writer.put(batch(900, 10))
    await writer.put(batch(900, 10))
    assert (await summaries(world))["loss"]["count"] == 820


async def test_summaries_tell_last_least_greatest(world, writer):
    await writer.put(
        Batch("run_1", "stp_1", "metric", {"loss": [Point(0, 0, 3.0), Point(1, 0, 1.0), Point(2, 0, 2.0)]})
    )
    found = (await summaries(world))["loss"]
    assert (found["last"], found["min"], found["max"], found["mean"], found["last_step"]) == (2.0, 1.0, 3.0, 2.0, 2.0)


async def test_what_is_not_finite_is_kept_and_never_the_best(world, writer):
    points = [Point(0, 0, math.nan), Point(1, 0, math.inf), Point(2, 0, 0.5), Point(3, 0, -math.inf)]
    await writer.put(Batch("run_1", "stp_1", "metric", {"loss": points}))
    found = (await summaries(world))["loss"]
    assert (found["min"], found["max"], found["last"], found["count"]) == (0.5, 0.5, None, 4)
    assert (await curves(world))["loss"]["values"] == [None, None, 0.5, None]


async def test_curves_are_thinned_but_keep_extremes(world, writer):
    points = [Point(step, step, 100.0 if step == 1234 else 0.0) for step in range(5000)]
    for start in range(0, 5000, 1000):
        await writer.put(Batch("run_1", "stp_1", "metric", {"loss": points[start : start + 1000]}))
    found = (await curves(world, points=100))["loss"]
    assert len(found["values"]) <= 100
    assert max(found["values"]) == 100.0


async def test_too_many_metrics_are_refused_and_others_are_not_harmed(world, writer):
    many = {f"m{index}": [Point(0, 0, 1.0)] for index in range(series.MAX_KEYS + 1)}
    results = await asyncio.gather(
        writer.put(Batch("run_1", "stp_1", "metric", many)),
        writer.put(batch(0, 1, source="stp_2")),
        return_exceptions=True,
    )
    assert isinstance(results[0], PlatformError)
    assert results[1] is None
    assert await summaries(world) == {}


@pytest.mark.parametrize("word", ["NaN", '"NaN"', "null"])
def test_not_a_number_is_taken_in_every_spelling(word):
    report = schemas.metrics(b'{"points":[{"key":"loss","value":%s,"step":1,"time_ms":2}]}' % word.encode())
    assert math.isnan(report.points["loss"][0].value)


def test_a_body_of_a_thousand_points_is_decoded_by_key():
    points = [{"key": f"k{index % 3}", "value": index, "step": index, "time_ms": 1} for index in range(1000)]
    report = schemas.metrics(json.dumps({"points": points, "sequence": 4}).encode())
    assert [len(report.points[key]) for key in ("k0", "k1", "k2")] == [334, 333, 333]
    assert report.sequence == 4


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"points":[{"key":"","value":1}]}',
        b'{"points":[{"key":"a","value":true}]}',
        b'{"points":[{"key":"a","value":"high"}]}',
        b'{"points":[{"key":"a\\u0000","value":1}]}',
        json.dumps({"points": [{"key": "a", "value": 1}] * 1001}).encode(),
    ],
)
def test_what_is_no_batch_is_refused(body):
    with pytest.raises(PlatformError):
        schemas.metrics(body)


def test_samples_become_one_series_for_each_resource():
    report = schemas.resources(b'{"samples":[{"time_ms":1,"cpu_percent":50,"memory_bytes":1024,"gpu_percent":null}]}')
    assert report.points == {"cpu_percent": [Point(0.0, 1.0, 50.0)], "memory_bytes": [Point(0.0, 1.0, 1024.0)]}
