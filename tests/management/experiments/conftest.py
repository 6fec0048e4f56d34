"""The world of runs, for experiments made by them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "runs"))

from world import World, create_tables

from mlreef.kit.db import Database


@pytest.fixture
async def world(tmp_path):
    db = Database.open(f"sqlite:///{tmp_path}/management.db", migrations="mlreef.management.migrations")
    await create_tables(db)
    yield World(db)
    await db.close()
