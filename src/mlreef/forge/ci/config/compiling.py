"""The last step: a merged document becomes a `Plan` of jobs.

Collects every fault it can before it gives up, so that `ci/lint` shows them all at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlreef.forge.ci.config import jobs, keys, merging, rules
from mlreef.forge.ci.config.errors import ConfigError, fault
from mlreef.forge.ci.config.spec import JobSpec, Need, Plan, PlannedJob

_GLOBAL = {
    "stages", "default", "variables", "workflow", "image", "services", "before_script", "after_script", "cache",
    "spec", "pages", "types",
}  # fmt: skip
_LEGACY_DEFAULTS = ("image", "services", "before_script", "after_script", "cache")
MAX_JOBS = 1000


def compile_plan(document: Mapping[str, Any], facts: rules.Facts) -> Plan:
    """The jobs that a CI pipeline gets for these facts; an empty plan when workflow or rules exclude everything."""
    merged = merging.resolve(document)
    stages = _stages(merged.get("stages"))
    defaults = _defaults(merged)
    variables = keys.variables(merged.get("variables"), "variables")
    visible = {name: value for name, value in merged.items() if name not in _GLOBAL and not name.startswith(".")}
    if not visible:
        raise fault("jobs config should contain at least one visible job")
    if len(visible) > MAX_JOBS:
        raise fault(f"jobs config should contain at most {MAX_JOBS} jobs")
    specs, faults = jobs.parse_all(visible, defaults, stages)
    workflow = _Workflow(merged.get("workflow"))
    if not faults:
        faults = [*_needs_faults(specs), *_cycle_faults(specs)]
    if faults:
        raise ConfigError(faults)
    return _planned(specs, stages, variables, workflow, facts)


def _stages(value: Any) -> tuple[str, ...]:
    named = keys.strings(value, "stages") if value is not None else ["build", "test", "deploy"]
    middle = [stage for stage in named if stage not in {".pre", ".post"}]
    return (".pre", *dict.fromkeys(middle), ".post")


def _defaults(document: Mapping[str, Any]) -> dict[str, Any]:
    value = document.get("default", {}) or {}
    if not isinstance(value, dict):
        raise fault("default config should be a mapping")
    unknown = sorted(str(key) for key in value.keys() - set(jobs.INHERITABLE))
    if unknown:
        raise fault(f"default config contains unknown keys: {', '.join(unknown)}")
    legacy = {key: document[key] for key in _LEGACY_DEFAULTS if key in document}
    return {**legacy, **value}


class _Workflow:
    """Whether there is a CI pipeline at all, its name and extra variables."""

    def __init__(self, value: Any) -> None:
        if value is not None and not isinstance(value, dict):
            raise fault("workflow config should be a mapping")
        held = value or {}
        self._rules = rules.parse(held["rules"], "workflow") if "rules" in held else None
        self.name: str | None = held.get("name") if isinstance(held.get("name"), str) else None

    def variables(self, facts: rules.Facts) -> Mapping[str, str] | None:
        """Variables of the deciding rule; None when the workflow wants no pipeline."""
        if self._rules is None:
            return {}
        rule = rules.first_match(self._rules, facts)
        return None if rule is None or rule.when == "never" else rule.variables


def _planned(
    specs: Sequence[JobSpec],
    stages: tuple[str, ...],
    variables: Mapping[str, str],
    workflow: _Workflow,
    facts: rules.Facts,
) -> Plan:
    facts = replace(facts, variables={**variables, **facts.variables})
    extra = workflow.variables(facts)
    if extra is None:
        return Plan(stages=stages, jobs=())
    variables = {**variables, **extra}
    facts = replace(facts, variables={**facts.variables, **extra})
    kept = [job for spec in specs if (job := _decided(spec, stages, facts)) is not None]
    multiplied = _multiplied(kept)
    if len(multiplied) > MAX_JOBS:
        raise fault(f"jobs config makes {len(multiplied)} jobs, at most {MAX_JOBS} are allowed")
    complete = _checked_against_kept(multiplied)
    name = rules.expand(workflow.name, facts.variables) if workflow.name else None
    ordered = sorted(complete, key=lambda job: job.stage_index)
    return Plan(stages=stages, jobs=tuple(ordered), name=name, variables=variables)


def _decided(spec: JobSpec, stages: tuple[str, ...], facts: rules.Facts) -> PlannedJob | None:
    when, allow, variables, needs = spec.when, spec.allow_failure, dict(spec.variables), spec.needs
    if spec.rules is not None:
        own = replace(facts, variables={**spec.variables, **facts.variables})
        rule = rules.first_match(spec.rules, own)
        if rule is None:
            return None
        when = rule.when or when
        allow = rule.allow_failure if rule.allow_failure is not None else allow
        variables.update(rule.variables)
        if rule.needs is not None:
            needs = keys.needs(rule.needs, f"jobs:{spec.name}:rules:needs")
        # A manual job of a rule blocks the pipeline; a plain manual job does not.
        allow = False if allow is None else allow
    if when == "never":
        return None
    return PlannedJob(
        name=spec.name,
        stage=spec.stage,
        stage_index=stages.index(spec.stage),
        when="manual" if when == "delayed" else when,
        allow_failure=when == "manual" if allow is None else allow,
        options=spec.options,
        variables=variables,
        needs=needs,
        dependencies=spec.dependencies,
        tags=tuple(rules.expand(tag, {**facts.variables, **variables}) for tag in spec.tags),
        timeout=spec.timeout,
    )


def _multiplied(planned: Sequence[PlannedJob]) -> list[PlannedJob]:
    """`parallel` carried out, with needs and dependencies following the new names."""
    names: dict[str, list[str]] = {}
    result: list[PlannedJob] = []
    for job in planned:
        rows = job.options["parallel"]
        options = {key: value for key, value in job.options.items() if key != "parallel"}
        copies = [replace(job, options=options)]
        if rows:
            copies = [_copy(job, options, index, row, len(rows)) for index, row in enumerate(rows, 1)]
        names[job.name] = [copy.name for copy in copies]
        result.extend(copies)
    return [_renamed(job, names) for job in result]


def _copy(job: PlannedJob, options: Mapping[str, Any], index: int, row: Mapping[str, str], total: int) -> PlannedJob:
    suffix = f": [{', '.join(row.values())}]" if row else f" {index}/{total}"
    node = {"CI_NODE_INDEX": str(index), "CI_NODE_TOTAL": str(total)}
    return replace(job, name=f"{job.name}{suffix}", options=options, variables={**job.variables, **row, **node})


def _renamed(job: PlannedJob, names: Mapping[str, list[str]]) -> PlannedJob:
    needs, dependencies = job.needs, job.dependencies
    if needs is not None:
        needs = tuple(replace(need, job=name) for need in needs for name in names.get(need.job, [need.job]))
    if dependencies is not None:
        dependencies = tuple(name for held in dependencies for name in names.get(held, [held]))
    return replace(job, needs=needs, dependencies=dependencies)


def _needs_faults(specs: Sequence[JobSpec]) -> list[str]:
    names = {spec.name for spec in specs}
    return [
        f"{spec.name} job: undefined need: {need.job}"
        for spec in specs
        for need in spec.needs or ()
        if need.job not in names and not need.optional
    ] + [
        f"{spec.name} job: undefined dependency: {name}"
        for spec in specs
        for name in spec.dependencies or ()
        if name not in names
    ]


def _cycle_faults(specs: Sequence[JobSpec]) -> list[str]:
    waiting = {spec.name: {need.job for need in spec.needs or ()} for spec in specs}
    waiting = {name: needs & waiting.keys() for name, needs in waiting.items()}
    while ready := {name for name, needs in waiting.items() if not needs}:
        waiting = {name: needs - ready for name, needs in waiting.items() if name not in ready}
    if not waiting:
        return []
    return [f"The pipeline has circular dependencies: {', '.join(sorted(waiting))} need each other"]


def _checked_against_kept(planned: Sequence[PlannedJob]) -> list[PlannedJob]:
    """Needs of jobs that rules left out: an error, unless optional."""
    names = {job.name for job in planned}
    faults = []
    result = []
    for job in planned:
        needs: tuple[Need, ...] | None = None
        if job.needs is not None:
            needs = tuple(need for need in job.needs if need.job in names)
            faults += [
                f"'{job.name}' job needs '{need.job}' job, but '{need.job}' does not exist in the pipeline"
                for need in job.needs
                if need.job not in names and not need.optional
            ]
        result.append(replace(job, needs=needs))
    if faults:
        raise ConfigError(faults)
    return result
