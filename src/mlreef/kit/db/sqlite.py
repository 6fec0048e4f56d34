"""SQLite for asyncio: short statements run where they are asked, long ones in the connection's thread.

Most of our queries take SQLite less time than one change of threads, and SQLAlchemy's own adapter makes four of them a
statement. It takes any connection of that shape, though (`async_creator_fn`); these are it, as far as it asks. A query
that turns out to be long is stopped after `_SHORT` instructions and asked again in the thread: it changes nothing, so
nothing is lost. Whatever waits for the disk, or may touch many rows, goes to the thread at once.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any, Self, TypeVar

T = TypeVar("T")

_SHORT = 20_000
"""Instructions of SQLite's virtual machine, one to two milliseconds; a look at a row by its key takes about thirty."""

_FEW_ROWS = re.compile(r"INSERT INTO(?!.*\sSELECT\s)|UPDATE(?!.*\sIN\s)(?!.*\(SELECT\s).*\sWHERE\s\S+ = \?", re.DOTALL)
"""Rows that are given, or named by an equality. A DELETE may take any number of rows of other tables with it."""


async def connect(path: str, **options: Any) -> Connection:
    """Open a database file; `options` are those of `sqlite3.connect`."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
    connecting = partial(sqlite3.connect, path, **{**options, "check_same_thread": False})
    return Connection(await asyncio.get_running_loop().run_in_executor(thread, connecting), thread)


class Connection:
    """A connection and the only thread that touches it."""

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._thread = thread
        self._latest: Future[Any] | None = None
        self.isolation_level = connection.isolation_level

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with the connection in its thread."""
        running = self._latest = self._thread.submit(work, self._open())
        return await asyncio.wrap_future(running)

    async def query(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something here and now that may be done twice; in the thread when it is not short."""
        connection = self._open()
        if self._in_use():
            return await self.run(work)
        connection.set_progress_handler(_stop, _SHORT)
        try:
            return work(connection)
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
        finally:
            connection.set_progress_handler(None, 0)
        return await self.run(work)

    async def change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something here and now that is known to be short."""
        return await self.run(work) if self._in_use() else work(self._open())

    async def begin(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Take the write lock here and now when it is free; wait for it in the thread."""
        connection = self._open()
        if self._in_use():
            return await self.run(work)
        (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
        connection.execute("PRAGMA busy_timeout=0")
        try:
            return work(connection)
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
        finally:
            connection.execute(f"PRAGMA busy_timeout={patience}")
        return await self.run(work)

    def cursor(self) -> Cursor:
        """A new cursor."""
        return Cursor(self)

    async def commit(self) -> None:
        """End the transaction, its changes kept."""
        await self.run(sqlite3.Connection.commit)

    async def rollback(self) -> None:
        """End the transaction, its changes undone."""
        await self.change(sqlite3.Connection.rollback)

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

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ValueError("no active connection")
        return self._connection

    def _in_use(self) -> bool:
        """Whether the thread still works for somebody who was cancelled meanwhile."""
        return self._latest is not None and not self._latest.done()

    def stop(self) -> None:
        """End the thread after what it is doing; nobody waits for it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._thread.submit(connection.close)
        self._thread.shutdown(wait=False)


@lru_cache(2000)
def _few_rows(operation: str) -> bool:
    return operation == "BEGIN" or _FEW_ROWS.match(operation) is not None


def _stop() -> bool:
    return True


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

        def work(connection: sqlite3.Connection) -> None:
            self._take(connection.execute(operation, parameters))

        if operation.startswith("SELECT") and " MATCH " not in operation:  # a full-text index counts no instructions
            await self._connection.query(work)
        elif operation == "BEGIN IMMEDIATE":
            await self._connection.begin(work)
        elif _few_rows(operation):
            await self._connection.change(work)
        else:
            await self._connection.run(work)
        return self

    async def executemany(self, operation: str, parameters: Sequence[Sequence[Any]]) -> Self:
        """Run a statement for each of many sets of parameters."""
        await self._connection.run(lambda connection: self._take(connection.executemany(operation, parameters)))
        return self

    def _take(self, cursor: sqlite3.Cursor) -> None:
        self.description = cursor.description
        self._rows = cursor.fetchall() if cursor.description else []
        self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        cursor.close()

    async def fetchall(self) -> list[Any]:
        """The rows, once."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """There is nothing left to close."""
