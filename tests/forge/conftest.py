"""The whole forge for tests of people, groups and projects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support import whole_forge


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[whole_forge.World]:
    """A forge with an administrator."""
    async with whole_forge.running(tmp_path) as made:
        yield made
