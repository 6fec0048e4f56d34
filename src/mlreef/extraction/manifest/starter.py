"""Writes the first `processor.yaml` of a program: what is known filled in, the rest as comments to take up."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlreef.extraction.manifest.fields import PROCESSOR
from mlreef.extraction.model import Parameter

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_/.-]*(?: [A-Za-z0-9_/.-]+)*")
_TRICKY = re.compile(r"(?i)null|true|false|yes|no|on|off|y|n")


def write(
    *,
    program: Mapping[str, Any],
    suggested: Mapping[str, Any],
    parameters: Sequence[Parameter],
    schema_url: str | None = None,
) -> str:
    """The file's text; `program` holds `entry` or `command`."""
    lines = [f"# yaml-language-server: $schema={schema_url}"] if schema_url else []
    lines += [
        "# What the program does not say itself. Every key: docs/processors.md or `mlreef processor schema`.",
        "",
    ]
    for key in ("name", "kind", "title"):
        lines += _known(key, suggested[key])
    description = suggested.get("description")
    lines += _known("description", description) if description else _proposed("description", "...")
    for key, value in program.items():
        lines += _known(key, value)
    lines += _known("environment", suggested["environment"])
    for key, example in (("licence", "Apache-2.0"), ("tags", ["images"])):
        lines += _proposed(key, example)
    lines += [""]
    lines += _ports(parameters, described="command" in program)
    lines += _parameters(parameters, described="command" in program)
    lines += [""]
    lines += _proposed("resources", {"memory": "2GiB", "timeout": "1h"})
    lines += _proposed("network", "none")
    if suggested["kind"] == "algorithm":
        lines += _proposed("metrics", {"accuracy": {"goal": "maximize"}})
        lines += _proposed("model_type", "classification") + _proposed("ml_category", "supervised")
    lines += _proposed("reference", _reference(parameters))
    lines += _proposed("changelog", "CHANGELOG.md")
    return "\n".join(lines) + "\n"


def _ports(parameters: Sequence[Parameter], *, described: bool) -> list[str]:
    lines = []
    for key, role in (("inputs", "input"), ("outputs", "output")):
        names = [one.name for one in parameters if one.role == role]
        if names:
            example = _flow({names[0]: {"types": ["image"]}})
            lines += _known(key, names, comment=f"or {example}")
        elif described:
            lines += _known(key, ["data" if role == "input" else "result"])
        else:
            lines += _proposed(key, ["some_path"])
    return lines


def _parameters(parameters: Sequence[Parameter], *, described: bool) -> list[str]:
    values = [one for one in parameters if one.role == "value"]
    if described:
        example = {"rate": {"type": "float", "flag": "--rate", "default": 0.1, "help": "..."}}
        return _proposed("parameters", example)
    lines = [f"# {PROCESSOR.fields['parameters'].about}"]
    lines += ["# parameters:"]
    for one in values:
        number = one.type in {"integer", "float"}
        lines.append(f"#   {one.name}: {{{'min: 0, max: 100, unit: ...' if number else 'help: ...'}}}")
    return lines if values else _proposed("parameters", {"rate": {"min": 0, "max": 1}})


def _reference(parameters: Sequence[Parameter]) -> dict[str, Any]:
    inputs = {one.name: f"reference/{one.name}" for one in parameters if one.role == "input"}
    outputs = {one.name: {"files": ">= 1"} for one in parameters if one.role == "output"}
    return {"inputs": inputs or {"input": "reference/input"}, "outputs": outputs or {"output": {"files": ">= 1"}}}


def _known(key: str, value: Any, *, comment: str = "") -> list[str]:
    return [f"{key}: {_flow(value)}" + (f"  # {comment}" if comment else "")]


def _proposed(key: str, value: Any) -> list[str]:
    return [f"# {key}: {_flow(value)}  # {PROCESSOR.fields[key].about}"]


def _flow(value: Any) -> str:
    """A value in one line of YAML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_flow(one) for one in value) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not _TRICKY.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)
