"""Queries of processors and their versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Select, Table, and_, func, or_, select, update

from mlreef.kit.db import Tx
from mlreef.management.processors.records import Processor, Version
from mlreef.management.processors.tables import processors, versions

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R", bound="DataclassInstance")


def record(kind: type[R], row: Any) -> R:
    """A row as its dataclass; columns that it has no field for stay in the database."""
    return kind(**{field.name: row[field.name] for field in fields(kind)})


async def insert(tx: Tx, table: Table, values: Mapping[str, Any]) -> None:
    """Add a row."""
    await tx.insert(table, values)


async def find_processor(tx: Tx, processor_id: str) -> Processor | None:
    """A processor by its id."""
    row = await tx.find(select(processors).where(processors.c.id == processor_id))
    return record(Processor, row) if row is not None else None


async def find_by_slug(tx: Tx, slug: str) -> Processor | None:
    """A processor by `<project path>/<name>`."""
    path, _, name = slug.rpartition("/")
    row = await tx.find(select(processors).where(processors.c.project_path == path, processors.c.name == name))
    return record(Processor, row) if row is not None else None


async def find_by_name(tx: Tx, project_id: int, name: str) -> Processor | None:
    """A processor of a project."""
    row = await tx.find(select(processors).where(processors.c.project_id == project_id, processors.c.name == name))
    return record(Processor, row) if row is not None else None


async def list_versions(tx: Tx, processor_id: str) -> list[Version]:
    """All versions, the highest number first."""
    order = (versions.c.major.desc(), versions.c.minor.desc(), versions.c.patch.desc(), versions.c.id.desc())
    rows = await tx.all(select(versions).where(versions.c.processor_id == processor_id).order_by(*order))
    return [record(Version, row) for row in rows]


async def find_version(tx: Tx, version_id: str) -> Version | None:
    """A version by its id."""
    row = await tx.find(select(versions).where(versions.c.id == version_id))
    return record(Version, row) if row is not None else None


async def find_numbered(tx: Tx, processor_id: str, number: str) -> Version | None:
    """A version by its number."""
    where = and_(versions.c.processor_id == processor_id, versions.c.version == number)
    row = await tx.find(select(versions).where(where))
    return record(Version, row) if row is not None else None


async def list_by_ids(tx: Tx, version_ids: Sequence[str]) -> dict[str, Version]:
    """Versions by id."""
    rows = await tx.all(select(versions).where(versions.c.id.in_(version_ids)))
    return {row["id"]: record(Version, row) for row in rows}


async def update_processor(tx: Tx, processor_id: str, values: Mapping[str, Any]) -> None:
    """Change what a processor is described by."""
    await tx.execute(update(processors).where(processors.c.id == processor_id).values(**values))


async def count_use(tx: Tx, version_ids: Sequence[str]) -> None:
    """A run was started with these versions."""
    chosen = select(versions.c.processor_id).where(versions.c.id.in_(version_ids))
    await tx.execute(
        update(processors).where(processors.c.id.in_(chosen)).values(usage_count=processors.c.usage_count + 1)
    )


async def move_project(tx: Tx, project_id: int, path: str) -> None:
    """A project has another path now; its processors are found there."""
    where = and_(processors.c.project_id == project_id, processors.c.project_path != path)
    await tx.execute(update(processors).where(where).values(project_path=path))


async def list_project_ids(tx: Tx) -> set[int]:
    """All projects that have processors."""
    rows = await tx.all(select(processors.c.project_id).distinct())
    return {row["project_id"] for row in rows}


_ORDER = {
    "recent": (processors.c.published_at.desc(), processors.c.id.desc()),
    "name": (func.lower(processors.c.title), processors.c.id),
    "usage": (processors.c.usage_count.desc(), processors.c.published_at.desc(), processors.c.id),
}


def matching(
    projects: Sequence[int], *, words: Sequence[str] = (), kind: str | None, environment: str | None, owner: str | None
) -> Select[Any]:
    """Processors of some projects that match every word and every filter."""
    found = select(processors).where(processors.c.project_id.in_(projects))
    for word in words:
        found = found.where(processors.c.search_text.contains(word.lower(), autoescape=True))
    if kind is not None:
        found = found.where(processors.c.kind == kind)
    if environment is not None:
        found = found.where(processors.c.environment == environment)
    if owner is not None:
        owned = processors.c.project_path.startswith(f"{owner}/", autoescape=True)
        found = found.where(or_(owned, processors.c.project_path == owner))
    return found


async def count(tx: Tx, found: Select[Any]) -> int:
    """How many there are."""
    number: int = await tx.scalar(select(func.count()).select_from(found.subquery()))
    return number


async def list_sorted(tx: Tx, found: Select[Any], sort: str, *, offset: int, limit: int | None) -> list[Processor]:
    """A slice of them in an order."""
    ordered = found.order_by(*_ORDER[sort]).offset(offset)
    rows = await tx.all(ordered.limit(limit) if limit is not None else ordered)
    return [record(Processor, row) for row in rows]
