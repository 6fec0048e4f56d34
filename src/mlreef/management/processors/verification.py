"""Verification: a version runs on its reference data in its own project, and what comes out is compared.

`reference` of `processor.yaml` names the data and what has to come out. The run belongs to the service account, uses no
cache and keeps no dataset. The badge is the last result of the latest version, with the reason where it failed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from mlreef.extraction.manifest import FILE, units
from mlreef.kit import ids, logs
from mlreef.kit.db import Tx
from mlreef.kit.errors import Kind, PlatformError, conflict, invalid
from mlreef.management.access.policy import Action
from mlreef.management.experiments.stores import series
from mlreef.management.processors import store, verification_store
from mlreef.management.processors.records import Processor, Verification, Version
from mlreef.management.runs import launching
from mlreef.management.runs import store as runs
from mlreef.management.runs.records import RunView
from mlreef.management.runs.transitions import ENDED_RUNS, RunStatus
from mlreef.management.state import State

log = logs.get(__name__)

PASSED, FAILED = "passed", "failed"
_STEP = "reference"
_KINDS = {"operation": "dataops", "visualization": "visualization", "algorithm": "experiment"}
_LOST = timedelta(minutes=10)


async def start(state: State, processor: Processor, version: Version) -> Verification:
    """Begin a verification; raises when there is nothing to verify or one is on its way."""
    if not version.manifest.get("reference"):
        raise invalid(
            "this version names no reference data: write `reference` in processor.yaml, with inputs and what must come "
            "out, and publish again"
        )
    if not version.selectable:
        raise conflict(f"version {version.version} is unpublished")
    one = Verification(ids.new_id("vrf"), version.id, None, verification_store.RUNNING, None, state.clock.now())
    async with state.db.write() as tx:
        await store.lock(tx, processor.id)
        if await verification_store.find_running(tx, version.id) is not None:
            raise conflict(f"version {version.version} is being verified already")
        await verification_store.add(tx, one)
    try:
        run = await _launch(state, processor, version)
    except PlatformError as exc:
        await _end(state, one, f"the run could not be started: {exc.message}")
    else:
        async with state.db.write() as tx:
            await verification_store.change(tx, one.id, {"run_id": run.run.id})
    async with state.db.read() as tx:
        return await verification_store.find_last(tx, version.id) or one


async def _launch(state: State, processor: Processor, version: Version) -> RunView:
    caller = await state.access.caller(state.bot.credential)
    access = await state.access.project(caller, processor.project_id, Action.RUN)
    folder = await _folder(state, processor.project_id, version)
    document = definition(processor, version, folder)
    return await launching.launch(state, access, document, use_cache=False, rerun_of=None, keep_dataset=False)


async def _folder(state: State, project_id: int, version: Version) -> str:
    """Where the `processor.yaml` is that paths are relative to: beside the program, or nearest above it."""
    folder = posixpath.dirname(version.entry)
    while folder:
        path = f"{folder}/{FILE}"
        if await state.bot.find_file(project_id, path, version.commit, max_size=1 << 20) is not None:
            return folder
        folder = posixpath.dirname(folder)
    return ""


def definition(processor: Processor, version: Version, folder: str) -> dict[str, Any]:
    """The data pipeline that a version's reference is."""
    reference = version.manifest["reference"]
    inputs = {
        name: {"commit": version.commit, "path": posixpath.join(folder, path)}
        for name, path in (reference.get("inputs") or {}).items()
    }
    step = {
        "name": _STEP,
        "processor": f"{processor.slug}@{version.version}",
        "inputs": inputs,
        "parameters": reference.get("parameters") or {},
    }
    return {"version": 1, "name": f"verify-{processor.name}", "kind": _KINDS[version.kind], "steps": [step]}


async def look(state: State) -> None:
    """Judge the verifications whose runs have ended."""
    async with state.db.read() as tx:
        running = await verification_store.list_running(tx)
    for one in running:
        if one.run_id is None:
            if state.clock.now() - one.started_at > _LOST:
                await _end(state, one, "its start was interrupted")
            continue
        async with state.db.read() as tx:
            view = await _find_view(tx, one.run_id)
            version = await store.find_version(tx, one.version_id)
        if view is None or version is None:
            await _end(state, one, "its run is gone")
        elif view.run.status in ENDED_RUNS:
            await _end(state, one, await _fault(state, view, version.manifest.get("reference") or {}))


async def _find_view(tx: Tx, run_id: str) -> RunView | None:
    try:
        return await runs.get_view(tx, run_id)
    except PlatformError as exc:
        if exc.kind is Kind.NOT_FOUND:
            return None
        raise


async def _end(state: State, one: Verification, fault: str | None) -> None:
    now = state.clock.now()
    status = FAILED if fault else PASSED
    values = {"status": status, "reason": fault[:2000] if fault else None, "finished_at": now}
    async with state.db.write() as tx:
        if not await verification_store.change(tx, one.id, values):
            return
        if fault:
            await verification_store.take_badge(tx, one.version_id)
        else:
            await verification_store.give_badge(tx, one.version_id, now)
    log.info("version verified", version=one.version_id, status=status, reason=fault)


async def _fault(state: State, view: RunView, reference: Mapping[str, Any]) -> str | None:
    """Why what came out is not what the reference promises, or None."""
    step = view.steps[0]
    if view.run.status is not RunStatus.SUCCESS:
        return (
            f"the run ended as {view.run.status.value}: {step.message or step.reason or view.run.reason or 'no reason'}"
        )
    async with state.db.read() as tx:
        found = await series.summaries(tx, [step.id])
    last = {key: one["last"] for key, one in found.get(step.id, {}).items()}
    files = {one.name: one.files for one in view.outputs.get(step.id, [])}
    faults = metric_faults(reference.get("metrics") or {}, last) + output_faults(reference.get("outputs") or {}, files)
    return "; ".join(faults) or None


def metric_faults(expected: Mapping[str, str], last: Mapping[str, Any]) -> list[str]:
    """Metrics that are not as promised."""
    faults = []
    for name, text in expected.items():
        condition, value = units.condition(text), last.get(name)
        if value is None:
            faults.append(f"metric {name} was not reported")
        elif condition is not None and not condition.holds(float(value)):
            faults.append(f"metric {name} is {value:g}, not {text}")
    return faults


def output_faults(expected: Mapping[str, Mapping[str, Any]], files: Mapping[str, int]) -> list[str]:
    """Outputs that hold not what was promised."""
    faults = []
    for name, wanted in expected.items():
        text = str(wanted.get("files", ">= 1"))
        condition = units.condition(text if not text.replace(".", "").isdigit() else f"== {text}")
        count = files.get(name, 0)
        if condition is not None and not condition.holds(count):
            faults.append(f"output {name} holds {count} files, not {text}")
    return faults


async def nightly(state: State) -> None:
    """Begin what is due: latest versions that were not verified for the interval."""
    seconds = state.settings.verify_seconds
    if seconds <= 0 or state.bot.credential.anonymous:
        return
    async with state.db.read() as tx:
        due = await verification_store.list_due(tx, state.clock.now() - timedelta(seconds=seconds))
    for version_id in due:
        async with state.db.read() as tx:
            version = await store.find_version(tx, version_id)
            processor = await store.find_processor(tx, version.processor_id) if version is not None else None
        if version is None or processor is None:
            continue
        try:
            await start(state, processor, version)
        except PlatformError as exc:
            if exc.kind is Kind.UNAVAILABLE:
                return  # the next round tries again
            log.warning("verification not started", version=version_id, error=exc.message)
