"""Queries of deliveries."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from mlreef.kit.db import Database, Tx
from mlreef.management.hooks.tables import deliveries


async def seen(tx: Tx, key: str) -> bool:
    """Whether a delivery was dealt with."""
    return await tx.find(select(deliveries.c.key).where(deliveries.c.key == key)) is not None


async def remember(db: Database, key: str, now: datetime) -> None:
    """A delivery is dealt with; another worker may have been as fast, which is no harm."""
    try:
        async with db.write() as tx:
            await tx.insert(deliveries, {"key": key, "received_at": now})
    except IntegrityError:
        return


async def forget_before(tx: Tx, moment: datetime) -> None:
    """The forge repeats a delivery for a day at most."""
    await tx.execute(delete(deliveries).where(deliveries.c.received_at < moment))
