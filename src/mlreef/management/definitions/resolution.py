"""From a definition to a plan: every name looked up, every value canonical, or all faults at once.

The catalogue and the repository are asked with the caller's rights, so what a caller may not see is, for them, not
there. A plan names only what never changes: commits, object ids, processor versions, image digests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlreef.extraction.manifest import Wanted
from mlreef.kit.errors import Detail
from mlreef.management.definitions import command_lines, graph, lookups, values
from mlreef.management.definitions.lookups import Catalogue, Limits, ProcessorVersion, Repository
from mlreef.management.definitions.model import MAX_NEEDS, Definition, Kind, Source, Step


@dataclass(frozen=True, slots=True)
class PlannedInput:
    """One resolved input; `source` is what the snapshot keeps of it."""

    name: str
    flag: str | None
    source: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step with everything resolved."""

    name: str
    version: ProcessorVersion
    parameters: dict[str, Any]  # effective: given or default
    command: list[str]
    arguments: list[values.Argument]
    inputs: list[PlannedInput]
    outputs: list[dict[str, Any]]
    machine: str
    timeout: int
    needs: list[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """A definition that can be run."""

    definition: Definition
    steps: list[PlannedStep] = field(default_factory=list)  # each after all it needs

    def warnings(self) -> list[Detail]:
        """What can be run, but should not be for long: steps with deprecated versions."""
        places = {step.name: index for index, step in enumerate(self.definition.steps)}
        return [
            Detail(f"steps[{places[step.name]}].processor", _deprecated(step.version))
            for step in sorted(self.steps, key=lambda one: places[one.name])
            if step.version.status == "deprecated"
        ]

    def sinks(self) -> list[PlannedStep]:
        """The steps whose outputs no other step reads."""
        read = {name for step in self.steps for name in step.needs}
        return [step for step in self.steps if step.name not in read]


async def resolve(
    definition: Definition, *, project_id: int, catalogue: Catalogue, repository: Repository, limits: Limits
) -> tuple[Plan | None, list[Detail]]:
    """The plan, or None and every fault."""
    faults = _graph_faults(definition)
    versions = await _versions(definition, catalogue, faults)
    faults += _kind_faults(definition, versions)
    resolver = _Resolver(project_id, repository, limits, versions, definition)
    steps: dict[str, PlannedStep] = {}
    for index, step in enumerate(definition.steps):
        planned = await resolver.step(step, f"steps[{index}]", versions.get(step.name), faults)
        if planned is not None:
            steps[step.name] = planned
    if faults:
        return None, faults
    ordered = graph.order({step.name: graph.needs(step) for step in definition.steps})
    return Plan(definition, [steps[name] for name in ordered]), []


def _graph_faults(definition: Definition) -> list[Detail]:
    faults: list[Detail] = []
    seen: set[str] = set()
    names = {step.name for step in definition.steps}
    for index, step in enumerate(definition.steps):
        if step.name in seen:
            faults.append(Detail(f"steps[{index}].name", f"{step.name!r} is the name of another step too"))
        seen.add(step.name)
        if len(graph.needs(step)) > MAX_NEEDS:
            faults.append(Detail(f"steps[{index}].inputs", f"reads more than {MAX_NEEDS} other steps"))
        for name, source in step.inputs.items():
            if source.step is not None and source.step not in names:
                faults.append(
                    Detail(f"steps[{index}].inputs.{name}.step", f"there is no step {source.step!r} in this pipeline")
                )
    cycle = graph.find_cycle({step.name: graph.needs(step) for step in definition.steps})
    if cycle is not None:
        faults.append(Detail("steps", f"the steps wait for each other in a circle: {' -> '.join(cycle)}"))
    return faults


async def _versions(definition: Definition, catalogue: Catalogue, faults: list[Detail]) -> dict[str, ProcessorVersion]:
    looked_up: dict[str, ProcessorVersion | None] = {}
    found: dict[str, ProcessorVersion] = {}
    for index, step in enumerate(definition.steps):
        if step.processor not in looked_up:
            looked_up[step.processor] = await catalogue.find_version(step.slug, step.version)
        version = looked_up[step.processor]
        if version is None:
            why = await catalogue.explain(step.slug, step.version)
            faults.append(Detail(f"steps[{index}].processor", why))
        else:
            found[step.name] = version
    return found


def _deprecated(version: ProcessorVersion) -> str:
    told = f": {version.status_message}" if version.status_message else ""
    instead = f" (use {version.replacement} instead)" if version.replacement else ""
    return f"{version.slug}@{version.version} is deprecated{told}{instead}"


_KINDS = {
    Kind.DATAOPS: ("operation", {"operation"}),
    Kind.VISUALIZATION: ("visualization", {"operation", "visualization"}),
    Kind.EXPERIMENT: ("algorithm", {"operation", "algorithm"}),
}


def _kind_faults(definition: Definition, versions: Mapping[str, ProcessorVersion]) -> list[Detail]:
    wanted, allowed = _KINDS[definition.kind]
    faults: list[Detail] = []
    read = {name for step in definition.steps for name in graph.needs(step)}
    for index, step in enumerate(definition.steps):
        version = versions.get(step.name)
        if version is None:
            continue
        if version.kind not in allowed:
            message = f"is {_article(version.kind)}, which a pipeline of kind {definition.kind.value} cannot have"
            faults.append(Detail(f"steps[{index}].processor", message))
        elif version.kind == wanted != "operation" and step.name in read:
            message = f"is {_article(version.kind)} and must be a last step, but another step reads its output"
            faults.append(Detail(f"steps[{index}].processor", message))
        elif version.kind != wanted and step.name not in read:
            message = (
                f"is {_article(version.kind)} whose output nothing reads; the last step must be {_article(wanted)}"
            )
            faults.append(Detail(f"steps[{index}].processor", message))
    if len(versions) == len(definition.steps) and not any(one.kind == wanted for one in versions.values()):
        faults.append(Detail("steps", f"a pipeline of kind {definition.kind.value} needs {_article(wanted)}"))
    return faults


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


class _Resolver:
    """Resolves steps one after another and remembers what the repository answered."""

    def __init__(
        self,
        project_id: int,
        repository: Repository,
        limits: Limits,
        versions: Mapping[str, ProcessorVersion],
        definition: Definition,
    ) -> None:
        self._project_id = project_id
        self._repository = repository
        self._limits = limits
        self._versions = versions
        self._names = {step.name for step in definition.steps}
        self._commits: dict[tuple[str, bool], str | None] = {}
        self._entries: dict[tuple[str, str], lookups.Entry | None] = {}

    async def step(
        self, step: Step, where: str, version: ProcessorVersion | None, faults: list[Detail]
    ) -> PlannedStep | None:
        machine, timeout = self._capacity(step, version, where, faults)
        sources = await self._sources(step, where, faults)
        if version is None:
            return None
        given = _values(step, version, where, faults)
        _input_faults(step, version, where, faults)
        if faults:
            return None
        inputs = [
            PlannedInput(name, command_lines.flag(version, name), source)
            for name, source in command_lines.in_order(version, sources).items()
        ]
        command, arguments, positional = command_lines.command_line(version, given, set(sources))
        if positional:
            inputs = [PlannedInput(one.name, "" if one.flag is None else one.flag, one.source) for one in inputs]
        return PlannedStep(
            name=step.name,
            version=version,
            parameters=command_lines.effective(version, given),
            command=command,
            arguments=arguments,
            inputs=inputs,
            outputs=command_lines.outputs(version, positional=positional),
            machine=machine,
            timeout=timeout,
            needs=graph.needs(step),
        )

    def _capacity(
        self, step: Step, version: ProcessorVersion | None, where: str, faults: list[Detail]
    ) -> tuple[str, int]:
        """What the step says, else what the processor asks for, else the operator's defaults."""
        limits, wanted = self._limits, version.wanted if version is not None else Wanted()
        # A machine class that only the processor names may be of another installation, or gone.
        own = wanted.machine if wanted.machine in limits.machines else None
        machine = step.machine or own or limits.default_machine
        if machine not in limits.machines:
            known = ", ".join(limits.machines)
            faults.append(Detail(f"{where}.machine", f"there is no machine class {machine!r}; there are: {known}"))
        timeout = step.timeout or min(wanted.timeout or limits.default_timeout, limits.max_timeout)
        if timeout > limits.max_timeout:
            faults.append(Detail(f"{where}.timeout", f"is more than the {limits.max_timeout} seconds allowed"))
        return machine, timeout

    async def _sources(self, step: Step, where: str, faults: list[Detail]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for name, source in step.inputs.items():
            field_name = f"{where}.inputs.{name}"
            if source.step is not None:
                resolved = self._upstream(source, field_name, faults)
            else:
                resolved = await self._stored(source, field_name, faults)
            if resolved is not None:
                found[name] = resolved
        return found

    def _upstream(self, source: Source, where: str, faults: list[Detail]) -> dict[str, Any] | None:
        version = self._versions.get(source.step or "")
        if version is None:
            return None  # reported where the step or its processor is named
        names = version.output_names
        if source.output is None and len(names) > 1:
            faults.append(Detail(f"{where}.output", f"is missing; {source.step} has the outputs {', '.join(names)}"))
            return None
        output = source.output or names[0]
        if output not in names:
            faults.append(
                Detail(f"{where}.output", f"{source.step} has no output {output!r}; it has {', '.join(names)}")
            )
            return None
        return {"type": "step", "step": source.step, "output": output}

    async def _stored(self, source: Source, where: str, faults: list[Detail]) -> dict[str, Any] | None:
        ref, is_branch = (source.branch, True) if source.branch is not None else (source.commit or "", False)
        if (ref, is_branch) not in self._commits:
            self._commits[ref, is_branch] = await self._repository.find_commit(ref or "", branch=is_branch)
        commit = self._commits[ref, is_branch]
        if commit is None:
            kind = "branch" if is_branch else "commit"
            faults.append(Detail(f"{where}.{kind}", f"there is no {kind} {ref!r} in this project"))
            return None
        path = source.path or ""
        if (commit, path) not in self._entries:
            self._entries[commit, path] = await self._repository.find_entry(commit, path)
        entry = self._entries[commit, path]
        if entry is None:
            faults.append(Detail(f"{where}.path", f"there is nothing at {path!r} in {ref!r} ({commit[:8]})"))
            return None
        return {
            "type": "git",
            "project_id": self._project_id,
            "branch": source.branch,
            "commit": commit,
            "path": path,
            "object_type": entry.type,
            "object_id": entry.id,
        }


def _values(step: Step, version: ProcessorVersion, where: str, faults: list[Detail]) -> dict[str, Any]:
    declared = {one.name: one for one in version.parameters}
    given: dict[str, Any] = {}
    for name, value in step.parameters.items():
        parameter = declared.get(name)
        message = None
        if parameter is None:
            known = ", ".join(one.name for one in version.of_role("value")) or "none"
            message = f"is not a parameter of {version.slug}@{version.version}; its parameters: {known}"
        elif parameter.role != "value":
            message = f"is an {parameter.role} of the processor; " + (
                "name it under inputs" if parameter.role == "input" else "the platform chooses where outputs lie"
            )
        elif value is not None:
            try:
                given[name] = values.check(parameter, value)
            except values.BadValue as exc:
                message = str(exc)
        if message is not None:
            faults.append(Detail(f"{where}.parameters.{name}", message))
    faults += [
        Detail(f"{where}.parameters.{one.name}", "is required, but has no value")
        for one in version.of_role("value")
        if one.required and step.parameters.get(one.name) is None
    ]
    return given


def _input_faults(step: Step, version: ProcessorVersion, where: str, faults: list[Detail]) -> None:
    declared = version.of_role("input")
    names = [one.name for one in declared] or ["input"]
    for name in step.inputs:
        if name not in names:
            message = f"{version.slug}@{version.version} has no input {name!r}; it has {', '.join(names)}"
            faults.append(Detail(f"{where}.inputs.{name}", message))
    faults += [
        Detail(f"{where}.inputs.{one.name}", "is required, but names no data")
        for one in declared
        if one.required and one.name not in step.inputs
    ]
