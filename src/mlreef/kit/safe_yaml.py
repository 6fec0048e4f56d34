"""YAML that is safe to read from anybody: the 1.2 core rules, no aliases, unique keys, bounded size and depth.

`1e-4` is a number, `on` and `2026-01-01` are text, so that a file means what its JSON twin means. Aliases are refused:
they are how small files become large. A fault is one clear error with its line and column.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from mlreef.kit.errors import Detail, Location, PlatformError, invalid

MAX_BYTES = 1 << 20
MAX_DEPTH = 40

_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")
_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"^[-+]?[0-9]+$")
_FLOAT = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")


class _Loader(yaml.SafeLoader):
    """YAML 1.2 core schema without aliases and with unique keys."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - replaces the base class's table
    depth = 0

    def _here(self) -> Any:
        return self.peek_event().start_mark  # type: ignore[no-untyped-call]

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.constructor.ConstructorError(None, None, "aliases are not allowed", self._here())
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.constructor.ConstructorError(None, None, "nested too deeply", self._here())
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        if key is None:
            raise yaml.constructor.ConstructorError(None, None, "keys must be text", key_node.start_mark)
        if key in found:
            raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _float(loader: _Loader, node: yaml.ScalarNode) -> float:
    return float(loader.construct_scalar(node))


def _int(loader: _Loader, node: yaml.ScalarNode) -> int:
    if len(node.value) > 400:
        raise yaml.constructor.ConstructorError(None, None, "the number is too long", node.start_mark)
    return int(loader.construct_scalar(node))


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", _NULL, ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOL, list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
_Loader.add_constructor("tag:yaml.org,2002:int", _int)


def load(text: str | bytes, *, subject: str = "document") -> Any:
    """The document in a YAML (or JSON) text; one clear error with line and column when it cannot be read.

    `subject` names in errors what the file is meant to be.
    """
    try:
        content = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError as exc:
        raise invalid("the file is not UTF-8 text") from exc
    if len(content.encode(errors="surrogatepass")) > MAX_BYTES:
        raise invalid(f"the file is larger than {MAX_BYTES >> 20} MiB; a {subject} is never that large")
    try:
        return yaml.load(content, Loader=_Loader)  # noqa: S506 - a SafeLoader, made stricter above
    except yaml.MarkedYAMLError as exc:
        raise _fault(str(exc.problem), exc.problem_mark, subject) from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise invalid(f"the file is not YAML: {exc}") from exc


def _fault(problem: str, mark: Any, subject: str) -> PlatformError:
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    detail = Detail(subject, problem, Location("", line, column))
    return invalid(f"the file is not a YAML {subject}: line {line}, column {column}: {problem}", details=[detail])
