"""The world of CI tests on SQLite; tests about concurrency ask for `database_url` and run on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ci_world import World, world

from support import templates


@pytest.fixture
async def ci(tmp_path: Path) -> AsyncIterator[World]:
    async with world(templates.sqlite(tmp_path / "forge.db", "forge"), tmp_path) as made:
        yield made
