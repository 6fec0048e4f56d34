"""Runs and steps as the API shows them."""

from __future__ import annotations

from typing import Any

from mlreef.kit import clock
from mlreef.management.runs.records import Output, Run, RunView, Step


def run_json(view: RunView) -> dict[str, Any]:
    """A run with its steps."""
    run = view.run
    return {
        "id": run.id,
        "number": run.number,
        "project_id": run.project_id,
        "project_path": run.project_path,
        "name": run.name,
        "kind": run.kind,
        "status": run.status.value,
        "reason": run.reason,
        "created_at": clock.iso(run.created_at),
        "started_at": clock.iso(run.started_at),
        "finished_at": clock.iso(run.finished_at),
        "created_by": {"id": run.user_id, "username": run.username},
        "definition": run.definition,
        "steps": [step_json(step, view.outputs.get(step.id, [])) for step in view.steps],
        "dataset": dataset_json(run),
        "ci_pipeline_id": run.ci_pipeline_id,
        "jobs_started": run.jobs_started,
        "cached_steps": run.cached_steps,
        "rerun_of": run.rerun_of,
        "cancel_requested": run.cancel_requested,
    }


def dataset_json(run: Run) -> dict[str, Any] | None:
    """Where a run's dataset is, once it is committed."""
    if run.dataset_commit is None:
        return None
    return {
        "branch": run.target_branch,
        "commit": run.dataset_commit,
        "path": run.target_path,
        "files": run.dataset_files,
        "bytes": run.dataset_bytes,
    }


def step_json(step: Step, outputs: list[Output]) -> dict[str, Any]:
    """One step."""
    return {
        "id": step.id,
        "name": step.name,
        "processor": {
            "slug": step.slug,
            "version": step.version,
            "version_id": step.version_id,
            "kind": step.processor_kind,
            "image": step.image,
        },
        "status": step.status.value,
        "reason": step.reason,
        "message": step.message,
        "exit_code": step.exit_code,
        "cached": step.cached,
        "cached_from": step.cached_from,
        "cache_key": step.cache_key,
        "cache_reason": step.cache_reason,
        "parameters": step.parameters,
        "inputs": {one["name"]: one["source"] for one in step.inputs},
        "outputs": [
            {"name": one.name, "digest": one.digest, "files": one.files, "bytes": one.bytes} for one in outputs
        ],
        "needs": step.needs,
        "machine": step.machine,
        "timeout": step.timeout_s,
        "ci_job_id": step.ci_job_id,
        "started_at": clock.iso(step.started_at),
        "finished_at": clock.iso(step.finished_at),
        "duration_s": step.duration_s,
    }


def pinned(view: RunView) -> dict[str, Any]:
    """The run's definition with what its names meant: commits for branches, numbers for `latest`."""
    found: dict[str, Any] = {**view.run.definition, "steps": []}
    for document in view.run.definition["steps"]:
        step = view.step(document["name"])
        if step is None:
            continue
        sources = {one["name"]: one["source"] for one in step.inputs}
        inputs = {
            name: {"commit": sources[name]["commit"], "path": sources[name]["path"]}
            if sources.get(name, {}).get("type") == "git"
            else source
            for name, source in document.get("inputs", {}).items()
        }
        found["steps"].append({**document, "processor": f"{step.slug}@{step.version}", "inputs": inputs})
    return found
