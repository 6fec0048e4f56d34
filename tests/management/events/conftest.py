"""The world of runs, watched."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "runs"))

from world import World

from mlreef.kit.db import Database
from mlreef.management.events.channels import Channels
from mlreef.management.events.notices import Notices
from support import templates


@pytest.fixture
async def world(tmp_path):
    db = Database.open(
        templates.sqlite(tmp_path / "management.db", "management"), migrations="mlreef.management.migrations"
    )
    made = World(db)
    made.notices = Notices()
    made.upkeep.notify = made.notices.publish
    made.channels = Channels(db, made.notices)
    yield made
    await db.close()
