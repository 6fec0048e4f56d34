"""Single job keys: each function reads one key's value and returns it in the form that is stored and sent.

`where` is the job's place in the configuration (`jobs:train`), so that every fault names job and key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlreef.forge.ci.config.errors import fault
from mlreef.forge.ci.config.rules import text
from mlreef.forge.ci.config.spec import Need

MAX_NEEDS = 50
MAX_TAGS = 50
MAX_PARALLEL = 200
_RETRY_WHEN = {
    "always", "unknown_failure", "script_failure", "api_failure", "stuck_or_timeout_failure", "runner_system_failure",
    "runner_unsupported", "stale_schedule", "job_execution_timeout", "archived_failure", "unmet_prerequisites",
    "scheduler_failure", "data_integrity_failure",
}  # fmt: skip
_UNITS = {
    "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1, "m": 60, "min": 60, "mins": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hr": 3600, "hrs": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400, "days": 86400,
    "w": 604800, "week": 604800, "weeks": 604800, "mo": 2592000, "mos": 2592000, "month": 2592000, "months": 2592000,
    "y": 31536000, "yr": 31536000, "yrs": 31536000, "year": 31536000, "years": 31536000,
}  # fmt: skip
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)[\s,]*(?:and\s+)?")
REPORT_FORMATS = {"dotenv": "gzip", "metrics": "gzip", "junit": "gzip"}


def script(value: Any, where: str, depth: int = 0) -> list[str]:
    """Script lines; lists nest up to ten levels."""
    if isinstance(value, str):
        return [value]
    if depth <= 10 and isinstance(value, list) and all(isinstance(item, str | list) for item in value):
        return [line for item in value for line in script(item, where, depth + 1)]
    raise fault(f"{where} config should be a string or a nested array of strings up to 10 levels deep")


def image(value: Any, where: str) -> dict[str, Any] | None:
    """An image as the runner is told of it."""
    if value is None:
        return None
    if isinstance(value, str):
        value = {"name": value}
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str) or not name:
        raise fault(f"{where} config should be an image name or a mapping with name")
    result: dict[str, Any] = {"name": name}
    for key in ("entrypoint", "command"):
        if value.get(key) is not None:
            result[key] = strings(value[key], f"{where}:{key}")
    if value.get("alias") is not None:
        result["alias"] = text(value["alias"])
    if value.get("pull_policy") is not None:
        policies = value["pull_policy"]
        result["pull_policy"] = [policies] if isinstance(policies, str) else strings(policies, f"{where}:pull_policy")
    docker = value.get("docker")
    if isinstance(docker, dict):
        result["executor_opts"] = {"docker": {key: text(docker[key]) for key in ("platform", "user") if key in docker}}
    if isinstance(value.get("variables"), dict):
        result["variables"] = [{"key": str(key), "value": text(item)} for key, item in value["variables"].items()]
    return result


def services(value: Any, where: str) -> list[dict[str, Any]]:
    """Service containers: images with an alias."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise fault(f"{where} config should be a list of images")
    return [entry for item in value if (entry := image(item, where)) is not None]


