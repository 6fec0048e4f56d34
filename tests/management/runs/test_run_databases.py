"""Runs and measurements on every database: SQLite, and PostgreSQL with two workers at once."""

from __future__ import annotations

import asyncio

import pytest
from world import PROJECT, World, pipeline, step

from mlreef.kit.db import Database
from mlreef.kit.paging import Page
from mlreef.management.experiments import views
from mlreef.management.experiments.packing import Point
from mlreef.management.experiments.stores import experiments, series

TRAIN = pipeline(step("train", "g/train/train@1.0.0"), kind="experiment")


@pytest.fixture
async def databases(database_url):
    opened = [Database.open(database_url, migrations="mlreef.management.migrations") for _ in range(2)]
    await opened[0].migrate()
    yield opened
    for db in opened:
        await db.close()


async def test_a_run_a_hit_and_its_experiments(databases):
    world = World(databases[0])
    first = await world.start(TRAIN)
    await world.accepted(first)
    await world.succeeds(first, "train")
    source = (await world.view(first)).steps[0].id
    async with world.db.write() as tx:
        await series.append(tx, source, "metric", "loss", [Point(0, 1, 0.5), Point(1, 2, float("nan"))])
    again = await world.start(TRAIN)
    assert (await world.view(again)).run.status == "success"
    async with world.db.read() as tx:
        page = await experiments.list_page(
            tx, PROJECT, sort=("metric", "loss"), descending=True, statuses=(), search="CLEAN", page=Page()
        )
        shown = await views.present(tx, page.items)
    assert [one["metrics"]["loss"]["count"] for one in shown] == [2, 2]


async def test_a_dataset_is_committed_by_one_of_two_workers(databases):
    one, two = World(databases[0]), World(databases[1])
    two.upkeep.branches = one.upkeep.branches = lambda run: one.branches
    run_id = await one.start(pipeline())
    await one.accepted(run_id)
    await one.succeeds(run_id, "augment")
    await asyncio.gather(one.upkeep.finish(), two.upkeep.finish())
    assert (await two.view(run_id)).run.status == "success"
    assert len(one.branches.commits) == 2


async def test_numbers_are_given_once(databases):
    worlds = [World(db) for db in databases]
    ids = await asyncio.gather(*(worlds[index % 2].start(TRAIN) for index in range(8)))
    numbers = [(await worlds[0].view(run_id)).run.number for run_id in ids]
    assert sorted(numbers) == list(range(1, 9))
