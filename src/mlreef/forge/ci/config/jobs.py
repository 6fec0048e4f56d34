"""One job of the configuration: which keys it may have, what `default` lends it, and its typed form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlreef.forge.ci.config import keys, rules
from mlreef.forge.ci.config.errors import ConfigError, fault
from mlreef.forge.ci.config.spec import JobSpec

INHERITABLE = (
    "image", "services", "before_script", "after_script", "tags", "timeout", "retry", "artifacts", "cache",
    "interruptible", "id_tokens", "hooks",
)  # fmt: skip
_KEYS = {
    *INHERITABLE, "stage", "script", "rules", "needs", "dependencies", "allow_failure", "when", "variables",
    "parallel", "environment", "resource_group", "coverage", "inherit", "release", "description", "start_in",
}  # fmt: skip
_UNSUPPORTED = {
    "only": "use rules instead",
    "except": "use rules instead",
    "trigger": "downstream pipelines are not available",
    "run": "use script instead",
    "secrets": "use id_tokens or project variables",
}
MAX_NAME = 255


def parse(name: str, value: Any, defaults: Mapping[str, Any], stages: tuple[str, ...]) -> JobSpec:
    """The job `name` with defaults applied."""
    where = f"jobs:{name}"
    if not isinstance(value, dict):
        raise fault(f"{where} config should be a mapping")
    _check_keys(name, value, where)
    job = {**_inherited(value, defaults, where), **value}
    stage = value.get("stage", "test")
    if stage not in stages:
        raise fault(f"{name} job: chosen stage {stage} does not exist; available stages are {', '.join(stages)}")
    when = job.get("when", "on_success")
    if when not in rules.WHENS:
        raise fault(f"{where}:when config should be one of: {', '.join(rules.WHENS)}")
    if "script" not in job:
        raise fault(f"{where} config should implement the script:, run:, or trigger: keyword")
    return JobSpec(
        name=name,
        stage=stage,
        options=_options(job, where),
        variables=keys.variables(job.get("variables"), f"{where}:variables"),
        rules=tuple(rules.parse(job["rules"], where)) if "rules" in job else None,
        when=when,
        allow_failure=_allow_failure(job.get("allow_failure"), where),
        needs=keys.needs(job.get("needs"), f"{where}:needs"),
        dependencies=_dependencies(job.get("dependencies"), where),
        tags=_tags(job.get("tags"), where),
        timeout=keys.duration(job["timeout"], f"{where}:timeout") if job.get("timeout") is not None else None,
    )


def parse_all(
    jobs: Mapping[str, Any], defaults: Mapping[str, Any], stages: tuple[str, ...]
) -> tuple[list[JobSpec], list[str]]:
    """All jobs that can be read, and the faults of those that cannot."""
    specs: list[JobSpec] = []
    faults: list[str] = []
    for name, value in jobs.items():
        try:
            specs.append(parse(name, value, defaults, stages))
        except ConfigError as exc:
            faults.extend(exc.faults)
    return specs, faults


def _check_keys(name: str, value: Mapping[str, Any], where: str) -> None:
    if len(name) > MAX_NAME or not name:
        raise fault(f"jobs:{name[:60]} name should have 1 to {MAX_NAME} characters")
    for key, advice in _UNSUPPORTED.items():
        if key in value:
            raise fault(f"{where}:{key} is not supported: {advice}")
    unknown = sorted(str(key) for key in value.keys() - _KEYS)
    if unknown:
        raise fault(f"{where} config contains unknown keys: {', '.join(unknown)}")


def _inherited(value: Mapping[str, Any], defaults: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    inherit = value.get("inherit", {})
    if not isinstance(inherit, dict):
        raise fault(f"{where}:inherit config should be a mapping")
    wanted = inherit.get("default", True)
    if wanted is False:
        return {}
    return {key: item for key, item in defaults.items() if wanted is True or key in wanted}


def _options(job: Mapping[str, Any], where: str) -> dict[str, Any]:
    readers: dict[str, Callable[[Any, str], Any]] = {
        "image": keys.image,
        "services": keys.services,
        "artifacts": keys.artifacts,
        "cache": keys.cache,
        "id_tokens": keys.id_tokens,
        "retry": keys.retry,
    }
    options: dict[str, Any] = {key: read(job.get(key), f"{where}:{key}") for key, read in readers.items()}
    for key in ("before_script", "script", "after_script"):
        options[key] = keys.script(job.get(key, []), f"{where}:{key}")
    options["parallel"] = keys.parallel(job.get("parallel"), f"{where}:parallel")
    options["interruptible"] = job.get("interruptible") is True
    allowed = job.get("allow_failure")
    if isinstance(allowed, dict):
        options["allow_failure_exit_codes"] = keys.exit_codes(allowed.get("exit_codes"), f"{where}:allow_failure")
    hooks = job.get("hooks")
    if isinstance(hooks, dict):
        options["hooks"] = [
            {"name": str(key), "script": keys.script(value, f"{where}:hooks")} for key, value in hooks.items()
        ]
    environment = job.get("environment")
    if environment is not None:
        options["environment"] = {"name": environment} if isinstance(environment, str) else environment
    return options


def _allow_failure(value: Any, where: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict) and set(value) == {"exit_codes"}:
        return False
    raise fault(f"{where}:allow_failure config should be true, false or a mapping with exit_codes")


def _dependencies(value: Any, where: str) -> tuple[str, ...] | None:
    return None if value is None else tuple(keys.strings(value, f"{where}:dependencies"))


def _tags(value: Any, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    tags = keys.strings([value] if isinstance(value, str) else value, f"{where}:tags")
    if len(tags) > keys.MAX_TAGS:
        raise fault(f"{where}:tags config should hold at most {keys.MAX_TAGS} tags")
    return tuple(tags)
