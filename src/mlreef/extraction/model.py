"""What extraction yields: typed parameters with their place in the source, faults with what to write instead."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

TYPES = ("string", "integer", "float", "boolean", "choice", "list", "path", "dictionary")
ROLES = ("value", "input", "output")
KINDS = ("operation", "visualization", "algorithm")

INPUT_NAMES = frozenset(
    {
        *("input", "input_path", "input_dir", "in", "in_path", "in_dir"),
        *("data", "data_path", "data_dir", "dataset", "images", "source"),
    }
)
OUTPUT_NAMES = frozenset(["output", "output_path", "output_dir", "out", "out_path", "out_dir", "destination"])


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file: one-based line and column."""

    file: str
    line: int
    column: int


@dataclass(slots=True)
class Parameter:
    """One input of a program; the shape that every interface shows."""

    name: str
    flag: str | None
    type: str
    required: bool
    default: Any
    choices: list[Any] | None
    min: float | None
    max: float | None
    multiple: bool
    nargs: str | int | None
    help: str
    unit: str | None
    role: str
    position: Position
    negated_flag: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The wire shape."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that stands against publishing, or (as a warning) that somebody should know."""

    position: Position
    message: str
    remedy: str

    def to_json(self) -> dict[str, Any]:
        """The wire shape."""
        place = self.position
        return {
            "file": place.file,
            "line": place.line,
            "column": place.column,
            "message": self.message,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True)
class Subcommand:
    """One of the commands of a program that has several: `train` in `tool.py train`."""

    name: str
    help: str
    parameters: list[Parameter]

    def to_json(self) -> dict[str, Any]:
        """The wire shape."""
        return {"name": self.name, "help": self.help, "parameters": [one.to_json() for one in self.parameters]}


@dataclass(slots=True)
class Extraction:
    """All that was found in one program."""

    parameters: list[Parameter] = field(default_factory=list)
    errors: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    description: str = ""
    framework: str | None = None
    """The library that reads the command line; `function` where the platform calls a function itself."""
    command: list[str] | None = None
    """How the program is started, when `python3 <file>` is not enough."""
    subcommands: list[Subcommand] = field(default_factory=list)
    subcommand: str | None = None
    """The one of them that the parameters are of."""
    declared: dict[str, Any] = field(default_factory=dict)
    """What decorators say about the processor, in the words of `processor.yaml`."""
    wanted: list[str] = field(default_factory=list)
    """Files of the project that would have helped and were not given."""

    def to_json(self) -> dict[str, Any]:
        """The wire shape."""
        return {
            "parameters": [one.to_json() for one in self.parameters],
            "errors": [one.to_json() for one in self.errors],
            "warnings": [one.to_json() for one in self.warnings],
            "description": self.description,
            "framework": self.framework,
            "command": self.command,
            "subcommands": [one.to_json() for one in self.subcommands],
            "subcommand": self.subcommand,
            "declared": self.declared,
            "wanted": self.wanted,
        }


def role_of(name: str, kind: str) -> str:
    """Whether a parameter is a value, or a path that the platform fills in."""
    if kind in {"path", "string"}:
        plain = name.lower().replace("-", "_")
        if plain in INPUT_NAMES:
            return "input"
        if plain in OUTPUT_NAMES:
            return "output"
    return "value"


MAX_ITEMS = 10_000


def plain(value: Any) -> Any:
    """A constant as JSON can carry it; raises ValueError for what it cannot."""
    return _plain(value, 0, [0])


def _plain(value: Any, depth: int, count: list[int]) -> Any:
    count[0] += 1
    if count[0] > MAX_ITEMS:
        raise ValueError("too large")
    if value is None or isinstance(value, (bool, str)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        if abs(value) >= 2**63:
            raise ValueError("too large a number")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("not a finite number")
        return value
    if depth < 20 and isinstance(value, (list, tuple, set, frozenset, range)):
        if len(value) > MAX_ITEMS:
            raise ValueError("too large")
        items = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value
        return [_plain(one, depth + 1, count) for one in items]
    if depth < 20 and isinstance(value, Mapping):
        return {str(key): _plain(one, depth + 1, count) for key, one in value.items()}
    raise ValueError("not a constant")


def extraction_from_json(document: Mapping[str, Any]) -> Extraction:
    """An extraction as `to_json` wrote it."""
    faults = {
        key: [
            Fault(Position(one["file"], one["line"], one["column"]), one["message"], one["remedy"])
            for one in document[key]
        ]
        for key in ("errors", "warnings")
    }
    subcommands = [
        Subcommand(one["name"], one["help"], [from_json(parameter) for parameter in one["parameters"]])
        for one in document["subcommands"]
    ]
    same = ("description", "framework", "command", "subcommand", "declared", "wanted")
    return Extraction(
        parameters=[from_json(one) for one in document["parameters"]],
        errors=faults["errors"],
        warnings=faults["warnings"],
        subcommands=subcommands,
        **{key: document[key] for key in same},
    )


def from_json(document: Mapping[str, Any]) -> Parameter:
    """A parameter as `to_json` wrote it."""
    given = {one.name: document[one.name] for one in fields(Parameter) if one.name in document}
    return Parameter(**{**given, "position": Position(**document["position"])})
