"""A fresh world for each test of runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from world import World

from mlreef.kit.db import Database
from support import templates


@pytest.fixture
async def world(tmp_path):
    db = Database.open(
        templates.sqlite(tmp_path / "management.db", "management"), migrations="mlreef.management.migrations"
    )
    yield World(db)
    await db.close()
