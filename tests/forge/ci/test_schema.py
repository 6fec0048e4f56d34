"""The migration makes the tables that the code speaks of."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, text

from mlreef.forge.access.tables import metadata as access_metadata
from mlreef.forge.ci import tables
from mlreef.forge.hooks import tables as hook_tables
from mlreef.kit.db import Database


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
async def test_migrations_and_tables_agree(database_url: str):
    db = Database.open(database_url, migrations="mlreef.forge.migrations")
    await db.migrate()
    ours = MetaData()
    for metadata in (tables.metadata, hook_tables.metadata):
        for table in metadata.tables.values():
            table.to_metadata(ours)

    def compare(connection):
        context = MigrationContext.configure(
            connection, opts={"include_object": lambda _o, n, k, _r, _c: k != "table" or n in ours.tables}
        )
        return compare_metadata(context, ours)

    async with db._writer.connect() as connection:
        differences = await connection.run_sync(compare)
    await db.close()
    assert [d for d in differences if not str(d[0]).startswith("remove")] == []


async def test_no_number_of_a_deleted_row_is_given_out_again(tmp_path: Path):
    db = Database.open(f"sqlite:///{tmp_path}/forge.db", migrations="mlreef.forge.migrations")
    await db.migrate()
    async with db.read() as tx:
        rows = await tx.all(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    await db.close()
    counted = {row["name"] for row in rows if "AUTOINCREMENT" in row["sql"]}
    numbered = {
        *(table.name for meta in (tables.metadata, hook_tables.metadata, access_metadata) for table in _numbered(meta))
    }
    assert len(numbered) > 15
    assert numbered - counted == set()


def _numbered(metadata: MetaData):
    for table in metadata.tables.values():
        if [column.name for column in table.primary_key.columns] == ["id"] and table.c.id.autoincrement is True:
            assert table.dialect_options["sqlite"]["autoincrement"], table.name
            yield table
