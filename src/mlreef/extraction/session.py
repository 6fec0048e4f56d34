"""One extraction under way: the program's files, what its libraries mean, the command lines found, and the faults.

Readers (argparse, click, ...) register what calls to their libraries mean in `CALLS`, `DECORATORS` and `CLASSES`; what
they find are `Program`s. Where a program starts reading its command line, following it ends: `start` raises `Started`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from mlreef.extraction import paths
from mlreef.extraction.calls import Call
from mlreef.extraction.evaluator import Exhausted
from mlreef.extraction.interpreter import Interpreter
from mlreef.extraction.model import Extraction, Fault, Parameter, Position
from mlreef.extraction.project import Project
from mlreef.extraction.values import UNKNOWN, Class, Instance, Module, Thing

MAX_FAULTS = 200
MAX_PARAMETERS = 500
MAX_PROGRAMS = 300


class Started(Exception):
    """The program reads its command line: what comes after is its work."""


@dataclass(eq=False, slots=True)
class Described:
    """One command line: its parameters, or its subcommands."""

    framework: str
    node: ast.AST
    module: Module
    name: str = ""
    help: str = ""
    description: str = ""
    parameters: list[Parameter] = field(default_factory=list)
    subcommands: list[Described] = field(default_factory=list)
    shim: dict[str, Any] | None = None
    """What the function shim is told, when the program cannot be started as it is."""
    order: str = "before"
    """`before`: options of the program stand before the subcommand; `anywhere`: it does not matter."""


class Program(Protocol):
    """A command line that the program has or may have."""

    def describe(self) -> Described | None:
        """What it takes; None when it is nothing after all."""
        ...


Handler = Callable[["Session", Call], Any]
Decorator = Callable[["Session", Any, Call], Any]
Maker = Callable[["Session", Class, Call], Any]

CALLS: dict[str, Handler] = {}
DECORATORS: dict[str, Decorator] = {}
CLASSES: dict[str, Maker] = {}
SILENT = frozenset({"vars", "setattr", "open", "exec", "eval", "input", "compile", "__import__", "globals", "locals"})


class Session:
    """The `Library` of one extraction."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.result = Extraction()
        self.programs: list[Program] = []
        self.started: Program | None = None
        self.foreign: Fault | None = None
        """Why there may be no parameters to be found."""
        self.exhausted = False
        self.over = False
        """Whether following the program has ended, and only what was found is looked at."""
        self.interpreter = Interpreter(self)
        self._told: set[tuple[str, int, int, str]] = set()

    # -- Library

    def call(self, name: str, call: Call) -> Any:
        """See `Library.call`."""
        if name in SILENT:
            return UNKNOWN
        handler = CALLS.get(name)
        return handler(self, call) if handler is not None else UNKNOWN

    def decorate(self, name: str, target: Any, call: Call) -> Any:
        """See `Library.decorate`."""
        handler = DECORATORS.get(name)
        return handler(self, target, call) if handler is not None else target

    def instantiate(self, of: Class, call: Call) -> Any:
        """See `Library.instantiate`."""
        for name in of.base_names():
            if name in CLASSES:
                return CLASSES[name](self, of, call)
        return None

    def passed(self, call: Call) -> Any:
        """See `Library.passed`."""
        given = [one for one in call.arguments if isinstance(one, Thing) and one.passes]
        if len(given) != 1:
            return UNKNOWN
        self.warn(call.module, call.node, "what is called here may add parameters that are not known",
                  "declare them in processor.yaml, or add them in this project")  # fmt: skip
        return given[0]

    def import_all(self, module: Module) -> None:
        """Follow the modules of the program that a module imports, for what importing them does."""
        waiting, seen = [module], {module.name}
        while waiting:
            for name in waiting.pop().imports:
                if paths.is_library(name.partition(".")[0]):
                    continue
                found = self.find_module(name, module, 0)
                if found is None and "." in name:
                    found = self.find_module(name.rpartition(".")[0], module, 0)
                if found is not None and found.name not in seen:
                    seen.add(found.name)
                    waiting.append(found)

    def find_module(self, name: str, importer: Module, level: int) -> Module | None:
        """See `Library.find_module`."""
        del importer, level
        parts = name.split(".")
        found = None
        for count in range(1, len(parts) + 1):  # packages come before what is in them
            found, tree = self.project.find(".".join(parts[:count]))
            if found is not None and tree is not None:
                self.interpreter.run(tree, found)
        return found

    # -- programs

    def add(self, program: Program) -> None:
        """The program prepares a command line."""
        if len(self.programs) >= MAX_PROGRAMS:
            raise Exhausted
        self.programs.append(program)

    def start(self, program: Program | None) -> Any:
        """The program reads its command line now; raises Started while the program is followed."""
        if self.over:
            return UNKNOWN
        if program is not None:
            self.started = program
            if program not in self.programs:
                self.programs.append(program)
        raise Started

    # -- faults

    def position(self, module: Module, node: ast.AST) -> Position:
        """Where a node begins: one-based line and column in characters."""
        line, offset = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        text = module.lines[line - 1] if line <= len(module.lines) else ""
        return Position(module.file, line, len(text.encode(errors="replace")[:offset].decode(errors="ignore")) + 1)

    def error(self, module: Module, node: ast.AST, message: str, remedy: str) -> None:
        """Something that stands against publishing."""
        self._tell(self.result.errors, self.position(module, node), message, remedy)

    def warn(self, module: Module, node: ast.AST, message: str, remedy: str) -> None:
        """Something to know."""
        self._tell(self.result.warnings, self.position(module, node), message, remedy)

    def _tell(self, where: list[Fault], place: Position, message: str, remedy: str) -> None:
        key = (place.file, place.line, place.column, message)
        if key not in self._told and len(where) < MAX_FAULTS:
            self._told.add(key)
            where.append(Fault(place, message, remedy))


def constant(value: Any) -> Any:
    """The value of a member of an enumeration, or what was given."""
    if isinstance(value, Instance) and value.of.is_enum:
        return value.attributes.get("value", UNKNOWN)
    return value
