"""What a step's job asks and tells: its work, its inputs' manifests, its outputs, its result.

A job is known by the identity the forge signed (project, CI pipeline, job) and bound to one step for good. Repeated and
late calls are answered and change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
import pydantic
from pydantic import BaseModel, ConfigDict, Field

from mlreef.kit.db import Tx
from mlreef.kit.errors import PlatformError, conflict, invalid, not_found
from mlreef.management.experiments.stores import series
from mlreef.management.runs import manifests, progress, store
from mlreef.management.runs.records import Output, Run, RunView, Step
from mlreef.management.runs.transitions import ENDED_STEPS, StepStatus

INLINE_FILES = 500
"""Manifests of so many files travel with the specification and the result instead of in requests of their own."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a machine class gives a job."""

    memory_bytes: int
    cpus: float


@dataclass(frozen=True, slots=True)
class Forge:
    """Where a job finds repository and bytes."""

    url: str

    def of_project(self, project_id: int, path: str) -> dict[str, Any]:
        """What the job is told about its project's forge."""
        return {"url": self.url, "project_id": project_id, "lfs_url": f"{self.url}/{path}.git/info/lfs"}


_Amount = Annotated[int, Field(ge=0, lt=2**62)]
_Seconds = Annotated[float, Field(ge=0, lt=1e9, allow_inf_nan=False)]


class Used(BaseModel):
    """What a processor used; see `usage.service.Measured`."""

    model_config = ConfigDict(strict=True, extra="ignore")

    cpu_s: _Seconds | None = None
    gpu_s: _Seconds | None = None
    peak_memory_bytes: _Amount | None = None
    read_bytes: _Amount | None = None
    written_bytes: _Amount | None = None


class Result(BaseModel):
    """How a processor ended, as the framework saw it."""

    model_config = ConfigDict(strict=True, extra="ignore")

    status: Literal["success", "failed"]
    reason: str | None = Field(default=None, max_length=100)
    exit_code: int | None = Field(default=None, ge=-(2**31), lt=2**31)
    message: str | None = None
    duration_s: float | None = None
    model: dict[str, Any] | None = None
    outputs: dict[str, dict[str, Any]] | None = Field(default=None, max_length=100)
    """Tree manifests by output; those with many files are registered before, each on its own."""
    usage: Used | None = None
    packages: list[str] | None = Field(default=None, max_length=5000)


def parse_result(document: Any) -> Result:
    """The result in a body, or one error that names every fault."""
    try:
        found = Result.model_validate(_clean(document))
    except pydantic.ValidationError as exc:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in exc.errors())
        raise invalid(f"the body is not a result: {faults}") from exc
    return found.model_copy(update={"message": found.message[:4000] if found.message else None})


