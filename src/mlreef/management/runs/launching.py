"""From a definition to a run that the forge works on.

The snapshot is written, then the forge is asked for the CI pipeline with the caller's own right, then its id is written
down. No transaction is open while the forge is asked; what a crash leaves between them, reconciliation finds and ends.
"""

from __future__ import annotations

from typing import Any

from mlreef.kit import ids
from mlreef.kit.errors import Kind, PlatformError
from mlreef.management.access.service import ProjectAccess
from mlreef.management.connect import service as connect
from mlreef.management.definitions import service as definitions
from mlreef.management.processors import service as processors
from mlreef.management.runs import assembly, ci_config, forge_side, progress, starting, store
from mlreef.management.runs.records import RunView, Step
from mlreef.management.runs.transitions import ENDED_RUNS, ENDED_STEPS
from mlreef.management.serving import store as serving
from mlreef.management.state import State


async def launch(
    state: State,
    access: ProjectAccess,
    document: Any,
    *,
    use_cache: bool,
    rerun_of: str | None,
    kept: frozenset[str] = frozenset(),
    keep_dataset: bool = True,
) -> RunView:
    """Start a run of a definition with the caller's right; versions in `kept` may be unpublished."""
    definition = definitions.required(*definitions.parse(document))
    plan = definitions.planned(
        *await definitions.resolve(
            definition, access, db=state.db, rights=state.access, settings=state.settings, kept=kept
        )
    )
    framework = assembly.framework(state)
    await connect.ensure(state, access)
    request = starting.Request(
        project_id=access.project.id,
        project_path=access.project.path,
        default_branch=access.project.default_branch or "main",
        user_id=access.user.id,
        username=access.user.username,
        use_cache=use_cache,
        rerun_of=rerun_of,
        keep_dataset=keep_dataset,
    )
    async with state.db.write() as tx:
        view = await starting.record(tx, plan, request, now=state.clock.now())
        await processors.use(tx, sorted({step.version_id for step in view.steps}), kept)
        capability = None
        asked = await processors.asked(tx, sorted({step.version_id for step in view.steps}))
        jobs = [_job(step, asked[step.version_id]) for step in view.steps if step.status not in ENDED_STEPS]
        if jobs:
            body = ci_config.render(jobs, framework)
            capability = await serving.add_config(
                tx, kind="run", subject_id=view.run.id, body=body, now=state.clock.now()
            )
            await store.update_run(tx, view.run.id, config_hash=ids.hash_token(capability))
        tx.after_commit(lambda: assembly.work(state).upkeep.changed(view))
    if capability is not None:
        await _ask_for_pipeline(state, access, view, capability)
    return await read(state, view.run.id)


def _job(step: Step, asked: processors.Wanted) -> ci_config.Job:
    return ci_config.Job(
        step.name,
        step.image,
        step.machine,
        step.timeout_s,
        step.needs,
        network=asked.network,
        memory_bytes=asked.memory_bytes,
        cpus=asked.cpus,
        processes=asked.processes,
        disk_bytes=asked.disk_bytes,
        gpus=asked.gpus,
    )


async def _ask_for_pipeline(state: State, access: ProjectAccess, view: RunView, capability: str) -> None:
    run = view.run
    try:
        variables = {forge_side.CONFIG_VARIABLE: capability}
        made = await access.forge.create_pipeline(run.project_id, run.ref, variables)
    except PlatformError as exc:
        if exc.kind is Kind.UNAVAILABLE:
            return  # whether the forge made it is unknown; reconciliation finds out
        reason = f"the forge refused the CI pipeline: {exc.message}"
        async with state.db.write() as tx:
            fresh = await store.get_view(tx, run.id, lock=True)
            await progress.fail(tx, fresh, reason, now=state.clock.now())
            tx.after_commit(lambda: state.notices.publish(run.id))
        return
    async with state.db.write() as tx:
        fresh = await store.get_view(tx, run.id, lock=True)
        await progress.pipeline_recorded(tx, fresh, int(made["id"]), now=state.clock.now())
        tx.after_commit(lambda: state.notices.publish(run.id))
    if fresh.run.status in ENDED_RUNS:  # canceled while the forge was asked
        await access.forge.cancel_pipeline(run.project_id, int(made["id"]))


async def read(state: State, run_id: str) -> RunView:
    """A run as it is now."""
    async with state.db.read() as tx:
        return await store.get_view(tx, run_id)
