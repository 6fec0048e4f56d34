"""What the abstract interpreter computes with: Python's own constants, and stand-ins for everything else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from mlreef.extraction.calls import Call

_KNOWN_SIZE = 20_000
_LINEAGE = 40
_ENUMS = {"enum.Enum", "enum.StrEnum", "enum.IntEnum", "enum.Flag", "enum.IntFlag", "strenum.StrEnum"}


class Unknown:
    """A value that only running the program would give."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


class Guessed(str):
    """A text that depends on where the program runs; what it is without anything set."""

    __slots__ = ()


@dataclass(eq=False, slots=True)
class Module:
    """One file of the program."""

    name: str
    file: str
    lines: list[str]
    package: tuple[str, ...] = ()
    imports: list[str] = field(default_factory=list)
    """Full names of what it imports, in order."""
    scope: Scope = field(init=False)

    def __post_init__(self) -> None:
        self.scope = Scope(self)


@dataclass(eq=False, slots=True)
class Scope:
    """The variables of a module, a class body or a call, and those around them."""

    module: Module
    outer: Scope | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    declared_global: set[str] = field(default_factory=set)

    def find(self, name: str) -> tuple[bool, Any]:
        """Whether a variable is known, and what it is."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return True, scope.variables[name]
            scope = scope.outer
        return False, UNKNOWN

    def assign(self, name: str, value: Any) -> None:
        """Set a variable here, or in the module where it was declared global."""
        target = self.module.scope if name in self.declared_global else self
        target.variables[name] = value


@dataclass(frozen=True, slots=True)
class Ref:
    """Something of a library or a builtin, by its full name: `argparse.FileType`, `int`."""

    name: str


@dataclass(eq=False, slots=True)
class Function:
    """A function (or lambda) of the program, with the variables around it and what decorators said of it."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    marks: list[Any] = field(default_factory=list)
    owner: Class | None = None
    """The class that holds it; what `super()` means in it."""

    @property
    def name(self) -> str:
        """Its name in the source."""
        return "<lambda>" if isinstance(self.node, ast.Lambda) else self.node.name

    @property
    def docstring(self) -> str:
        """Its docstring, without indentation."""
        return "" if isinstance(self.node, ast.Lambda) else ast.get_docstring(self.node) or ""


@dataclass(eq=False, slots=True)
class Class:
    """A class of the program; its body has been followed."""

    node: ast.ClassDef
    body: Scope
    bases: list[Any]
    marks: list[Any] = field(default_factory=list)

    def lineage(self) -> Iterator[Class]:
        """The class and the program's classes it inherits from, nearest first."""
        seen: set[int] = set()
        waiting: list[Class] = [self]
        while waiting and len(seen) < _LINEAGE:
            one = waiting.pop(0)
            if id(one) not in seen:
                seen.add(id(one))
                yield one
                waiting += [base for base in one.bases if isinstance(base, Class)]

    def base_names(self) -> set[str]:
        """Full names of the libraries' classes it inherits from."""
        return {base.name for one in self.lineage() for base in one.bases if isinstance(base, Ref)}

    @property
    def is_enum(self) -> bool:
        """Whether it is an enumeration."""
        return bool(self.base_names() & _ENUMS)

    def find(self, name: str) -> Any:
        """A member by name, inherited ones too; UNKNOWN when there is none."""
        for one in self.lineage():
            if name in one.body.variables:
                return one.body.variables[name]
        return UNKNOWN

    def members(self) -> dict[str, Any]:
        """What an enumeration lists: names and values."""
        names = [name for name in self.body.variables if not name.startswith("_")]
        found = {name: self.body.variables[name] for name in names}
        return {name: value for name, value in found.items() if not isinstance(value, (Function, Class))}


@dataclass(eq=False, slots=True)
class Instance:
    """An object of one of the program's classes; `base` is what its library's base class made of it."""

    of: Class
    attributes: dict[str, Any] = field(default_factory=dict)
    base: Any = None


@dataclass(eq=False, slots=True)
class Bound:
    """A method of something, not yet called."""

    owner: Any
    name: str


@dataclass(eq=False, slots=True)
class Super:
    """`super()` in a method: the members above a class."""

    instance: Instance
    above: Class


@dataclass(eq=False, slots=True)
class TypeExpression:
    """A type such as `list[int]` or `str | None` that was given a name."""

    node: ast.expr
    scope: Scope


@dataclass(eq=False, slots=True)
class Made:
    """What a library's function returned, told by its name and arguments: `click.IntRange(1, 9)`."""

    name: str
    call: Call


class Thing:
    """An object of a library that extraction understands; subclasses say what can be done with it."""

    __slots__ = ()
    passes: ClassVar[bool] = False
    """Whether unknown functions that are given it are taken to add to it and return it."""

    def call(self, call: Call) -> Any:
        """`thing(...)`."""
        del call
        return UNKNOWN

    def method(self, name: str, call: Call) -> Any:
        """`thing.name(...)`."""
        del name, call
        return UNKNOWN

    def attribute(self, name: str) -> Any:
        """`thing.name`, when it is no method."""
        return Bound(self, name)

    def decorate(self, target: Any, call: Call | None) -> Any:
        """`@thing` above a function or class: what stands there instead."""
        del call
        return target


def known(value: Any) -> bool:
    """Whether a value is a constant through and through; what is too large to look through is not."""
    if value is None or isinstance(value, (bool, int, float, str, bytes, range)):
        return True
    if not isinstance(value, (list, tuple, set, frozenset, dict)):
        return False
    waiting: list[Any] = [value]
    seen = 0
    while waiting:
        one = waiting.pop()
        seen += 1
        if seen > _KNOWN_SIZE:
            return False
        if isinstance(one, dict):
            waiting += one.keys()
            waiting += one.values()
        elif isinstance(one, (list, tuple, set, frozenset)):
            waiting += one
        elif one is not None and not isinstance(one, (bool, int, float, str, bytes, range)):
            return False
    return True
