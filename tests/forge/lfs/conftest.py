"""A forge for every test of LFS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from support import gitforge


@pytest.fixture
async def forge(tmp_path: Path) -> AsyncIterator[gitforge.Forge]:
    """A forge in this process."""
    async with gitforge.running(tmp_path) as found:
        yield found


@pytest.fixture
async def owner(forge: gitforge.Forge) -> AsyncIterator[httpx.AsyncClient]:
    """Its owner's client."""
    async with forge.client() as client:
        yield client
