"""Both databases: the migration makes the tables that the code speaks of, and a day's work runs on either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from mlreef.forge.access.tables import metadata
from mlreef.forge.groups import tables as _groups
from mlreef.forge.projects import tables as _projects
from mlreef.kit.clock import SystemClock
from mlreef.kit.db import Database
from support import whole_forge

assert _groups.metadata is _projects.metadata is metadata


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection", "ignore:autogenerate skipping")
async def test_migrations_and_tables_agree(database_url: str) -> None:
    db = Database.open(database_url, migrations="mlreef.forge.migrations")
    await db.migrate()

    def compare(connection: Any) -> list[Any]:
        context = MigrationContext.configure(
            connection, opts={"include_object": lambda _o, n, k, _r, _c: k != "table" or n in metadata.tables}
        )
        return compare_metadata(context, metadata)

    async with db._writer.connect() as connection:
        found = await connection.run_sync(compare)
    await db.close()
    # Indexes on expressions cannot be read back from every database.
    assert [one for one in found if "lower" not in str(one)] == []


async def test_a_days_work_runs_on_either_database(database_url: str, tmp_path: Path) -> None:
    async with whole_forge.running(tmp_path, clock=SystemClock(), database_url=database_url) as world:
        for name in ("ada", "eve"):
            await world.person(name)
        group = await world.ok("ada", "POST", "/groups", json={"name": "Lab", "path": "lab", "visibility": "public"})
        fields = {"name": "data", "namespace_id": group["id"], "visibility": "public", "topics": ["a"]}
        made = await world.ok("ada", "POST", "/projects", json={**fields, "initialize_with_readme": True})
        path = f"/projects/{made['id']}"
        await world.ok("eve", "POST", f"{path}/star")
        fork = await world.ok("eve", "POST", f"{path}/fork", json={"path": "mine"})
        assert (await world.ok("ada", "GET", path))["forks_count"] == 1
        await world.ok("eve", "DELETE", f"/projects/{fork['id']}")
        assert (await world.ok("ada", "GET", path))["forks_count"] == 0
        await world.ok("ada", "PUT", f"/groups/{group['id']}", json={"path": "works"})
        for query in ("search=DAT", "membership=true", "owned=1", "topic=a", "min_access_level=30", "archived=false"):
            found = await world.ok("ada", "GET", f"/projects?{query}")
            assert [one["path_with_namespace"] for one in found] == ["works/data"], query
        assert [one["username"] for one in await world.ok("root", "GET", "/users?search=EV&active=true")] == ["eve"]
        await world.ok("ada", "POST", f"{path}/members", json={"username": "eve", "access_level": 30})
        await world.ok("ada", "DELETE", f"/groups/{group['id']}")
        assert (await world.call("ada", "GET", path)).status_code == 404
