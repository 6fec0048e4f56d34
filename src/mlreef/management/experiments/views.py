"""Experiments as the API shows them: the run and step they come from, their parameters, metrics and model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlreef.kit import clock
from mlreef.kit.db import Tx
from mlreef.management.experiments import packing
from mlreef.management.experiments.stores import experiments as store
from mlreef.management.experiments.stores import series
from mlreef.management.runs import store as run_store
from mlreef.management.runs.records import Output, RunView, Step

_STATUS = {"waiting": "queued", "cached": "success"}


async def present(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The experiments of some rows, in their order, in a bounded number of queries."""
    run_ids = list(dict.fromkeys(row["run_id"] for row in rows))
    runs = await run_store.find_runs(tx, run_ids)
    views = {view.run.id: view for view in await run_store.views(tx, runs)}
    sources = [row["source"] for row in rows]
    metrics = await series.summaries(tx, sources)
    parameters = await store.list_parameters(tx, {*sources, *(row["step_id"] for row in rows)})
    found = []
    for row in rows:
        view = views[row["run_id"]]
        step = next(one for one in view.steps if one.id == row["step_id"])
        reported = [one for one in parameters.get(row["source"], []) if one["reported"]]
        document = _experiment(row, view, step)
        document["parameters"] |= {one["name"]: one["value"] for one in reported if one["name"] not in step.parameters}
        document["metrics"] = metrics.get(row["source"], {})
        found.append(document)
    return found


def _experiment(row: Mapping[str, Any], view: RunView, step: Step) -> dict[str, Any]:
    data = next((one["source"] for one in step.inputs), None)
    return {
        "id": row["id"],
        "number": row["number"],
        "name": row["name"],
        "status": _STATUS.get(step.status.value, step.status.value),
        "reason": step.reason,
        "message": step.message,
        "run_id": row["run_id"],
        "run_number": view.run.number,
        "step": step.name,
        "project_id": row["project_id"],
        "processor": {"slug": step.slug, "version": step.version, "version_id": step.version_id},
        "parameters": dict(step.parameters),
        "metrics": {},
        "created_at": clock.iso(row["created_at"]),
        "started_at": clock.iso(step.started_at),
        "finished_at": clock.iso(step.finished_at),
        "duration_s": step.duration_s,
        "created_by": {"id": view.run.user_id, "username": view.run.username},
        "cached": step.cached,
        "machine": step.machine,
        "code": {"project_id": step.processor_project_id, "commit": step.processor_commit, "image": step.image},
        "data": _data(data),
        "model": _model(step, view.outputs.get(step.id, [])),
    }


def _data(source: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if source is None:
        return None
    if source["type"] == "step":
        return {"step": source["step"], "output": source["output"]}
    return {"branch": source.get("branch"), "commit": source["commit"], "path": source["path"]}


def _model(step: Step, outputs: Sequence[Output]) -> dict[str, Any] | None:
    if not outputs or step.status.value not in {"success", "cached"}:
        return None
    described = (step.result or {}).get("model") or {}
    return {
        **described,
        "output": outputs[0].name,
        "files": sum(one.files for one in outputs),
        "bytes": sum(one.bytes for one in outputs),
        "digest": outputs[0].digest,
    }


async def curves(
    tx: Tx, source: str, family: str, *, keys: Sequence[str] | None, points: int
) -> dict[str, dict[str, list[float | None]]]:
    """Series thinned to about `points` points each, as columns."""
    known = sorted(await series.keys(tx, source, family))
    wanted = known if keys is None else [key for key in known if key in keys]
    found: dict[str, dict[str, list[float | None]]] = {}
    for key in wanted[:200]:
        blobs, _drop = await series.blobs(tx, source, family, key)
        columns = packing.downsample(packing.unpack(blobs), points)
        found[key] = {
            "steps": _finite(columns.steps),
            "values": _finite(columns.values),
            "times_ms": _finite(columns.times),
        }
    return found


def _finite(column: Sequence[float]) -> list[float | None]:
    # NaN differs from itself; infinities are the only others JSON cannot carry.
    return [value if value == value and abs(value) != float("inf") else None for value in column]  # noqa: PLR0124
