"""What values of `processor.yaml` look like: one declaration yields the check, the normal form and the JSON schema.

A shape reads a node into its normal form and records every fault on the way; what is at fault is left out of the
result, so that one fault does not hide the next.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mlreef.extraction.manifest.nodes import Listing, Node, Scalar, Table, to_value
from mlreef.extraction.model import Fault, Position

Schema = dict[str, Any]
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_BROKEN = re.compile("[\ud800-\udfff]")


class _Missing:
    """Stands for a value that was at fault."""


MISSING = _Missing()


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault and the path of the value at fault."""

    path: str
    fault: Fault


@dataclass(slots=True)
class Problems:
    """All that was found so far, up to a bound."""

    found: list[Problem] = field(default_factory=list)
    limit: int = 100

    def add(self, path: str, place: Position, message: str, remedy: str) -> None:
        """Record a fault."""
        if len(self.found) < self.limit:
            self.found.append(Problem(path, Fault(place, message, remedy)))


class Shape(Protocol):
    """One kind of value."""

    def read(self, node: Node, path: str, problems: Problems) -> Any:
        """The normal form, or MISSING."""
        ...

    def schema(self) -> Schema:
        """The same as JSON schema (draft 2020-12)."""
        ...


def shown(value: Any) -> str:
    """A value as messages quote it."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that was probably meant."""
    found = difflib.get_close_matches(word[:80].lower(), known, n=1, cutoff=0.6)
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Text:
    """A text."""

    most: int = 255
    pattern: str | None = None
    remedy: str = "write a text, in quotes if need be"
    check: Callable[[str], str | None] | None = None
    """The normal form of a text, or None for one that is at fault."""

    def read(self, node: Node, path: str, problems: Problems) -> Any:
        value = node.value if isinstance(node, Scalar) else None
        message = None
        if not isinstance(value, str) or not value.strip():
            message = f"{path} must be text, not {shown(to_value(node))}"
        elif len(value) > self.most:
            message = f"{path} is longer than {self.most} characters"
        elif _CONTROL.search(value):
            message = f"{path} holds control characters"
        elif self.pattern is not None and not re.fullmatch(self.pattern, value):
            message = f"{path} cannot be {shown(value)}"
        if message is None and self.check is not None:
            value = self.check(str(value))
            message = None if value is not None else f"{path} cannot be {shown(to_value(node))}"
        if message is not None:
            problems.add(path, node.place, message, self.remedy)
            return MISSING
        return value

    def schema(self) -> Schema:
        found: Schema = {"type": "string", "minLength": 1, "maxLength": self.most}
        return found if self.pattern is None else {**found, "pattern": f"^(?:{self.pattern})$"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: Sequence[str]

    def read(self, node: Node, path: str, problems: Problems) -> Any:
        value = to_value(node)
        if isinstance(value, str) and value in self.words:
            return value
        meant = nearest(str(value), self.words)
        remedy = f"did you mean {meant!r}? " if meant else ""
        problems.add(path, node.place, f"{path} cannot be {shown(value)}", f"{remedy}use {', '.join(self.words)}")
        return MISSING

    def schema(self) -> Schema:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Number:
    """A number between bounds."""

    least: float = -math.inf
    most: float = math.inf
    whole: bool = False

    def read(self, node: Node, path: str, problems: Problems) -> Any:
        value = to_value(node)
        kind = "a whole number" if self.whole else "a number"
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            problems.add(path, node.place, f"{path} must be {kind}, not {shown(value)}", f"write {kind}")
        elif not math.isfinite(value) or abs(value) >= 2**63:
            problems.add(path, node.place, f"{path} is too large", f"write {kind}")
        elif not self.least <= value <= self.most:
            remedy = f"write {kind} from {self.least:g} to {self.most:g}"
            problems.add(path, node.place, f"{path} cannot be {shown(value)}", remedy)
        else:
            return value
        return MISSING

    def schema(self) -> Schema:
        found: Schema = {"type": "integer" if self.whole else "number"}
        if math.isfinite(self.least):
            found["minimum"] = self.least
        if math.isfinite(self.most):
            found["maximum"] = self.most
        return found


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def read(self, node: Node, path: str, problems: Problems) -> Any:
        value = to_value(node)
        if isinstance(value, bool):
            return value
        problems.add(path, node.place, f"{path} must be true or false, not {shown(value)}", "write true or false")
        return MISSING

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Measured:
    """A whole number, or a text with a unit that means one."""

    convert: Callable[[str], int | None]
    pattern: str
    example: str
    least: int
    most: int

    def read(self, node: Node, path: str, problems: Problems) -> Any:
        value = to_value(node)
        found = self.convert(value) if isinstance(value, str) else value
        if isinstance(found, bool) or not isinstance(found, int):
            problems.add(path, node.place, f"{path} cannot be {shown(value)}", f"write {self.example}")
        elif not self.least <= found <= self.most:
            message = f"{path} cannot be {shown(value)}: at least {self.least}, at most {self.most}"
            problems.add(path, node.place, message, f"write {self.example}")
        else:
            return found
        return MISSING

    def schema(self) -> Schema:
        number = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return {"anyOf": [number, {"type": "string", "pattern": f"^(?:{self.pattern})$"}]}


@dataclass(frozen=True, slots=True)
class Constant:
    """Any JSON value."""

    nothing: bool = True

    def read(self, node: Node, path: str, problems: Problems) -> Any:
        value = to_value(node)
        try:
            text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        except (ValueError, TypeError, RecursionError):
            text = ""
        odd = _BROKEN.search(text) or "\\u0000" in text
        if not text or odd or len(text) > 100_000 or (value is None and not self.nothing):
            problems.add(path, node.place, f"{path} cannot be {shown(value)}", "write a constant")
            return MISSING
        return value

    def schema(self) -> Schema:
        return {} if self.nothing else {"not": {"type": "null"}}


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    item: Shape
    example: str
    least: int = 0
    most: int = 100
    unique: bool = False

    def read(self, node: Node, path: str, problems: Problems) -> Any:
        if not isinstance(node, Listing):
            problems.add(path, node.place, f"{path} must be a list, not {shown(to_value(node))}",
                         f"write {self.example}")  # fmt: skip
            return MISSING
        if not self.least <= len(node.items) <= self.most:
            problems.add(path, node.place, f"{path} has {len(node.items)} items: at least {self.least}, "
                         f"at most {self.most}", f"write {self.example}")  # fmt: skip
            return MISSING
        found = [self.item.read(one, f"{path}[{number}]", problems) for number, one in enumerate(node.items)]
        kept = [one for one in found if one is not MISSING]
        return list(dict.fromkeys(kept)) if self.unique else kept

    def schema(self) -> Schema:
        return {"type": "array", "items": self.item.schema(), "minItems": self.least, "maxItems": self.most}


@dataclass(frozen=True, slots=True)
class Named:
    """Values by name."""

    value: Shape
    example: str
    pattern: str = r"[A-Za-z_][A-Za-z0-9_.-]{0,99}"
    most: int = 500

    def read(self, node: Node, path: str, problems: Problems) -> Any:
        if not isinstance(node, Table):
            problems.add(path, node.place, f"{path} must hold names with values, not {shown(to_value(node))}",
                         f"write {self.example}")  # fmt: skip
            return MISSING
        if len(node.entries) > self.most:
            problems.add(path, node.place, f"{path} has more than {self.most} names", f"write {self.example}")
            return MISSING
        found = {}
        for name, (place, one) in node.entries.items():
            if not re.fullmatch(self.pattern, name):
                problems.add(f"{path}.{name[:60]}", place, f"{shown(name)} cannot be a name in {path}",
                             "use letters, digits, '_', '-' and '.', beginning with a letter")  # fmt: skip
                continue
            value = self.value.read(one, f"{path}.{name}", problems)
            if value is not MISSING:
                found[name] = value
        return found

    def schema(self) -> Schema:
        names = {"pattern": f"^(?:{self.pattern})$"}
        return {"type": "object", "propertyNames": names, "additionalProperties": self.value.schema(),
                "maxProperties": self.most}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a record: its shape, and what it is for."""

    shape: Shape
    about: str
    default: Any = None


@dataclass(frozen=True, slots=True)
class Record:
    """Known keys, each optional; unknown ones are faults with the nearest known key as remedy."""

    fields: Mapping[str, Field]

    def read(self, node: Node, path: str, problems: Problems) -> Any:
        if not isinstance(node, Table):
            where = path or "the file"
            example = next(iter(self.fields))
            problems.add(path, node.place, f"{where} must hold keys with values, not {shown(to_value(node))}",
                         f"write lines such as `{example}: ...`")  # fmt: skip
            return MISSING
        found = {}
        for key, (place, one) in node.entries.items():
            where = f"{path}.{key}" if path else key
            known = self.fields.get(key)
            if known is None:
                meant = nearest(key, list(self.fields))
                remedy = f"did you mean {meant!r}?" if meant else f"use {', '.join(self.fields)}"
                problems.add(where[:100], place, f"unknown key {shown(key)}" + (f" in {path}" if path else ""), remedy)
                continue
            value = known.shape.read(one, where, problems)
            if value is not MISSING:
                found[key] = value
        return found

    def schema(self) -> Schema:
        properties = {}
        for key, one in self.fields.items():
            properties[key] = {"description": one.about, **one.shape.schema()}
            if one.default is not None:
                properties[key]["default"] = one.default
        return {"type": "object", "properties": properties, "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Either:
    """One shape for a list, another for everything else; `turn` brings the list to the form of the other."""

    listed: Shape
    other: Shape
    turn: Callable[[Any], Any] = lambda value: value

    def read(self, node: Node, path: str, problems: Problems) -> Any:
        if not isinstance(node, Listing):
            return self.other.read(node, path, problems)
        found = self.listed.read(node, path, problems)
        return MISSING if found is MISSING else self.turn(found)

    def schema(self) -> Schema:
        return {"anyOf": [self.listed.schema(), self.other.schema()]}


@dataclass(frozen=True, slots=True)
class Nullable:
    """A shape, or nothing."""

    shape: Shape

    def read(self, node: Node, path: str, problems: Problems) -> Any:
        if isinstance(node, Scalar) and node.value is None:
            return None
        return self.shape.read(node, path, problems)

    def schema(self) -> Schema:
        return {"anyOf": [{"type": "null"}, self.shape.schema()]}
