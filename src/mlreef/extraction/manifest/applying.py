"""What a manifest changes about a program's parameters, and the parameters of a program that is not read at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlreef.extraction import arguments
from mlreef.extraction.manifest.document import Manifest
from mlreef.extraction.manifest.shapes import nearest
from mlreef.extraction.model import Extraction, Fault, Parameter, plain

_ROLES = (("inputs", "input"), ("outputs", "output"))
_PLAIN = ("type", "min", "max", "unit", "help", "role", "choices", "required", "multiple", "nargs")


def apply(manifest: Manifest, extraction: Extraction) -> None:
    """Bring what was extracted in line with the manifest; all faults of either end up in the extraction."""
    if manifest.command is not None:
        extraction.parameters = _declared(manifest)
    else:
        _override(manifest, extraction)
    named = {one.name: one for one in extraction.parameters}
    _check_values(manifest, named)
    if not extraction.errors:
        _check_reference(manifest, named)
    extraction.errors += manifest.faults


def _declared(manifest: Manifest) -> list[Parameter]:
    """The parameters of a command: those under `parameters` in their order, then inputs and outputs not among them."""
    values = manifest.values
    given: dict[str, tuple[str, Mapping[str, Any]]] = {
        name: ("parameters", one) for name, one in (values.get("parameters") or {}).items()
    }
    for key, _ in _ROLES:
        for name, one in (values.get(key) or {}).items():
            given.setdefault(name, (key, one))
    found = []
    for name, (key, one) in given.items():
        role = next((role for section, role in _ROLES if name in (values.get(section) or {})), None)
        found.append(_parameter(manifest, name, key, one, role))
    return found


def _parameter(manifest: Manifest, name: str, key: str, given: Mapping[str, Any], role: str | None) -> Parameter:
    kind = given.get("type") or "path"
    role = role or given.get("role") or "value"
    flag = given.get("flag")
    if flag == "none" and role == "value":
        manifest.fault([key, name, "flag"], f"{name}: only inputs and outputs have environment variables",
                       "write an option such as --rate, or null for a positional")  # fmt: skip
    negated = given.get("negated_flag")
    return Parameter(
        name=name,
        flag="" if flag == "none" else flag,
        type=kind,
        required=given.get("required", role == "input" or (role == "value" and "default" not in given)),
        default=given.get("default"),
        choices=given.get("choices"),
        min=given.get("min"),
        max=given.get("max"),
        multiple=given.get("multiple", False),
        nargs=given.get("nargs"),
        help=given.get("help", ""),
        unit=given.get("unit"),
        role=role,
        position=manifest.place(key, name),
        negated_flag=None if negated == "none" else negated,
    )


def _override(manifest: Manifest, extraction: Extraction) -> None:
    named = {one.name: one for one in extraction.parameters}
    for name, given in (manifest.values.get("parameters") or {}).items():
        if name in named:
            _change(manifest, named[name], given)
        elif not extraction.errors:
            _unknown(manifest, ["parameters", name], name, named)
    for key, role in _ROLES:
        for name, given in (manifest.values.get(key) or {}).items():
            if name not in named:
                if not extraction.errors:
                    _unknown(manifest, [key, name], name, named)
                continue
            named[name].role = role
            if given.get("help"):
                named[name].help = given["help"]
            if "required" in given:
                named[name].required = given["required"]
            if "flag" in given:
                manifest.fault([key, name, "flag"], f"{name}: its flag is what the program says",
                               "leave flag out, or use `command` in place of `entry`")  # fmt: skip


def _change(manifest: Manifest, parameter: Parameter, given: Mapping[str, Any]) -> None:
    for key in _PLAIN:
        if key in given:
            setattr(parameter, key, given[key])
    if "default" in given:
        parameter.default = plain(given["default"])
        parameter.required = given.get("required", False)
    for key in ("flag", "negated_flag"):
        if key in given and given[key] != getattr(parameter, key):
            manifest.fault(["parameters", parameter.name, key], f"{parameter.name}: its {key} is what the program says",
                           f"leave {key} out, or use `command` in place of `entry`")  # fmt: skip


def _unknown(manifest: Manifest, path: list[str], name: str, named: Mapping[str, Parameter]) -> None:
    meant = nearest(name, sorted(named))
    known = ", ".join(sorted(named)[:20]) or "none"
    remedy = f"did you mean {meant!r}?" if meant else f"it has: {known}"
    manifest.fault(path, f"the program has no parameter {name[:60]!r}", remedy)


def _check_values(manifest: Manifest, named: Mapping[str, Parameter]) -> None:
    """Defaults and choices as written here must be values that the parameter takes."""
    for name, given in (manifest.values.get("parameters") or {}).items():
        parameter = named.get(name)
        if parameter is None:
            continue
        if parameter.type == "choice" and not parameter.choices:
            manifest.fault(["parameters", name], f"{name}: a choice needs choices", "write choices: [fast, exact]")
        declared = arguments.Parameter.from_json(parameter.to_json())
        if given.get("default") is not None:
            try:
                arguments.check(declared, given["default"])
            except arguments.BadValue as exc:
                manifest.fault(["parameters", name, "default"], f"{name}: the default {exc}", "write one that it takes")
        if parameter.min is not None and parameter.max is not None and parameter.min > parameter.max:
            where = "min" if "min" in given else "max"
            message = f"{name}: min ({parameter.min:g}) is greater than max ({parameter.max:g})"
            fault = Fault(manifest.place("parameters", name, where), message, "exchange them")
            if not any(one.position == fault.position for one in manifest.faults):
                manifest.fault(["parameters", name, where], message, "exchange them")


def _check_reference(manifest: Manifest, named: Mapping[str, Parameter]) -> None:
    reference = manifest.values.get("reference") or {}
    outputs = [one.name for one in named.values() if one.role == "output"] or ["output"]
    inputs = [one.name for one in named.values() if one.role == "input"] or ["input"]
    for key, known in (("inputs", inputs), ("outputs", outputs)):
        for name in reference.get(key) or {}:
            if name not in known:
                manifest.fault(["reference", key, name], f"the program has no {key[:-1]} {name[:60]!r}",
                               f"it has: {', '.join(known)}")  # fmt: skip
    for name, value in (reference.get("parameters") or {}).items():
        parameter = named.get(name)
        if parameter is None or parameter.role != "value":
            _unknown(manifest, ["reference", "parameters", name], name,
                     {key: one for key, one in named.items() if one.role == "value"})  # fmt: skip
            continue
        try:
            arguments.check(arguments.Parameter.from_json(parameter.to_json()), value)
        except arguments.BadValue as exc:
            manifest.fault(["reference", "parameters", name], f"{name} {exc}", "write a value that it takes")
    metrics = manifest.values.get("metrics")
    for name in reference.get("metrics") or {}:
        if metrics and name not in metrics:
            meant = nearest(name, list(metrics))
            manifest.fault(["reference", "metrics", name], f"{name} is not among `metrics`",
                           f"did you mean {meant!r}?" if meant else "add it there")  # fmt: skip
