"""A management service over a fake forge, and callers with and without rights."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

sys.path.insert(0, str(Path(__file__).parent))

from fake_forge import MANAGEMENT, URL, Account, FakeForge

from mlreef.kit.clock import FixedClock
from mlreef.management import Settings, create_app
from support import templates

Client = Callable[..., httpx.AsyncClient]


@pytest.fixture(scope="session")
def epf_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("epf") / "epf.pyz"
    path.write_bytes(b"the framework")
    return path


@pytest.fixture
def forge() -> FakeForge:
    return FakeForge()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def settings(tmp_path: Path, epf_file: Path) -> Settings:
    return Settings(
        database_url=templates.sqlite(tmp_path / "management.db", "management"),
        external_url=MANAGEMENT,
        forge_url=URL,
        registry_url="http://registry.test:5000",
        service_token="glpat-mlreef-bot",
        job_wait_seconds=0,
        hook_secret="hook-secret",
        access_seconds=0,
        visible_seconds=0,
        reconcile_seconds=3600,
        epf_path=epf_file,
    )


@pytest.fixture
async def app(settings: Settings, forge: FakeForge, clock: FixedClock) -> AsyncIterator[FastAPI]:
    made = create_app(settings, transport=forge.transport, clock=clock)
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[Client]:
    """Makes HTTP clients: `client(user)` with a token, `client()` anonymous, `client(job="<id_token>")`."""
    opened: list[httpx.AsyncClient] = []

    def make(user: Account | None = None, *, job: str | None = None, **headers: Any) -> httpx.AsyncClient:
        if user is not None:
            headers["private-token"] = user.token
        if job is not None:
            headers["authorization"] = f"Bearer {job}"
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        opened.append(httpx.AsyncClient(transport=transport, base_url=MANAGEMENT, headers=headers))
        return opened[-1]

    yield make
    for one in opened:
        await one.aclose()


@pytest.fixture
def state(app: FastAPI) -> Any:
    return app.state.management
