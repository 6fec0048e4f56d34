"""What runs keep once per process: upkeep, the measurement writer, the channels of live news."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlreef.kit.tasks import Loop
from mlreef.management.events.channels import Channels
from mlreef.management.experiments.writer import Writer
from mlreef.management.processors import service as processors
from mlreef.management.runs import ci_config, forge_side, jobs
from mlreef.management.runs.upkeep import Upkeep
from mlreef.management.state import State

FINISH_SECONDS = 10.0


@dataclass(slots=True)
class Work:
    """The moving parts of runs."""

    upkeep: Upkeep
    writer: Writer
    channels: Channels
    reconciler: Loop
    finisher: Loop
    measurements: Loop
    bindings: dict[tuple[int, int, int], tuple[str, str]] = field(default_factory=dict)
    """(project, CI pipeline, job) to (run, step): bound once and for good, so worth remembering."""


def work(state: State) -> Work:
    """The parts of a state, made at the first call."""
    found = state.parts.get(Work)
    if not isinstance(found, Work):
        found = state.parts[Work] = _made(state)
    return found


def _made(state: State) -> Work:
    upkeep = Upkeep(
        state.db,
        state.clock,
        forge_side.ForgeCi(state.bot),
        lambda run: forge_side.ForgeBranches(state.bot, run.project_id),
        state.notices.publish,
    )
    writer = Writer(state.db, state.notices.publish)
    finisher = Loop("dataset commits", upkeep.finish, interval=FINISH_SECONDS)
    upkeep.wake_finisher = finisher.wake
    return Work(
        upkeep=upkeep,
        writer=writer,
        channels=Channels(state.db, state.notices),
        reconciler=Loop("run reconciliation", upkeep.reconcile, interval=state.settings.reconcile_seconds),
        finisher=finisher,
        measurements=Loop("measurements", writer.body, interval=1.0),
    )


def capacity(state: State, machine: str, wanted: processors.Wanted) -> jobs.Capacity:
    """What a machine class gives, or less where the processor asks for less.

    A class the operator removed gives what the default gives.
    """
    found = state.settings.find_machine(machine) or state.settings.machine_classes[0]
    memory = min(found.memory_bytes, wanted.memory_bytes or found.memory_bytes)
    return jobs.Capacity(memory, min(found.cpus, wanted.cpus or found.cpus))


def framework(state: State) -> ci_config.Framework:
    """Where jobs find this service and their framework."""
    return ci_config.Framework(state.settings.external_url, state.settings.epf_url, state.framework.required().sha256)
