"""YAML under caps: hostile text costs little and never reaches a constructor.

A first pass over parser events bounds size, depth, event count and what aliases would expand to ("billion laughs");
only then is the text composed, with a loader that knows plain data and `!reference` and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from mlreef.forge.ci.config.errors import fault

try:
    from yaml import CSafeLoader as _Base
except ImportError:  # PyYAML built without libyaml: slower, same result
    from yaml import SafeLoader as _Base  # type: ignore[assignment]

MAX_BYTES = 1 << 20
MAX_DEPTH = 100
MAX_EVENTS = 60_000
MAX_EXPANDED = 200_000


@dataclass(frozen=True, slots=True)
class Reference:
    """A `!reference [job, key]`: resolved once all files are merged."""

    path: tuple[str, ...]


class _Loader(_Base):
    """Plain data and `!reference`; dates stay text, as a script line or a variable would want them."""


def _reference(loader: Any, node: yaml.Node) -> Reference:
    if not isinstance(node, yaml.SequenceNode):
        raise fault("!reference needs a list such as [job, script]")
    return Reference(tuple(str(item) for item in loader.construct_sequence(node)))


_Loader.add_constructor("!reference", _reference)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Base.yaml_implicit_resolvers.items()
}


def load(text: str | bytes, source: str) -> dict[str, Any]:
    """The mapping in `text`; `source` names the file in every fault."""
    raw = text if isinstance(text, bytes) else text.encode()
    if len(raw) > MAX_BYTES:
        raise fault(f"{source}: larger than {MAX_BYTES} bytes; split the configuration or include less")
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise fault(f"{source}: not UTF-8 text") from None
    try:
        _measure(content, source)
        loader = _Loader(content)
        try:
            document = loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark
        where = f" at line {mark.line + 1} column {mark.column + 1}" if mark else ""
        raise fault(f"({source}): {exc.problem or 'invalid YAML'}{where}") from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise fault(f"({source}): invalid YAML: {exc}") from exc
    if not isinstance(document, dict):
        raise fault("Invalid configuration format")
    return _plain(document, source)


def _plain(document: dict[Any, Any], source: str) -> dict[str, Any]:
    """Top-level keys are names; a YAML number or boolean there is written as text."""
    for key in document:
        if not isinstance(key, str | int | bool | float):
            raise fault(f"{source}: top-level keys must be names")
    return {str(key): value for key, value in document.items()}


class _Meter:
    """Sizes while events pass by: one counter per open collection, a size per anchor."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._open: list[tuple[str | None, int]] = []
        self._anchors: dict[str, int] = {}
        self._size = 0

    def enter(self, anchor: str | None) -> None:
        """A list or mapping begins."""
        self._grow(1)
        self._open.append((anchor, self._size))
        if len(self._open) > MAX_DEPTH:
            raise fault(f"{self._source}: nested deeper than {MAX_DEPTH} levels")

    def leave(self) -> None:
        """A list or mapping ends."""
        anchor, start = self._open.pop()
        if anchor is not None:
            self._anchors[anchor] = self._size - start + 1

    def scalar(self, anchor: str | None) -> None:
        """A single value."""
        self._grow(1)
        if anchor is not None:
            self._anchors[anchor] = 1

    def alias(self, anchor: str) -> None:
        """A repetition: counts as much as what it repeats."""
        if any(name == anchor for name, _ in self._open):
            raise fault(f"{self._source}: the alias *{anchor} contains itself")
        self._grow(self._anchors.get(anchor, 1))

    def _grow(self, count: int) -> None:
        self._size += count
        if self._size > MAX_EXPANDED:
            raise fault(f"{self._source}: aliases expand to more than {MAX_EXPANDED} values")


def _measure(content: str, source: str) -> None:
    meter = _Meter(source)
    for count, event in enumerate(yaml.parse(content, Loader=_Base)):
        if count > MAX_EVENTS:
            raise fault(f"{source}: more than {MAX_EVENTS} YAML elements")
        if isinstance(event, yaml.AliasEvent):
            meter.alias(str(event.anchor))
        elif isinstance(event, yaml.CollectionStartEvent):
            meter.enter(event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            meter.leave()
        elif isinstance(event, yaml.ScalarEvent):
            meter.scalar(event.anchor)