def _clean(value: Any) -> Any:
    """Without the NUL characters that databases refuse; a result comes from inside a job and may hold anything."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, list):
        return [_clean(one) for one in value]
    return {_clean(key): _clean(one) for key, one in value.items()} if isinstance(value, dict) else value


async def bind(tx: Tx, run: Run, job_id: int, name: str | None) -> Step | None:
    """The step of a job, by its id once bound and by its name before; None while the name is needed."""
    steps = (await store.list_steps(tx, [run.id]))[run.id]
    bound = next((step for step in steps if step.ci_job_id == job_id), None)
    if bound is not None or name is None:
        return bound
    step = next((step for step in steps if step.name == name), None)
    if step is None:
        raise not_found("Step")
    if step.ci_job_id is not None:
        raise conflict(f"step {step.name!r} belongs to another job; start the run again instead of the job")
    return step


async def begin(tx: Tx, run_id: str, step_name: str, job_id: int, *, now: datetime) -> tuple[RunView, Step]:
    """The job asks for its work: from now on the step runs, unless its outputs turn out to be known."""
    view = await store.get_view(tx, run_id, lock=True)
    step = _step(view, step_name)
    if step.status in ENDED_STEPS:
        raise conflict(f"step {step.name!r} has ended as {step.status.value}; start the run again instead of the job")
    for name in step.needs:
        upstream = _step(view, name)
        reported = upstream.reported()
        if not upstream.cached and (reported is None or reported.status != "success"):
            raise conflict(f"step {step.name!r} cannot start: {name!r} has not succeeded")
    if step.status != StepStatus.RUNNING or step.ci_job_id is None:
        await progress.job_news(tx, view, progress.JobNews(job_id, step.name, "running", started_at=now), now=now)
    if step.result is None:
        await series.restart(tx, step.id)
        await progress.early_cutoff(tx, view, step, now=now)
    return view, step


def _step(view: RunView, name: str) -> Step:
    step = view.step(name)
    if step is None:
        raise not_found("Step")
    return step


def small_inputs(view: RunView, step: Step) -> set[str]:
    """Digests of the manifests that a step reads and that fit into its specification."""
    digests = view.digests()
    consumed = {
        digests[one["source"]["step"], one["source"]["output"]]
        for one in step.inputs
        if one["source"]["type"] == "step"
    }
    small = {one.digest for outputs in view.outputs.values() for one in outputs if one.files <= INLINE_FILES}
    return consumed & small


def specification(
    view: RunView, step: Step, *, capacity: Capacity, forge: Forge, manifests: Mapping[str, bytes]
) -> dict[str, Any]:
    """The work of a step in full: nothing in it is left to the job to decide.

    `manifests` are those of small inputs, by digest; the job asks for the others.
    """
    run = view.run
    digests = view.digests()
    return {
        "kind": "step",
        "run": {"id": run.id, "name": run.name, "project_id": run.project_id, "project_path": run.project_path},
        "step": {"id": step.id, "name": step.name},
        "command": step.command,
        "arguments": step.arguments,
        "inputs": [
            {"name": one["name"], "flag": one["flag"], "source": _source(one["source"], digests, manifests)}
            for one in step.inputs
        ],
        "outputs": step.outputs,
        "limits": {"timeout_s": step.timeout_s, "memory_bytes": capacity.memory_bytes, "cpus": capacity.cpus},
        "forge": forge.of_project(run.project_id, run.project_path),
        "cached": {"outputs": _described(view.outputs.get(step.id, ()))} if step.cached else None,
        "environment": {"PYTHONUNBUFFERED": "1"},
        "inline_files": INLINE_FILES,
    }


def _source(
    source: Mapping[str, Any], digests: Mapping[tuple[str, str], str], contents: Mapping[str, bytes]
) -> dict[str, Any]:
    if source["type"] == "step":
        digest = digests[source["step"], source["output"]]
        content = contents.get(digest)
        inline = {} if content is None else {"manifest": msgspec.json.decode(content)}
        return {"type": "manifest", "digest": digest, "step": source["step"], **inline}
    return {"type": "git", **{key: source[key] for key in ("project_id", "commit", "path", "object_type")}}


def _described(outputs: Sequence[Output]) -> dict[str, Any]:
    return {one.name: {"digest": one.digest, "files": one.files, "bytes": one.bytes} for one in outputs}


def may_read(view: RunView, step: Step, digest: str) -> bool:
    """Whether a step consumes a manifest, or has it as an output: no job reads another's."""
    digests = view.digests()
    consumed = {
        digests.get((one["source"]["step"], one["source"]["output"]))
        for one in step.inputs
        if one["source"]["type"] == "step"
    }
    return digest in consumed or any(one.digest == digest for one in view.outputs.get(step.id, ()))


async def put_output(
    tx: Tx, run_id: str, step_name: str, name: str, manifest: manifests.Checked, *, now: datetime
) -> Output:
    """Record what an output holds, until the step's result is known; after that, what is recorded stays."""
    view = await store.get_view(tx, run_id, lock=True)
    return await _put_output(tx, view, _step(view, step_name), name, manifest, now=now)


async def _put_output(
    tx: Tx, view: RunView, step: Step, name: str, manifest: manifests.Checked, *, now: datetime
) -> Output:
    if name not in step.output_names:
        raise not_found(f"Output {name!r}")
    present = next((one for one in view.outputs.get(step.id, ()) if one.name == name), None)
    if step.status in ENDED_STEPS or step.result is not None:
        if present is None:
            raise conflict(f"step {step.name!r} has ended; its outputs are settled")
        return present
    await store.put_manifest(
        tx, step.project_id, manifest.digest, manifest.content, files=manifest.files, size=manifest.size, now=now
    )
    output = Output(step.id, name, step.project_id, manifest.digest, manifest.files, manifest.size)
    await store.put_output(tx, output)
    return output


async def put_result(tx: Tx, run_id: str, step_name: str, result: Result, *, now: datetime) -> dict[str, Any]:
    """Record how the processor ended; the first report stays. A success without its outputs is none."""
    view = await store.get_view(tx, run_id, lock=True)
    step = _step(view, step_name)
    if step.result is None and step.status not in ENDED_STEPS:
        document = result.model_dump(mode="json", exclude_none=True, exclude={"outputs"})
        written = {one.name for one in view.outputs.get(step.id, ())}
        try:
            checked = {name: manifests.check(msgspec.json.encode(one)) for name, one in (result.outputs or {}).items()}
            for name, manifest in checked.items():
                await _put_output(tx, view, step, name, manifest, now=now)
                written.add(name)
        except PlatformError as exc:
            document |= {"status": "failed", "reason": "epf_error", "message": f"output refused: {exc.message}"}
        missing = [name for name in step.output_names if name not in written]
        if document["status"] == "success" and missing:
            document |= {"status": "failed", "reason": "no_output", "message": f"no output: {', '.join(missing)}"}
        step.result = document
        await store.update_step(tx, step.id, result=document)
        await store.update_run(tx, run_id)
    recorded = step.result or {"status": "failed", "reason": step.reason}
    return {"status": recorded["status"], "reason": recorded.get("reason")}
