"""Queries over experiments and their parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, insert, nulls_last, select, update

from mlreef.kit.db import Tx
from mlreef.kit.paging import Page, Paged
from mlreef.management.experiments import tables
from mlreef.management.runs import store as run_store
from mlreef.management.runs import tables as run_tables

Row = Mapping[str, Any]


async def next_number(tx: Tx, project_id: int) -> int:
    """The next experiment number of a project."""
    return await run_store.next_of(tx, tables.experiment_numbers, project_id)


async def insert_experiment(tx: Tx, values: Row) -> None:
    """Write an experiment."""
    await tx.insert(tables.experiments, values)


async def repoint(tx: Tx, step_id: str, source: str) -> None:
    """Show another step's measurements, those of the success that was taken from the cache."""
    table = tables.experiments
    await tx.execute(update(table).where(table.c.step_id == step_id).values(source=source))


async def put_parameters(tx: Tx, source: str, rows: Sequence[Row], *, replace: bool) -> None:
    """Write parameters; those already known are replaced or kept."""
    table = tables.parameters
    known = {row["name"] for row in await tx.all(select(table.c.name).where(table.c.source == source))}
    fresh = [row for row in rows if row["name"] not in known]
    if fresh:
        await tx.execute(insert(table), [{"source": source, **row} for row in fresh])
    if not replace:
        return
    for row in rows:
        if row["name"] in known:
            where = (table.c.source == source, table.c.name == row["name"])
            await tx.execute(update(table).where(*where).values(**row))


async def count_parameters(tx: Tx, source: str) -> int:
    """How many parameters a source has."""
    table = tables.parameters
    count: int = await tx.scalar(select(func.count()).select_from(table).where(table.c.source == source))
    return count


async def list_parameters(tx: Tx, sources: Collection[str]) -> dict[str, list[Row]]:
    """Parameters by source, by name."""
    table = tables.parameters
    found: dict[str, list[Row]] = {}
    for row in await tx.all(select(table).where(table.c.source.in_(list(sources))).order_by(table.c.name)):
        found.setdefault(row["source"], []).append(dict(row))
    return found


async def find(tx: Tx, experiment_id: str) -> Row | None:
    """An experiment by id."""
    row = await tx.find(select(tables.experiments).where(tables.experiments.c.id == experiment_id))
    return dict(row) if row is not None else None


async def list_by_ids(tx: Tx, experiment_ids: Collection[str]) -> dict[str, Row]:
    """Experiments by id."""
    table = tables.experiments
    rows = await tx.all(select(table).where(table.c.id.in_(list(experiment_ids))))
    return {row["id"]: dict(row) for row in rows}


async def list_page(
    tx: Tx,
    project_id: int,
    *,
    sort: tuple[str, str],
    descending: bool,
    statuses: Sequence[str],
    search: str,
    page: Page,
) -> Paged[Row]:
    """Experiments of a project in the order of a column, a metric's last value or a parameter."""
    table, steps = tables.experiments, run_tables.steps
    where: list[ColumnElement[bool]] = [table.c.project_id == project_id]
    where += [steps.c.status.in_(list(statuses))] if statuses else []
    where += [func.lower(table.c.name).contains(search.lower(), autoescape=True)] if search else []
    joined = table.join(steps, steps.c.id == table.c.step_id)
    total: int = await tx.scalar(select(func.count()).select_from(joined).where(*where))
    statement, column = _sorted(select(table).select_from(joined).where(*where), sort)
    order = column.desc() if descending else column.asc()
    rows = await tx.all(
        statement.order_by(nulls_last(order), table.c.number.desc()).limit(page.size).offset(page.offset)
    )
    return Paged([dict(row) for row in rows], page, total)


def _sorted(statement: Select[Any], sort: tuple[str, str]) -> tuple[Select[Any], ColumnElement[Any]]:
    kind, name = sort
    table, series, parameters = tables.experiments, tables.series, tables.parameters
    if kind == "metric":
        on = (series.c.source == table.c.source) & (series.c.family == "metric") & (series.c.key == name)
        return statement.outerjoin(series, on), series.c.last
    if kind == "parameter":
        on = (parameters.c.source == table.c.source) & (parameters.c.name == name)
        return statement.outerjoin(parameters, on), parameters.c.number
    if kind == "duration":
        return statement, run_tables.steps.c.duration_s
    return statement, {"name": table.c.name, "created_at": table.c.created_at}.get(kind, table.c.number)
