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


@dataclass(slots=True)
class Extraction:
    """All that was found in one program."""

    parameters: list[Parameter] = field(default_factory=list)
    errors: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    description: str = ""


def role_of(name: str, kind: str) -> str:
    """Whether a parameter is a value, or a path that the platform fills in."""
    if kind in {"path", "string"}:
        plain = name.lower().replace("-", "_")
        if plain in INPUT_NAMES:
            return "input"
        if plain in OUTPUT_NAMES:
            return "output"
    return "value"


def plain(value: Any, depth: int = 0) -> Any:
    """A constant as JSON can carry it; raises ValueError for what it cannot."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        if abs(value) >= 2**63:
            raise ValueError("too large a number")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("not a finite number")
        return value
    if depth < 20 and isinstance(value, (list, tuple, set, frozenset, range)):
        items = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value
        return [plain(one, depth + 1) for one in items]
    if depth < 20 and isinstance(value, Mapping):
        return {str(key): plain(one, depth + 1) for key, one in value.items()}
    raise ValueError("not a constant")


def from_json(document: Mapping[str, Any]) -> Parameter:
    """A parameter as `to_json` wrote it."""
    given = {one.name: document[one.name] for one in fields(Parameter) if one.name in document}
    return Parameter(**{**given, "position": Position(**document["position"])})
