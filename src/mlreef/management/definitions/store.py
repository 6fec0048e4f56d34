"""Queries over saved data pipelines, and the look-up of processor versions that definitions name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from mlreef.kit.db import Tx
from mlreef.kit.paging import Page, Paged
from mlreef.management.definitions import tables
from mlreef.management.processors import tables as processor_tables

NOT_RUNNABLE = ("unpublished",)


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


async def find_version(tx: Tx, project_path: str, name: str, version: str) -> Mapping[str, Any] | None:
    """A processor version by its reference; `latest` is the newest by number."""
    processors, versions = processor_tables.processors, processor_tables.versions
    statement = (
        select(versions, processors.c.project_id, processors.c.project_path, processors.c.name)
        .join(processors, processors.c.id == versions.c.processor_id)
        .where(processors.c.project_path == project_path, processors.c.name == name)
        .where(versions.c.status.not_in(NOT_RUNNABLE))
    )
    if version != "latest":
        statement = statement.where(versions.c.version == version)
    newest = (versions.c.major.desc(), versions.c.minor.desc(), versions.c.patch.desc(), versions.c.published_at.desc())
    row = await tx.find(statement.order_by(*newest).limit(1))
    return dict(row) if row is not None else None
