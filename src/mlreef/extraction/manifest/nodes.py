"""A YAML text as nodes that know their place, within fixed bounds of size, number and depth.

Nodes are built from the parser's events, one after another, so a hostile file costs no more than its limit. Scalars
follow the YAML 1.2 core rules, as in all of MLReef's files: `1e-4` is a number, `on` and `2026-01-01` are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from mlreef.extraction.model import Fault, Position

MAX_BYTES = 256 << 10
MAX_NODES = 20_000
MAX_DEPTH = 16

_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE, _FALSE = re.compile(r"true|True|TRUE"), re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,40}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,60}|[0-9]{1,60}(?:\.[0-9]{0,60})?)(?:[eE][-+]?[0-9]{1,4})?")


@dataclass(slots=True)
class Scalar:
    """A text, number, truth value or nothing."""

    value: Any
    place: Position


@dataclass(slots=True)
class Listing:
    """Nodes in order."""

    items: list[Node]
    place: Position


@dataclass(slots=True)
class Table:
    """Nodes by key, each key with its own place."""

    entries: dict[str, tuple[Position, Node]]
    place: Position


Node = Scalar | Listing | Table


class BadFile(Exception):
    """The text cannot be read on; the fault says where and why."""

    def __init__(self, place: Position, message: str, remedy: str) -> None:
        super().__init__(message)
        self.fault = Fault(place, message, remedy)


@dataclass(slots=True)
class _Reader:
    file: str
    events: Iterator[Any]
    faults: list[Fault] = field(default_factory=list)
    nodes: int = 0

    def place(self, event: Any) -> Position:
        mark = event.start_mark
        return Position(self.file, mark.line + 1, mark.column + 1)

    def node(self, event: Any, depth: int) -> Node:
        place = self.place(event)
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            what = "nested too deeply" if depth > MAX_DEPTH else f"more than {MAX_NODES} values"
            raise BadFile(place, f"the file is {what}" if depth > MAX_DEPTH else f"the file holds {what}",
                          "describe one processor, and nothing else, in it")  # fmt: skip
        if isinstance(event, yaml.AliasEvent):
            raise BadFile(place, "aliases (*name) are not allowed", "write the value out")
        if getattr(event, "anchor", None) is not None:
            raise BadFile(place, "anchors (&name) are not allowed", "write the value out where it is needed")
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(self._scalar(event), place)
        if event.tag is not None:
            raise BadFile(place, f"the tag {event.tag[:60]!r} is not allowed", "leave it out")
        return self._sequence(place, depth) if isinstance(event, yaml.SequenceStartEvent) else self._map(place, depth)

    def _sequence(self, place: Position, depth: int) -> Listing:
        items: list[Node] = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self.node(event, depth + 1))
        return Listing(items, place)

    def _map(self, place: Position, depth: int) -> Table:
        entries: dict[str, tuple[Position, Node]] = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self.node(event, depth + 1)
            if not isinstance(event, yaml.ScalarEvent):
                raise BadFile(key.place, "keys must be text", "write `key: value`")
            value = self.node(next(self.events), depth + 1)
            if event.value in entries:
                first = entries[event.value][0].line
                self.faults.append(Fault(key.place, f"{event.value[:60]!r} is given twice (first in line {first})",
                                         "keep one of them"))  # fmt: skip
            else:
                entries[event.value] = (key.place, value)
        return Table(entries, place)

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.tag not in {None, "!", "tag:yaml.org,2002:str"}:
            raise BadFile(self.place(event), f"the tag {event.tag[:60]!r} is not allowed", "leave it out")
        if not event.implicit[0] or event.style in {"'", '"', "|", ">"}:
            return text
        return _plain(text)


def _plain(text: str) -> Any:
    if len(text) > 200:
        return text
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def read(content: bytes, file: str) -> tuple[Node | None, list[Fault]]:
    """The file's one document (None when empty) and what is wrong with it as YAML; never raises."""
    start = Position(file, 1, 1)
    if len(content) > MAX_BYTES:
        return None, [Fault(start, f"the file is larger than {MAX_BYTES >> 10} KiB", "keep data in files of its own")]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        return None, [Fault(Position(file, line, 1), "the file is not UTF-8 text", "save it with encoding UTF-8")]
    reader = _Reader(file, iter(()))
    try:
        found = _document(reader, text)
    except BadFile as exc:
        return None, [*reader.faults, exc.fault]
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        place = Position(file, mark.line + 1, mark.column + 1) if mark is not None else start
        return None, [*reader.faults, Fault(place, f"not YAML: {exc.problem or exc.context}", "correct the line")]
    except (yaml.YAMLError, ValueError, StopIteration) as exc:
        message = f"not YAML: {str(exc).splitlines()[0][:200] if str(exc) else type(exc).__name__}"
        return None, [*reader.faults, Fault(start, message, "correct the file")]
    return found, reader.faults


def _document(reader: _Reader, text: str) -> Node | None:
    reader.events = yaml.parse(text, Loader=_PARSER)
    found: Node | None = None
    for event in reader.events:
        if isinstance(event, yaml.DocumentStartEvent):
            if found is not None:
                raise BadFile(reader.place(event), "the file holds a second document", "delete it from `---` on")
            found = reader.node(next(reader.events), 0)
    return found


def from_value(value: Any, file: str = "") -> Node:
    """A JSON value as nodes without a place, so that it is checked by the same rules."""
    nowhere = Position(file, 1, 1)
    if isinstance(value, Mapping):
        return Table({str(key): (nowhere, from_value(one, file)) for key, one in value.items()}, nowhere)
    if isinstance(value, (list, tuple)):
        return Listing([from_value(one, file) for one in value], nowhere)
    return Scalar(value, nowhere)


def to_value(node: Node) -> Any:
    """The plain value of a node."""
    if isinstance(node, Table):
        return {key: to_value(one) for key, (_, one) in node.entries.items()}
    if isinstance(node, Listing):
        return [to_value(one) for one in node.items]
    return node.value
