"""What differs between two versions for somebody who uses them: parameters, environment, packages, and what breaks.

Breaking is whatever can make a call of the older version fail, or mean something else, with the newer one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlreef.management.processors.records import Version

_FIELDS = (
    *("type", "role", "required", "default", "choices", "min", "max", "multiple", "nargs", "unit", "flag", "help"),
)
# A value of the one is a value of the other.
_WIDER = {("integer", "float"), ("choice", "string")}

Parameter = Mapping[str, Any]


@dataclass(slots=True)
class Comparison:
    """All differences."""

    added: list[Parameter] = field(default_factory=list)
    removed: list[Parameter] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    environment: tuple[str, str] | None = None
    packages: dict[str, list[Any]] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The wire shape, without the versions' names."""
        before, after = self.environment or ("", "")
        return {
            "parameters": {"added": self.added, "removed": self.removed, "changed": self.changed},
            "environment": {"before": before, "after": after} if self.environment is not None else None,
            "packages": self.packages,
            "breaking": bool(self.reasons),
            "reasons": self.reasons,
        }


def compare(before: Version, after: Version) -> Comparison:
    """From one version to another."""
    found = Comparison(packages=_packages(before.packages, after.packages))
    old = {one["name"]: one for one in before.parameters}
    new = {one["name"]: one for one in after.parameters}
    if before.kind != after.kind:
        found.reasons.append(f"it was of kind {before.kind} and is of kind {after.kind}")
    for name, one in new.items():
        if name not in old:
            found.added.append(one)
            if one.get("role") != "output" and one.get("required"):
                found.reasons.append(f"{name} is new and required")
    for name, one in old.items():
        if name not in new:
            found.removed.append(one)
            found.reasons.append(f"{one.get('role', 'value')} {name} is gone")
        else:
            _compare_parameter(one, new[name], found)
    if before.environment != after.environment:
        found.environment = (before.environment, after.environment)
    return found


def _compare_parameter(old: Parameter, new: Parameter, found: Comparison) -> None:
    for name in _FIELDS:
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        breaks = _breaks(name, before, after)
        change = {"name": old["name"], "field": name, "before": before, "after": after, "breaking": breaks}
        found.changed.append(change)
        if breaks:
            found.reasons.append(f"{old['name']}: {name} was {_short(before)} and is {_short(after)}")


def _breaks(name: str, before: Any, after: Any) -> bool:
    if name in {"default", "flag", "help"}:
        return False
    if name == "type":
        return (before, after) not in _WIDER
    if name == "required":
        return bool(after)
    if name == "choices":
        return after is not None and (before is None or any(one not in after for one in before))
    if name in {"min", "max"} and after is not None and before is not None:
        return bool(after > before) if name == "min" else bool(after < before)
    if name in {"min", "max"}:
        return after is not None
    if name == "multiple":
        return not after
    return True  # role, nargs, unit


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _packages(before: Sequence[str], after: Sequence[str]) -> dict[str, list[Any]]:
    old, new = dict(map(_pin, before)), dict(map(_pin, after))
    changed = [
        {"name": name, "before": old[name], "after": new[name]}
        for name in old
        if name in new and old[name] != new[name]
    ]
    return {
        "added": [one for one in after if _pin(one)[0] not in old],
        "removed": [one for one in before if _pin(one)[0] not in new],
        "changed": changed,
    }


def _pin(text: str) -> tuple[str, str]:
    name, _, version = text.partition("==")
    return name.strip(), version.strip()
