"""Usage that was recorded before it was measured stays, and says that nothing more is known."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from mlreef.kit.db import Database
from mlreef.kit.paging import Page
from mlreef.management.usage import service, store

CHAIN = "mlreef.management.migrations"
OLD = """INSERT INTO usage_records (job_id, project_id, project_path, namespace, user_id, username, machine_class,
    job_name, outcome, seconds, finished_at, recorded_at)
    VALUES (1, 7, 'g/p', 'g', 1, 'ada', 'cpu-small', 'work', 'success', 9.5, :now, :now)"""


def _to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(importlib.resources.files(CHAIN)))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@pytest.fixture
async def old(database_url: str):
    db = Database.open(database_url, migrations=CHAIN)
    async with db._writer.connect() as connection:
        if db.schema:
            await connection.execute(text(f'CREATE SCHEMA "{db.schema}"'))
        await connection.run_sync(_to, "0004")
        now = "2026-01-02 03:04:05" if not db.schema else None
        await connection.execute(text(OLD if now else OLD.replace(":now", "now()")), {"now": now} if now else {})
        await connection.commit()
    yield db
    await db.close()


async def test_records_of_before_are_kept(old: Database, tmp_path: Path) -> None:
    await old.migrate()
    async with old.read() as tx:
        (found,) = (await store.list_page(tx, [7], Page())).items
    assert (found["seconds"], found["username"]) == (9.5, "ada")
    assert {found[name] for name in service.Measured.__dataclass_fields__} == {None}
