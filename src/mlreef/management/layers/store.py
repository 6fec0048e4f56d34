"""Queries of published versions by their locked packages."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping, select

from mlreef.kit.db import Tx
from mlreef.management.processors.tables import processors, publications, versions

HEADING = "# mlreef-lock: "


async def list_with_lock(tx: Tx, key: str, limit: int = 20) -> list[RowMapping]:
    """The newest versions whose own job built the packages of that lock: `image`, `digest`, `project_id`, `ci_job_id`.

    Versions that took the packages over from the one before do not count: their lock has another heading.
    """
    query = (
        select(versions.c.image, versions.c.digest, processors.c.project_id, publications.c.ci_job_id)
        .join(processors, processors.c.id == versions.c.processor_id)
        .join(publications, publications.c.id == versions.c.publication_id)
        .where(versions.c.lock.startswith(f"{HEADING}{key}", autoescape=True))
        .order_by(versions.c.id.desc())
        .limit(limit)
    )
    return list(await tx.all(query))


async def find_previous(tx: Tx, project_id: int, name: str, environment: str) -> dict[str, Any] | None:
    """The newest version of a processor on an environment: `image` and `lock`."""
    query = (
        select(versions.c.image, versions.c.lock)
        .join(processors, processors.c.id == versions.c.processor_id)
        .where(processors.c.project_id == project_id, processors.c.name == name)
        .where(versions.c.environment == environment)
        .order_by(versions.c.id.desc())
        .limit(1)
    )
    row = await tx.find(query)
    return dict(row) if row is not None else None
