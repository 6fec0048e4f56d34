"""Queries of environments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import select

from mlreef.kit.db import Tx, upsert
from mlreef.management.processors import store
from mlreef.management.processors.records import Environment
from mlreef.management.processors.tables import environments


async def list_registered(tx: Tx) -> dict[str, Environment]:
    """All registered environments by name."""
    rows = await tx.all(select(environments).order_by(environments.c.name))
    return {row["name"]: store.record(Environment, row) for row in rows}


async def delete(tx: Tx, name: str) -> bool:
    """Forget an environment's image; says whether there was one."""
    done = await tx.execute(sql_delete(environments).where(environments.c.name == name))
    return bool(done.rowcount)


async def put(tx: Tx, name: str, values: Mapping[str, Any]) -> None:
    """Register an environment, or give it another image."""
    statement = upsert.insert(tx.dialect, environments).values(name=name, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=dict(values)))
