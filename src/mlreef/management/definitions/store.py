"""Queries over saved data pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from mlreef.kit.db import Tx
from mlreef.kit.paging import Page, Paged
from mlreef.management.definitions import tables


async def add(tx: Tx, values: Mapping[str, Any]) -> None:
    """Save a data pipeline."""
    await tx.insert(tables.data_pipelines, values)


async def find(tx: Tx, pipeline_id: str) -> Mapping[str, Any] | None:
    """A saved data pipeline."""
    row = await tx.find(select(tables.data_pipelines).where(tables.data_pipelines.c.id == pipeline_id))
    return dict(row) if row is not None else None


async def list_page(tx: Tx, project_id: int, page: Page) -> Paged[Mapping[str, Any]]:
    """Data pipelines of a project, newest first."""
    table = tables.data_pipelines
    where = table.c.project_id == project_id
    total: int = await tx.scalar(select(func.count()).select_from(table).where(where))
    rows = await tx.all(select(table).where(where).order_by(table.c.id.desc()).limit(page.size).offset(page.offset))
    return Paged([dict(row) for row in rows], page, total)
