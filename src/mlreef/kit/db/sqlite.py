"""SQLite for asyncio with one change of threads a statement: execute, fetch and close are one trip to the connection.

SQLAlchemy's own adapter for SQLite makes four trips (cursor, execute, fetch, close), which cost more than most of our
queries. It takes any connection of that shape, though (`async_creator_fn`); these are it, as far as it asks.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Self, TypeVar

T = TypeVar("T")


async def connect(path: str, **options: Any) -> Connection:
    """Open a database file; `options` are those of `sqlite3.connect`."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
    opening = asyncio.get_running_loop().run_in_executor(thread, partial(sqlite3.connect, path, **options))
    return Connection(await opening, thread)


class Connection:
    """A connection and the only thread that touches it."""

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._thread = thread
        self.isolation_level = connection.isolation_level

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with the connection in its thread."""
        if self._connection is None:
            raise ValueError("no active connection")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._connection)

    def cursor(self) -> Cursor:
        """A new cursor."""
        return Cursor(self)

    async def commit(self) -> None:
        """End the transaction, its changes kept."""
        await self.run(sqlite3.Connection.commit)

    async def rollback(self) -> None:
        """End the transaction, its changes undone."""
        await self.run(sqlite3.Connection.rollback)

    async def create_function(self, *arguments: Any, **options: Any) -> None:
        """Make a Python function callable from SQL."""
        await self.run(lambda connection: connection.create_function(*arguments, **options))

    async def close(self) -> None:
        """Close it and end the thread; once is enough."""
        if self._connection is None:
            return
        try:
            await self.run(sqlite3.Connection.close)
        finally:
            self.stop()

    def stop(self) -> None:
        """End the thread after what it is doing; nobody waits for it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._thread.submit(connection.close)
        self._thread.shutdown(wait=False)


class Cursor:
    """One statement at a time and all of its rows, fetched in the same trip."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, operation: str, parameters: Sequence[Any] = ()) -> Self:
        """Run a statement and fetch what it yields."""
        return await self._connection.run(lambda connection: self._take(connection.execute(operation, parameters)))

    async def executemany(self, operation: str, parameters: Sequence[Sequence[Any]]) -> Self:
        """Run a statement for each of many sets of parameters."""
        return await self._connection.run(lambda connection: self._take(connection.executemany(operation, parameters)))

    def _take(self, cursor: sqlite3.Cursor) -> Self:
        self.description = cursor.description
        self._rows = cursor.fetchall() if cursor.description else []
        self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        cursor.close()
        return self

    async def fetchall(self) -> list[Any]:
        """The rows, once."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """There is nothing left to close."""