def variables(value: Any, where: str) -> dict[str, str]:
    """Variables of a job or of the whole file, `{value, description}` reduced to the value."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise fault(f"{where} config should be a mapping of names to values")
    result = {}
    for key, item in value.items():
        inner = item.get("value") if isinstance(item, dict) else item
        if isinstance(inner, dict | list):
            raise fault(f"{where}:{key} should be a text, a number or a mapping with value")
        result[str(key)] = text(inner)
    return result


def artifacts(value: Any, where: str) -> list[dict[str, Any]]:
    """Upload instructions: the archive, then one entry per report."""
    if value is None:
        return []
    if not isinstance(value, dict):
        raise fault(f"{where} config should be a mapping with paths or reports")
    when = value.get("when", "on_success")
    if when not in {"on_success", "on_failure", "always"}:
        raise fault(f"{where}:when should be one of: on_success, on_failure, always")
    shared = {"expire_in": _expire_in(value.get("expire_in"), f"{where}:expire_in")}
    entries: list[dict[str, Any]] = []
    if value.get("paths") or value.get("untracked"):
        entries.append({
            **shared,
            "name": text(value["name"]) if "name" in value else None,
            "untracked": value.get("untracked") is True,
            "paths": strings(value.get("paths", []), f"{where}:paths"),
            "exclude": strings(value.get("exclude", []), f"{where}:exclude"),
            "when": when,
            "artifact_type": "archive",
            "artifact_format": "zip",
        })  # fmt: skip
    reports = value.get("reports") or {}
    if not isinstance(reports, dict):
        raise fault(f"{where}:reports config should be a mapping of report types to paths")
    for kind, held in reports.items():
        paths = held.get("path", []) if isinstance(held, dict) else held  # coverage_report: {coverage_format, path}
        listed = [paths] if isinstance(paths, str) else strings(paths, f"{where}:reports:{kind}")
        entries.append({
            **shared,
            "name": f"{kind}.xml" if kind == "junit" else None,
            "paths": listed,
            "when": "always",
            "artifact_type": str(kind),
            "artifact_format": REPORT_FORMATS.get(str(kind), "raw"),
        })  # fmt: skip
    return entries


def cache(value: Any, where: str) -> list[dict[str, Any]]:
    """Caches of the runner."""
    entries = [] if value is None else value if isinstance(value, list) else [value]
    if len(entries) > 4 or not all(isinstance(entry, dict) for entry in entries):
        raise fault(f"{where} config should be a mapping or a list of at most 4")
    result = []
    for entry in entries:
        key = entry.get("key", "default")
        result.append({
            "key": "-".join(strings(key.get("files", []), f"{where}:key")) if isinstance(key, dict) else text(key),
            "untracked": entry.get("untracked") is True,
            "policy": text(entry.get("policy", "pull-push")),
            "paths": strings(entry.get("paths", []), f"{where}:paths"),
            "when": text(entry.get("when", "on_success")),
            "fallback_keys": strings(entry.get("fallback_keys", []), f"{where}:fallback_keys"),
        })  # fmt: skip
    return result


def id_tokens(value: Any, where: str) -> dict[str, list[str]]:
    """Names of variables to the audiences of their tokens."""
    if value is None:
        return {}
    result = {}
    for name, entry in value.items() if isinstance(value, dict) else ((None, None),):
        audience = entry.get("aud") if isinstance(entry, dict) else None
        audiences = [audience] if isinstance(audience, str) else audience
        if not isinstance(audiences, list) or not audiences or not all(isinstance(item, str) for item in audiences):
            raise fault(f"{where} config should be a mapping such as NAME: {{aud: https://service}}")
        result[str(name)] = audiences
    return result


def needs(value: Any, where: str) -> tuple[Need, ...] | None:
    """The jobs that must be done first; None leaves the order to stages."""
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MAX_NEEDS:
        raise fault(f"{where} config should be a list of at most {MAX_NEEDS} jobs")
    result = []
    for entry in value:
        item = {"job": entry} if isinstance(entry, str) else entry
        if not isinstance(item, dict) or not isinstance(item.get("job"), str):
            raise fault(f"{where} config should be job names or mappings with job")
        if item.keys() & {"pipeline", "project"}:
            raise fault(f"{where}: needs of other pipelines or projects are not supported")
        result.append(Need(item["job"], item.get("artifacts", True) is True, item.get("optional", False) is True))
    return tuple(result)


def retry(value: Any, where: str) -> dict[str, Any] | None:
    """How often and after which failures a job starts again."""
    if value is None:
        return None
    entry = value if isinstance(value, dict) else {"max": value}
    most = entry.get("max", 2 if isinstance(value, dict) else None)
    if isinstance(most, bool) or not isinstance(most, int) or not 0 <= most <= 2:
        raise fault(f"{where} config should be 0, 1 or 2, or a mapping with max")
    when = entry.get("when", ["always"])
    when = [when] if isinstance(when, str) else strings(when, f"{where}:when")
    unknown = set(when) - _RETRY_WHEN
    if unknown:
        raise fault(f"{where}:when contains unknown values: {', '.join(sorted(unknown))}")
    return {"max": most, "when": when, "exit_codes": exit_codes(entry.get("exit_codes"), f"{where}:exit_codes")}


def exit_codes(value: Any, where: str) -> list[int]:
    """One exit code or several."""
    codes = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(code, int) and not isinstance(code, bool) for code in codes):
        raise fault(f"{where} should be an exit code or a list of exit codes")
    return list(codes)


def duration(value: Any, where: str) -> int:
    """Seconds of `3600s`, `1h 30m`, `2 hours 5 minutes` or a plain number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise fault(f"{where} config should be a duration such as 1h 30m")
    words, total, position = str(value).strip().lower(), 0.0, 0
    while position < len(words):
        match = _DURATION.match(words, position)
        if match is None or (match[2] and match[2] not in _UNITS):
            raise fault(f"{where} config should be a duration such as 1h 30m, not {str(value)[:60]!r}")
        total += float(match[1]) * _UNITS[match[2] or "s"]
        position = match.end()
    if not words or not 0 < total <= 10 * 31536000:
        raise fault(f"{where} config should be a duration above zero, such as 1h 30m")
    return int(total)


def strings(value: Any, where: str) -> list[str]:
    """A list of texts."""
    if not isinstance(value, list) or not all(isinstance(item, str | int | float) for item in value):
        raise fault(f"{where} config should be an array of strings")
    return [text(item) for item in value]


def parallel(value: Any, where: str) -> list[Mapping[str, str]]:
    """Variables of each of the jobs that one job becomes; empty when it stays one."""
    if value is None:
        return []
    if isinstance(value, dict):
        return _matrix(value.get("matrix"), where)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_PARALLEL:
        raise fault(f"{where} config should be a number from 1 to {MAX_PARALLEL} or a mapping with matrix")
    return [{} for _ in range(value)]


def _matrix(value: Any, where: str) -> list[Mapping[str, str]]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise fault(f"{where}:matrix config should be a list of mappings")
    rows: list[Mapping[str, str]] = []
    for entry in value:
        combined: list[dict[str, str]] = [{}]
        for key, values in entry.items():
            options = values if isinstance(values, list) else [values]
            if len(combined) * len(options) > MAX_PARALLEL:
                raise fault(f"{where}:matrix makes more than {MAX_PARALLEL} jobs")
            combined = [{**row, str(key): text(option)} for row in combined for option in options]
        rows.extend(combined)
    if not 1 <= len(rows) <= MAX_PARALLEL:
        raise fault(f"{where}:matrix should make from 1 to {MAX_PARALLEL} jobs")
    return rows


def _expire_in(value: Any, where: str) -> str | None:
    if value is None or value == "never":
        return None if value is None else "never"
    duration(value, where)
    return text(value)
