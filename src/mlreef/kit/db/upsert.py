"""INSERT that says what happens when the key is taken, which SQLAlchemy has by dialect only."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite


def insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT with `on_conflict_do_nothing` and `on_conflict_do_update`; the dialect is what `Tx.dialect` names."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
