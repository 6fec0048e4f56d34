"""Transactions on SQLite or PostgreSQL.

SQLite: every write and checkpoint goes through one connection (`BEGIN IMMEDIATE`, WAL, `synchronous=FULL`), because
versions before 3.51.3 can corrupt the WAL when two connections write and checkpoint; readers are a pool of connections
that can only query. PostgreSQL: asyncpg and a schema per service. Both: `async with db.write() as tx` commits on exit,
and what `tx.after_commit` was given runs only then.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import Executable, Insert, Table, event, insert, text
from sqlalchemy.engine import CursorResult, RowMapping
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from mlreef.kit.db import migrate, sealed, sqlite
from mlreef.kit.errors import Kind, PlatformError

_LOST_RACES = frozenset({"40P01", "40001", "55P03"})
"""PostgreSQL's deadlock_detected, serialization_failure and lock_not_available."""

Params = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None


class Tx:
    """One transaction. Services receive it and never commit; the edge that opened it does."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._after_commit: list[Callable[[], None]] = []

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`; only a store with a per-dialect statement looks at it."""
        return self._connection.dialect.name

    async def execute(self, statement: Executable, params: Params = None) -> CursorResult[Any]:
        """Run any statement; `rowcount` tells how many rows a change touched."""
        return await self._connection.execute(statement, params)

    async def all(self, statement: Executable, params: Params = None) -> Sequence[RowMapping]:
        """All rows as mappings."""
        return (await self._connection.execute(statement, params)).mappings().all()

    async def one(self, statement: Executable, params: Params = None) -> RowMapping:
        """Exactly one row; anything else is a fault of the caller."""
        return (await self._connection.execute(statement, params)).mappings().one()

    async def find(self, statement: Executable, params: Params = None) -> RowMapping | None:
        """The first row or None."""
        return (await self._connection.execute(statement, params)).mappings().first()

    async def scalar(self, statement: Executable, params: Params = None) -> Any:
        """The first column of the first row, or None."""
        return (await self._connection.execute(statement, params)).scalar()

    async def insert(self, table: Table, values: Mapping[str, Any]) -> Any:
        """Insert one row and return its primary key (a scalar when it has one column)."""
        statement: Insert = insert(table).values(**values)
        result = await self._connection.execute(statement)
        key = result.inserted_primary_key
        return key[0] if key is not None and len(key) == 1 else key

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once the transaction is durable; it must not block and not raise."""
        self._after_commit.append(action)

    def committed(self) -> None:
        """Run what waits for the commit, in order."""
        for action in self._after_commit:
            action()


class Database:
    """A service's own database: `read()` and `write()` transactions, and its migration chain."""

    def __init__(
        self, url: str, migrations: str, writer: AsyncEngine, reader: AsyncEngine, seal: sealed.Seal | None = None
    ) -> None:
        self.url = url
        self._migrations = migrations
        self._writer = writer
        self._reader = reader
        if seal is not None:
            for engine in (writer, reader):
                sealed.give(engine.dialect, seal)

    @classmethod
    def open(
        cls, url: str, *, migrations: str, readers: int = 4, pool: int = 10, seal: sealed.Seal | None = None
    ) -> Database:
        """Prepare engines for `sqlite:////path.db` or `postgresql://user:pw@host/db?schema=name`; connects lazily.

        `migrations` names the package with the Alembic chain, e.g. `mlreef.forge.migrations`; `seal`
        holds the key of the columns that are encrypted.
        """
        if url.startswith("sqlite:"):
            path = url.removeprefix("sqlite:///")
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            return cls(url, migrations, _sqlite(path, 1, writer=True), _sqlite(path, readers, writer=False), seal)
        if url.startswith("postgresql:"):
            engine = _postgresql(url, pool)
            return cls(url, migrations, engine, engine, seal)
        raise PlatformError(
            Kind.INVALID,
            f"database url {url.rsplit('@', maxsplit=1)[-1]!r}: use sqlite:////absolute/path.db or postgresql://...",
        )

    async def migrate(self) -> None:
        """Bring the schema to the newest version; refuses a schema newer than this program knows."""
        async with self._writer.connect() as connection:
            await connection.run_sync(migrate.upgrade, self._migrations, self.schema)
            await connection.commit()

    @property
    def schema(self) -> str | None:
        """The PostgreSQL schema of the service; None on SQLite, where a service has a file of its own."""
        if self.url.startswith("sqlite:"):
            return None
        return dict(parse_qsl(urlsplit(self.url).query)).get("schema", "public")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """A consistent view that changes nothing."""
        async with self._translated(), self._reader.connect() as connection:
            yield Tx(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """A transaction that commits durably on exit and rolls back on any exception."""
        async with self._translated(), self._writer.connect() as connection:
            tx = Tx(connection)
            try:
                yield tx
            except BaseException:
                await connection.rollback()
                raise
            await connection.commit()
        tx.committed()

    async def ping(self) -> None:
        """Raise when the database does not answer."""
        async with self.read() as tx:
            await tx.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections."""
        await self._reader.dispose()
        await self._writer.dispose()

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except DBAPIError as exc:
            _raise_translated(exc)
            raise


def _raise_translated(exc: DBAPIError) -> None:
    """Raise what a caller can act upon; return when the failure is a fault of the program."""
    if getattr(exc.orig, "sqlstate", None) in _LOST_RACES:
        # Everything the transaction did is undone: only whoever asked for it can do it all again.
        message = "the database stopped this because somebody changed the same at this moment; try again"
        raise PlatformError(Kind.UNAVAILABLE, message) from exc
    if isinstance(exc, OperationalError):
        raise PlatformError(Kind.UNAVAILABLE, f"the database does not answer: {exc.orig}") from exc
    if isinstance(exc, IntegrityError):
        if "unique" in str(exc.orig).lower():  # two transactions passed the same check at once
            raise PlatformError(Kind.CONFLICT, "somebody else did the same at this moment; try again") from exc
    elif exc.connection_invalidated:
        raise PlatformError(Kind.UNAVAILABLE, "the database connection was lost; try again") from exc


def _sqlite(path: str, size: int, *, writer: bool) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        poolclass=AsyncAdaptedQueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=60,
        connect_args={"timeout": 30, "isolation_level": None, "async_creator_fn": sqlite.connect},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        pragmas = ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"]
        # Only the writer checkpoints: see the module docstring.
        pragmas += [] if writer else ["wal_autocheckpoint=0", "query_only=ON"]
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


def _postgresql(url: str, pool: int) -> AsyncEngine:
    parts = urlsplit(url)
    schema = dict(parse_qsl(parts.query)).get("schema", "public")
    return create_async_engine(
        f"postgresql+asyncpg://{parts.netloc}{parts.path}",
        pool_size=pool,
        max_overflow=pool,
        pool_pre_ping=True,
        connect_args={"server_settings": {"search_path": schema, "lock_timeout": "30s"}},
    )
