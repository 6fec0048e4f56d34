"""Queries over the usage ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import func, select

from mlreef.kit.db import Tx
from mlreef.kit.paging import Page, Paged
from mlreef.management.usage import tables


async def append(tx: Tx, values: Mapping[str, Any]) -> bool:
    """Write a record unless the job has one; returns whether it was new."""
    table = tables.records
    known = await tx.scalar(select(table.c.job_id).where(table.c.job_id == values["job_id"]))
    if known is not None:
        return False
    await tx.insert(table, values)
    return True


async def list_page(tx: Tx, project_ids: Collection[int], page: Page) -> Paged[Mapping[str, Any]]:
    """Records of projects, newest first."""
    table = tables.records
    where = table.c.project_id.in_(list(project_ids))
    total: int = await tx.scalar(select(func.count()).select_from(table).where(where))
    order = (table.c.finished_at.desc(), table.c.job_id.desc())
    rows = await tx.all(select(table).where(where).order_by(*order).limit(page.size).offset(page.offset))
    return Paged([dict(row) for row in rows], page, total)
