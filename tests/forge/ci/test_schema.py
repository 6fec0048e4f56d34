"""The migration makes the tables that the code speaks of."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData

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
