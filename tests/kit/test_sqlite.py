"""The connection that SQLAlchemy's SQLite adapter is given."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlreef.kit.db import sqlite


class _Watched(sqlite.Connection):
    """Counts the trips to the thread."""

    trips = 0

    async def run(self, work):  # type: ignore[no-untyped-def]
        self.trips += 1
        return await super().run(work)


async def opened(path: Path) -> _Watched:
    plain = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    return _Watched(plain, ThreadPoolExecutor(1))


async def test_a_short_statement_runs_where_it_is_asked(tmp_path: Path) -> None:
    connection = await opened(tmp_path / "db")
    await connection.cursor().execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
    assert connection.trips == 1
    await connection.cursor().execute("BEGIN IMMEDIATE")
    await connection.cursor().execute("INSERT INTO t (x) VALUES (?)", (1,))
    await connection.cursor().execute("UPDATE t SET x=2 WHERE t.id = ?", (1,))
    cursor = await connection.cursor().execute("SELECT ? UNION SELECT x FROM t ORDER BY 1", (1,))
    assert await cursor.fetchall() == [(1,), (2,)]
    await connection.rollback()
    assert connection.trips == 1
    await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE t SET x=2",
        "UPDATE t SET x=2 WHERE t.x < 3",
        "UPDATE t SET x=(SELECT max(id) FROM t) WHERE t.id = 3",
        "DELETE FROM t WHERE t.id = 1",
        "INSERT INTO t (x) SELECT x FROM t",
    ],
)
async def test_what_may_touch_any_number_of_rows_goes_to_the_thread(tmp_path: Path, statement: str) -> None:
    connection = await opened(tmp_path / "db")
    await connection.cursor().execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
    await connection.cursor().execute(statement)
    await connection.commit()
    assert connection.trips == 3
    await connection.close()


async def test_a_long_query_goes_to_the_thread_and_keeps_its_transaction(tmp_path: Path) -> None:
    connection = await opened(tmp_path / "db")
    await connection.cursor().execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    await connection.cursor().execute("BEGIN IMMEDIATE")
    await connection.cursor().execute("INSERT INTO t (id) VALUES (1)")
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT count(*) FROM n"
    cursor = await connection.cursor().execute(f"SELECT ({numbers}), (SELECT count(*) FROM t)")
    assert await cursor.fetchall() == [(300000, 1)]
    assert connection.trips == 2
    await connection.commit()
    await connection.close()


async def test_another_writer_is_awaited_in_the_thread(tmp_path: Path) -> None:
    connection, other = await opened(tmp_path / "db"), await opened(tmp_path / "db")
    await other.cursor().execute("BEGIN IMMEDIATE")
    task = asyncio.create_task(connection.cursor().execute("BEGIN IMMEDIATE"))
    await asyncio.sleep(0)
    assert not task.done()  # and this loop goes on, to where the other one ends
    await other.rollback()
    await task
    assert connection.trips == 1
    await connection.close()
    await other.close()


async def test_whoever_comes_after_a_cancelled_statement_waits_for_it(tmp_path: Path) -> None:
    connection = await opened(tmp_path / "db")
    begun, go_on, order = threading.Event(), threading.Event(), []

    def long(_: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(30)
        order.append("long")

    task = asyncio.create_task(connection.run(long))
    await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    undone = asyncio.create_task(connection.rollback())
    await asyncio.sleep(0)
    go_on.set()
    await undone
    assert order == ["long"]
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
