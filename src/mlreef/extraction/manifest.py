"""`processor.yaml` beside a program: what its source cannot say, and what shall be said otherwise.

name: augment                     kind: operation | visualization | algorithm
title: Augment images             description: ...
entry: augment.py                 environment: scikit-learn
input_types: [image]              output_types: [image]
model_type: ...                   ml_category: ...
parameters: {rotate: {min: 0, max: 180, unit: degrees, help: ..., role: input}}
inputs: [train_path]              outputs: [output_path]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlreef.extraction.model import KINDS, ROLES, TYPES, Extraction, Fault, Parameter, Position, plain
from mlreef.kit import safe_yaml
from mlreef.kit.errors import PlatformError

FILE = "processor.yaml"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

_TEXTS = ("name", "kind", "title", "description", "entry", "environment", "model_type", "ml_category")
_LISTS = ("input_types", "output_types", "inputs", "outputs")
_KEYS = (*_TEXTS, *_LISTS, "parameters")
_OVERRIDES = {"min", "max", "unit", "help", "role", "type", "default", "choices", "required"}


@dataclass(slots=True)
class Manifest:
    """A file's content, checked; `faults` holds what is wrong with it."""

    values: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    file: str = FILE
    lines: list[str] = field(default_factory=list)

    def place(self, key: str) -> Position:
        """The first line where a key stands."""
        for number, line in enumerate(self.lines, 1):
            column = line.find(f"{key}:")
            if column >= 0:
                return Position(self.file, number, column + 1)
        return Position(self.file, 1, 1)

    def fault(self, key: str, message: str, remedy: str) -> None:
        """Record a fault at a key."""
        self.faults.append(Fault(self.place(key), message, remedy))


def parse(content: bytes, file: str) -> Manifest:
    """The manifest in a file; never raises for what it holds."""
    found = Manifest(file=file, lines=content.decode(errors="replace").splitlines())
    try:
        document = safe_yaml.load(content)
    except PlatformError as exc:
        place = exc.details[0].location if exc.details else None
        where = Position(file, place.line, place.column) if place else Position(file, 1, 1)
        detail = exc.details[0].message if exc.details else exc.message
        found.faults.append(Fault(where, f"not a YAML file: {detail}", "correct the file or delete it"))
        return found
    if document is None:
        return found
    if not isinstance(document, dict):
        found.fault("", "the file must hold keys with values", "write lines such as 'name: augment'")
        return found
    for key, value in document.items():
        _check(found, key, value)
    return found


def _check(found: Manifest, key: str, value: Any) -> None:
    if key not in _KEYS:
        found.fault(key, f"unknown key {key[:60]!r}", f"use {', '.join(_KEYS)}")
    elif key in _TEXTS:
        if isinstance(value, str) and 0 < len(value) <= 4000:
            found.values[key] = value
        else:
            found.fault(key, f"{key} must be text", f"write {key}: some text, in quotes if need be")
    elif key in _LISTS:
        if isinstance(value, list) and all(isinstance(one, str) and len(one) <= 100 for one in value):
            found.values[key] = value[:100]
        else:
            found.fault(key, f"{key} must be a list of words", f"write {key}: [image, text]")
    elif isinstance(value, dict):
        found.values[key] = value
    else:
        found.fault(key, "parameters must be named", "write parameters: {rotate: {min: 0, max: 180}}")
    if key == "kind" and value not in KINDS:
        found.fault(key, f"{str(value)[:60]!r} is no kind of processor", f"use one of {', '.join(KINDS)}")
    if key == "name" and isinstance(value, str) and not NAME.fullmatch(value):
        found.fault(key, f"{value[:60]!r} cannot be a processor's name", "use a-z, 0-9 and '-', at most 63 characters")


def apply(manifest: Manifest, extraction: Extraction) -> None:
    """Change what was extracted as the manifest says; faults go to the extraction."""
    named = {one.name: one for one in extraction.parameters}
    for name, changes in (manifest.values.get("parameters") or {}).items():
        if name not in named:
            if not extraction.errors:
                known = ", ".join(sorted(named)) or "none"
                manifest.fault(name, f"the program has no parameter {name[:60]!r}", f"use one of: {known}")
        elif not isinstance(changes, Mapping):
            manifest.fault(name, f"{name} must hold keys with values", f"write {name}: {{min: 0}}")
        else:
            _override(manifest, named[name], changes)
    for key, role in (("inputs", "input"), ("outputs", "output")):
        for name in manifest.values.get(key) or []:
            if name in named:
                named[name].role = role
            elif not extraction.errors:
                manifest.fault(key, f"the program has no parameter {name[:60]!r}", "name one that it has")
    extraction.errors += manifest.faults


def _override(manifest: Manifest, parameter: Parameter, changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        remedy = _REMEDIES.get(key)
        if remedy is None:
            manifest.fault(key, f"{parameter.name}: unknown key {key[:60]!r}", f"use {', '.join(sorted(_OVERRIDES))}")
        elif not _acceptable(key, value):
            manifest.fault(key, f"{parameter.name}: {key} cannot be {str(value)[:60]!r}", remedy)
        elif key == "default":
            parameter.default, parameter.required = plain(value), False
        else:
            setattr(parameter, key, value)
    if parameter.min is not None and parameter.max is not None and parameter.min > parameter.max:
        manifest.fault("min", f"{parameter.name}: min is greater than max", "exchange them")


_REMEDIES = {
    "min": "write a number",
    "max": "write a number",
    "unit": "write a word such as pixels",
    "help": "write a text",
    "role": f"use one of {', '.join(ROLES)}",
    "type": f"use one of {', '.join(TYPES)}",
    "default": "write a constant",
    "choices": "write a list of constants",
    "required": "write true or false",
}


def _acceptable(key: str, value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        plain(value)
    except ValueError:
        return False
    match key:
        case "min" | "max":
            return number
        case "unit" | "help":
            return isinstance(value, str) and len(value) <= 4000
        case "role":
            return value in ROLES
        case "type":
            return value in TYPES
        case "choices":
            return isinstance(value, list) and 0 < len(value) <= 1000
        case "required":
            return isinstance(value, bool)
    return True
