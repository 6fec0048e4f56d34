"""Webhook tests live in the world of the CI tests, whose events they hear of."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "ci"))

from ci_world import World, world

from support import templates


@pytest.fixture
async def ci(tmp_path: Path) -> AsyncIterator[World]:
    async with world(templates.sqlite(tmp_path / "forge.db", "forge"), tmp_path) as made:
        yield made
