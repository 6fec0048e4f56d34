"""Queries of processors and their versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ColumnElement, Select, Table, and_, case, func, or_, select, update

from mlreef.kit.db import Tx
from mlreef.management.processors import market_store
from mlreef.management.processors.records import Processor, Version
from mlreef.management.processors.tables import processors, versions
from mlreef.management.runs.tables import runs, steps

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
    rows = await tx.all(select(versions).where(versions.c.processor_id == processor_id))
    return sorted((record(Version, row) for row in rows), key=lambda one: one.number, reverse=True)


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


async def lock(tx: Tx, processor_id: str) -> None:
    """Keep others from changing a processor or its versions until the transaction ends."""
    if tx.dialect == "postgresql":
        await tx.execute(select(processors.c.id).where(processors.c.id == processor_id).with_for_update())


async def find_row(tx: Tx, processor_id: str) -> dict[str, Any] | None:
    """All columns of a processor."""
    row = await tx.find(select(processors).where(processors.c.id == processor_id))
    return dict(row) if row is not None else None


async def update_version(tx: Tx, version_id: str, values: Mapping[str, Any]) -> None:
    """Change how a version stands; what it is never changes."""
    await tx.execute(update(versions).where(versions.c.id == version_id).values(**values))


async def count_use(tx: Tx, version_ids: Sequence[str]) -> None:
    """A run was started with these versions."""
    chosen = select(versions.c.processor_id).where(versions.c.id.in_(version_ids)).distinct()
    processor_ids = sorted(row["processor_id"] for row in await tx.all(chosen))
    for one in processor_ids:  # in one order: two runs must not wait for each other
        values = {"usage_count": processors.c.usage_count + 1}
        await tx.execute(update(processors).where(processors.c.id == one).values(**values))
    await market_store.touch(tx, processor_ids)


async def usage(tx: Tx, processor_id: str, since: datetime) -> dict[str, int]:
    """Runs that were started with a processor and people who started them: ever, and since a moment."""
    of_it = steps.c.version_id.in_(select(versions.c.id).where(versions.c.processor_id == processor_id))
    found = select(
        func.count(runs.c.id.distinct()).label("runs"),
        func.count(runs.c.user_id.distinct()).label("users"),
        func.count(case((runs.c.created_at >= since, runs.c.id)).distinct()).label("recent_runs"),
        func.count(case((runs.c.created_at >= since, runs.c.user_id)).distinct()).label("recent_users"),
    ).select_from(steps.join(runs, runs.c.id == steps.c.run_id))
    return dict(await tx.one(found.where(of_it)))


async def count(tx: Tx, found: Select[Any]) -> int:
    """How many there are."""
    number: int = await tx.scalar(select(func.count()).select_from(found.subquery()))
    return number


async def list_of_project(tx: Tx, project_id: int, *, offset: int, limit: int) -> tuple[list[Processor], int]:
    """Processors of a project by name, and their number."""
    found = select(processors).where(processors.c.project_id == project_id)
    rows = await tx.all(found.order_by(func.lower(processors.c.title), processors.c.id).offset(offset).limit(limit))
    return [record(Processor, row) for row in rows], await count(tx, found)


async def list_processors(tx: Tx, processor_ids: Sequence[str]) -> dict[str, Processor]:
    """Processors by id."""
    rows = await tx.all(select(processors).where(processors.c.id.in_(processor_ids)))
    return {row["id"]: record(Processor, row) for row in rows}


async def mirror(tx: Tx, project_id: int, values: Mapping[str, Any]) -> list[str]:
    """Take over what the forge says of a project: path, visibility, stars; gives the processors that changed."""
    where = _mirrored_otherwise(project_id, values)
    rows = await tx.all(update(processors).where(where).values(**values).returning(processors.c.id))
    if rows:
        await market_store.touch(tx, [row["id"] for row in rows])
    return [row["id"] for row in rows]


async def is_mirrored(tx: Tx, project_id: int, values: Mapping[str, Any]) -> bool:
    """Whether that is what is believed of the project already."""
    return await tx.find(select(processors.c.id).where(_mirrored_otherwise(project_id, values)).limit(1)) is None


def _mirrored_otherwise(project_id: int, values: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(processors.c.project_id == project_id, or_(*(processors.c[name] != values[name] for name in values)))


async def list_mirrored(tx: Tx) -> dict[int, Mapping[str, Any]]:
    """What is believed of the projects that have processors."""
    columns = (processors.c.project_id, processors.c.project_path, processors.c.visibility, processors.c.star_count)
    return {row["project_id"]: dict(row) for row in await tx.all(select(*columns).distinct())}


async def list_shown(tx: Tx, found: Sequence[Processor]) -> dict[str, Version]:
    """By processor, its latest version, without what can be long; one that has only pre-releases has none."""
    ids = [one.latest_version_id for one in found if one.latest_version_id is not None]
    columns = [column for column in versions.c if column.name not in _LONG]
    rows = await tx.all(select(*columns).where(versions.c.id.in_(ids)))
    return {row["processor_id"]: record(Version, {**row, **_LONG}) for row in rows}


_LONG: dict[str, Any] = {"lock": "", "packages": [], "changelog": ""}
