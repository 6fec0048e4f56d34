"""argparse as the interpreter sees it: parsers, groups, and the parameters that they are given."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from mlreef.extraction import options
from mlreef.extraction.interpreter import Call
from mlreef.extraction.model import Extraction, Fault, Parameter, Position, plain
from mlreef.extraction.values import UNKNOWN, Class, Ref

MAX_PARAMETERS = 500
_PARSERS = {
    "argparse.ArgumentParser",
    "configargparse.ArgumentParser",
    "configargparse.ArgParser",
    "jsonargparse.ArgumentParser",
}


@dataclass(slots=True)
class Parser:
    """An ArgumentParser or one of its groups, which share the parameters."""

    parameters: list[Parameter] = field(default_factory=list)
    prefix_chars: str = "-"
    description: str = ""
    exclusive: bool = False


class ArgparseReader:
    """The `Library` of programs that use argparse; collects what they declare."""

    def __init__(self, file: str, lines: list[str]) -> None:
        self.file = file
        self.result = Extraction()
        self.parsers: list[Parser] = []
        self.enum_values: Any = None
        self._lines = lines
        self._told: set[tuple[int, int, str]] = set()

    # -- Library

    def call(self, name: str, call: Call) -> Any:
        """See `Library.call`."""
        if name in _PARSERS:
            return self._parser(call)
        if name == "argparse.FileType":
            return Ref("argparse.FileType")
        if name in {"argparse.Namespace", "vars", "getattr", "setattr", "print", "open", "exec", "eval"}:
            return None if name == "print" else UNKNOWN
        return self._converted(name, call)

    def _converted(self, name: str, call: Call) -> Any:
        if name == "list" and call.arguments and isinstance(call.arguments[0], Class):
            return self.enum_values(call.arguments[0]) or UNKNOWN
        return UNKNOWN

    def method(self, owner: Any, name: str, call: Call) -> Any:
        """See `Library.method`."""
        if not isinstance(owner, Parser):
            return UNKNOWN
        if name in {"add_argument", "add"} and call.node.args + list(call.node.keywords):
            self._add(owner, call)
        elif name in {"add_argument_group", "add_mutually_exclusive_group"}:
            return Parser(owner.parameters, owner.prefix_chars, exclusive=name == "add_mutually_exclusive_group")
        elif name == "add_subparsers":
            self.error(call.node, "a program with subcommands cannot be one processor",
                       "write one script per subcommand, and publish each")  # fmt: skip
            return Parser()  # what subcommands declare belongs to them
        elif name == "add_parser":
            return Parser()
        elif name == "set_defaults":
            self._set_defaults(owner, call)
        elif name == "parse_known_args" and not owner.parameters:
            return (UNKNOWN, UNKNOWN)
        return UNKNOWN

    # -- reading

    def _parser(self, call: Call) -> Parser:
        made = Parser()
        chars = call.keywords.get("prefix_chars")
        if isinstance(chars, str) and chars:
            made.prefix_chars = chars
        description = call.keywords.get("description")
        made.description = description if isinstance(description, str) else ""
        for parent in call.keywords.get("parents") or []:
            if isinstance(parent, Parser):
                made.parameters += parent.parameters
                self.parsers = [one for one in self.parsers if one is not parent]
        self.parsers.append(made)
        return made

    def _add(self, owner: Parser, call: Call) -> None:
        found = options.read(
            options.Reading(
                call,
                self.position(call.node),
                self.error,
                self.warn,
                self.enum_values,
                owner.prefix_chars,
            )
        )
        if found is None:
            return
        if owner.exclusive and found.required and found.flag is None:
            found.required = False
        if len(owner.parameters) >= MAX_PARAMETERS:
            self.error(call.node, f"more than {MAX_PARAMETERS} parameters", "publish smaller programs")
            return
        earlier = next((one for one in owner.parameters if one.name == found.name), None)
        if earlier is not None and earlier.position == found.position:
            return  # the same statement was followed twice
        if earlier is not None:
            self._twice(earlier, found, call)
            return
        owner.parameters.append(found)

    def _twice(self, earlier: Parameter, found: Parameter, call: Call) -> None:
        """`--x` and `--no-x` that store into one place are one parameter; anything else is an error."""
        switches = earlier.type == found.type == "boolean"
        if switches and earlier.negated_flag is None and found.flag is None:
            earlier.negated_flag = found.negated_flag
        elif switches and earlier.flag is None and found.negated_flag is None:
            earlier.flag = found.flag
        else:
            line = earlier.position.line
            self.error(call.node, f"the name {found.name!r} is taken by the parameter in line {line}",
                       "give this one another name, or another dest")  # fmt: skip

    def _set_defaults(self, owner: Parser, call: Call) -> None:
        for parameter in owner.parameters:
            if parameter.name in call.keywords:
                try:
                    parameter.default = plain(call.keywords[parameter.name])
                    parameter.required = False
                except ValueError:
                    continue

    # -- faults

    def position(self, node: ast.AST) -> Position:
        """Where a node begins: one-based line and column in characters."""
        line, offset = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        text = self._lines[line - 1] if line <= len(self._lines) else ""
        return Position(self.file, line, len(text.encode()[:offset].decode(errors="ignore")) + 1)

    def error(self, node: ast.AST, message: str, remedy: str) -> None:
        """Something that stands against publishing."""
        self._tell(self.result.errors, node, message, remedy)

    def warn(self, node: ast.AST, message: str, remedy: str) -> None:
        """Something to know."""
        self._tell(self.result.warnings, node, message, remedy)

    def _tell(self, where: list[Fault], node: ast.AST, message: str, remedy: str) -> None:
        place = self.position(node)
        key = (place.line, place.column, message)
        if key not in self._told and len(where) < 200:
            self._told.add(key)
            where.append(Fault(place, message, remedy))
