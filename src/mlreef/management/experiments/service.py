"""Rules of experiments: their making, parameters from the definition and from the program, comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlreef.kit import ids
from mlreef.kit.db import Tx
from mlreef.kit.errors import Detail, invalid
from mlreef.management.definitions import values
from mlreef.management.experiments.stores import experiments as store

MAX_PARAMETERS = 1000
MAX_VALUE = 10_000

_LOWER_IS_BETTER = ("loss", "error", "rmse", "mse", "mae", "perplexity", "time", "latency")


@dataclass(frozen=True, slots=True)
class New:
    """What an experiment begins with."""

    project_id: int
    run_id: str
    step_id: str
    source: str
    name: str
    parameters: Mapping[str, Any]
    created_at: datetime


async def create(tx: Tx, new: New) -> str:
    """Write an experiment and its parameters; returns its id."""
    experiment_id = ids.new_id("exp")
    await store.insert_experiment(
        tx,
        {
            "id": experiment_id,
            "project_id": new.project_id,
            "number": await store.next_number(tx, new.project_id),
            "run_id": new.run_id,
            "step_id": new.step_id,
            "source": new.source,
            "name": new.name,
            "created_at": new.created_at,
        },
    )
    rows = [_parameter(name, value, reported=False) for name, value in new.parameters.items()]
    await store.put_parameters(tx, new.step_id, rows, replace=False)
    return experiment_id


async def repoint(tx: Tx, step_id: str, source: str) -> None:
    """From now on show what `source` measured."""
    await store.repoint(tx, step_id, source)


async def report_parameters(tx: Tx, source: str, given: Mapping[str, Any]) -> None:
    """Parameters that the program itself reports; those of the definition stay what was run."""
    faults = [Detail(f"params.{name}", "use 1 to 250 characters") for name in given if not 0 < len(name) <= 250]
    if faults:
        raise invalid("a parameter's name is too long or empty", details=faults)
    rows = [_parameter(name, value, reported=True) for name, value in given.items()]
    if rows and await store.count_parameters(tx, source) + len(rows) > MAX_PARAMETERS:
        raise invalid(f"a step may report at most {MAX_PARAMETERS} parameters")
    await store.put_parameters(tx, source, rows, replace=False)


def _parameter(name: str, value: Any, *, reported: bool) -> dict[str, Any]:
    text = value if isinstance(value, str) else _text(value)
    # A NUL, which no database text can hold, says nothing to anybody.
    name, text = name.replace("\x00", ""), text.replace("\x00", "")
    return {"name": name[:250], "value": text[:MAX_VALUE], "number": _number(value), "reported": reported}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(values.as_text(item) for item in value)
    return "" if value is None else values.as_text(value)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def compare(experiments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Experiments side by side: for each parameter whether it differs, for each metric where the best is."""
    names = list(dict.fromkeys(name for one in experiments for name in one["parameters"]))
    keys = list(dict.fromkeys(key for one in experiments for key in one["metrics"]))
    parameters = []
    for name in names:
        row = [one["parameters"].get(name) for one in experiments]
        parameters.append({"name": name, "values": row, "differs": any(value != row[0] for value in row)})
    metrics = []
    for key in keys:
        last = [one["metrics"].get(key, {}).get("last") for one in experiments]
        metrics.append({"name": key, "values": last, "best": _best(key, last)})
    return {"experiments": list(experiments), "parameters": parameters, "metrics": metrics}


def _best(key: str, last: Sequence[float | None]) -> int | None:
    present = [(value, index) for index, value in enumerate(last) if value is not None]
    if len(present) < 2:
        return None
    lower = any(word in key.lower() for word in _LOWER_IS_BETTER)
    return min(present)[1] if lower else max(present, key=lambda pair: (pair[0], -pair[1]))[1]
