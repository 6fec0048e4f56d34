"""What a database must do, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select, update

from mlreef.kit.db import Database, Tx
from mlreef.kit.errors import Kind, PlatformError
from mlreef.registry import tables
from mlreef.registry.tables import repositories

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    opened = Database.open(database_url, migrations="mlreef.registry.migrations")
    await opened.migrate()
    yield opened
    await opened.close()


async def add(tx: Tx, name: str, when: datetime = NOW) -> int:
    made: int = await tx.insert(repositories, {"name": name, "created_at": when})
    return made


async def count(db: Database) -> int:
    async with db.read() as tx:
        found: int = await tx.scalar(select(func.count()).select_from(repositories))
        return found


async def test_what_is_written_is_read(db: Database) -> None:
    async with db.write() as tx:
        key = await add(tx, "a")
    async with db.read() as tx:
        row = await tx.one(select(repositories))
    assert (row["id"], row["name"], row["created_at"]) == (key, "a", NOW)


async def test_an_exception_undoes_everything(db: Database) -> None:
    with pytest.raises(RuntimeError):
        async with db.write() as tx:
            await add(tx, "a")
            raise RuntimeError("no")
    assert await count(db) == 0


async def test_actions_after_commit_run_only_then(db: Database) -> None:
    ran: list[str] = []
    async with db.write() as tx:
        tx.after_commit(lambda: ran.append("committed"))
        assert not ran
    with pytest.raises(RuntimeError):
        async with db.write() as tx:
            tx.after_commit(lambda: ran.append("never"))
            raise RuntimeError("no")
    assert ran == ["committed"]


async def test_instants_come_back_in_utc_and_naive_ones_are_refused(db: Database) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
    async with db.write() as tx:
        await add(tx, "a", elsewhere)
    async with db.read() as tx:
        assert await tx.scalar(select(repositories.c.created_at)) == NOW
    with pytest.raises(Exception, match="naive"):
        async with db.write() as tx:
            await add(tx, "b", NOW.replace(tzinfo=None))


async def test_many_writers_at_once_lose_nothing(db: Database) -> None:
    async def one(number: int) -> None:
        async with db.write() as tx:
            await add(tx, f"r{number}")

    await asyncio.gather(*(one(number) for number in range(40)))
    assert await count(db) == 40


async def test_readers_go_on_while_somebody_writes(db: Database) -> None:
    async with db.write() as tx:
        await add(tx, "a")
        async with asyncio.timeout(10):
            assert await count(db) == 0
    assert await count(db) == 1


async def test_migrating_again_changes_nothing(db: Database) -> None:
    async with db.write() as tx:
        await add(tx, "kept")
    await db.migrate()
    assert await count(db) == 1


@pytest.mark.parametrize("chain", ["registry"])
async def test_the_migrated_schema_is_the_one_in_the_tables(db: Database, chain: str) -> None:
    assert chain
    async with db.read() as tx:
        for table in tables.metadata.sorted_tables:
            await tx.all(select(table).limit(1))


@pytest.mark.slow
async def test_a_deadlock_is_told_as_something_to_try_again(postgres_server: str) -> None:
    opened = Database.open(f"{postgres_server}?schema=test_deadlock", migrations="mlreef.registry.migrations")
    await opened.migrate()
    async with opened.write() as tx:
        keys = [await add(tx, "a"), await add(tx, "b")]
    both = asyncio.Barrier(2)

    async def change(first: int, second: int) -> None:
        async with opened.write() as tx:
            await tx.execute(update(repositories).where(repositories.c.id == first).values(created_at=NOW))
            await both.wait()
            await tx.execute(update(repositories).where(repositories.c.id == second).values(created_at=NOW))

    done = await asyncio.gather(change(*keys), change(*reversed(keys)), return_exceptions=True)
    await opened.close()
    failed = [one for one in done if one is not None]
    assert [(type(one), getattr(one, "kind", None)) for one in failed] == [(PlatformError, Kind.UNAVAILABLE)]
