"""Queries of publications and of their claims on version numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from mlreef.kit.db import Tx
from mlreef.management.processors import store
from mlreef.management.processors.records import Publication, Status
from mlreef.management.processors.tables import claims, publications

_OPEN = (Status.PENDING.value, Status.RUNNING.value)


async def insert(tx: Tx, publication: Publication) -> None:
    """Record a publication that begins."""
    await tx.insert(publications, {one.name: getattr(publication, one.name) for one in fields(publication)})


async def find(tx: Tx, publication_id: str, *, lock: bool = False) -> Publication | None:
    """A publication by its id; `lock` keeps other transactions from changing it meanwhile (PostgreSQL)."""
    query = select(publications).where(publications.c.id == publication_id)
    row = await tx.find(query.with_for_update() if lock else query)
    return store.record(Publication, row) if row is not None else None


async def find_by_pipeline(tx: Tx, project_id: int, pipeline_id: int) -> Publication | None:
    """The publication that a CI pipeline carries out."""
    where = (publications.c.project_id == project_id, publications.c.ci_pipeline_id == pipeline_id)
    row = await tx.find(select(publications).where(*where))
    return store.record(Publication, row) if row is not None else None


async def change(tx: Tx, publication_id: str, values: Mapping[str, Any]) -> bool:
    """Change a publication that has not ended; says whether it had not."""
    where = (publications.c.id == publication_id, publications.c.status.in_(_OPEN))
    changed = await tx.execute(update(publications).where(*where).values(**values))
    return changed.rowcount == 1


async def list_open(tx: Tx, before: datetime, limit: int = 200) -> list[Publication]:
    """Publications that began before a moment and have not ended."""
    where = (publications.c.status.in_(_OPEN), publications.c.created_at < before)
    rows = await tx.all(select(publications).where(*where).order_by(publications.c.id).limit(limit))
    return [store.record(Publication, row) for row in rows]


async def list_of_project(tx: Tx, project_id: int, *, offset: int, limit: int) -> tuple[list[Publication], int]:
    """Publications of a project, newest first, and their number."""
    found = select(publications).where(publications.c.project_id == project_id)
    total = await store.count(tx, found)
    rows = await tx.all(found.order_by(publications.c.id.desc()).offset(offset).limit(limit))
    return [store.record(Publication, row) for row in rows], total


async def published_by_hand(tx: Tx, project_id: int) -> bool:
    """Whether somebody published from a project successfully, not only its tags."""
    where = (publications.c.project_id == project_id, publications.c.status == Status.SUCCEEDED.value)
    found = select(publications.c.id).where(*where, publications.c.trigger != "tag").limit(1)
    return await tx.find(found) is not None


async def find_of_tag(tx: Tx, project_id: int, tag: str, commit: str) -> Publication | None:
    """What a tag at a commit published, or tried to."""
    where = (publications.c.project_id == project_id, publications.c.trigger == "tag", publications.c.ref == tag)
    row = await tx.find(select(publications).where(*where, publications.c.commit == commit).limit(1))
    return store.record(Publication, row) if row is not None else None


async def claim(tx: Tx, project_id: int, name: str, version: str, publication_id: str) -> bool:
    """Take a version number; False when another publication has it. The transaction is lost then."""
    values = {"project_id": project_id, "name": name, "version": version, "publication_id": publication_id}
    try:
        await tx.insert(claims, values)
    except IntegrityError:
        return False
    return True


async def list_claimed(tx: Tx, project_id: int, name: str) -> list[str]:
    """All numbers that are taken."""
    where = (claims.c.project_id == project_id, claims.c.name == name)
    return [row["version"] for row in await tx.all(select(claims.c.version).where(*where))]


async def release(tx: Tx, publication_id: str) -> None:
    """Give a number back."""
    await tx.execute(delete(claims).where(claims.c.publication_id == publication_id))
