"""The connection that SQLAlchemy's SQLite adapter is given."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from mlreef.kit.db import sqlite


async def test_a_statement_is_one_trip_to_the_connections_thread(tmp_path: Path) -> None:
    connection = await sqlite.connect(str(tmp_path / "db"), isolation_level=None)
    trips = []
    plain = connection.run

    async def counted(work):  # type: ignore[no-untyped-def]
        trips.append(work)
        return await plain(work)

    connection.run = counted  # type: ignore[method-assign]
    cursor = await connection.cursor().execute("SELECT ? UNION SELECT 2", (1,))
    assert await cursor.fetchall() == [(1,), (2,)]
    await cursor.close()
    assert len(trips) == 1
    await connection.close()


async def test_a_fault_of_sql_is_the_drivers_own_error(tmp_path: Path) -> None:
    connection = await sqlite.connect(str(tmp_path / "db"))
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await connection.cursor().execute("SELECT * FROM absent")
    await connection.close()


async def test_who_is_cancelled_leaves_a_connection_that_works(tmp_path: Path) -> None:
    connection = await sqlite.connect(str(tmp_path / "db"))
    begun, go_on = threading.Event(), threading.Event()

    def long(_: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(30)

    task = asyncio.create_task(connection.run(long))
    await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    cursor = await connection.cursor().execute("SELECT 7")
    assert await cursor.fetchall() == [(7,)]
    await connection.close()


async def test_closing_twice_is_closing_once(tmp_path: Path) -> None:
    connection = await sqlite.connect(str(tmp_path / "db"))
    await connection.close()
    await connection.close()
    with pytest.raises(ValueError, match="no active connection"):
        await connection.commit()
