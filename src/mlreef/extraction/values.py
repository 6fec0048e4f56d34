"""What the abstract interpreter computes with: Python's own constants, and stand-ins for everything else."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any


class Unknown:
    """A value that only running the program would give."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Ref:
    """Something of a library or a builtin, by its full name: `argparse.FileType`, `int`."""

    name: str


@dataclass(slots=True)
class Function:
    """A function (or lambda) of the program, with the variables around it."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: dict[str, Any]


@dataclass(slots=True)
class Class:
    """A class of the program."""

    node: ast.ClassDef
    scope: dict[str, Any]

    @property
    def is_enum(self) -> bool:
        """Whether it looks like an enumeration."""
        names = {_last(base) for base in self.node.bases}
        return bool(names & {"Enum", "StrEnum", "IntEnum"})

    def members(self) -> dict[str, ast.expr]:
        """Assignments in its body, by name."""
        found: dict[str, ast.expr] = {}
        for statement in self.node.body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                found[statement.targets[0].id] = statement.value
        return found

    def method(self, name: str) -> ast.FunctionDef | None:
        """A method by name."""
        for statement in self.node.body:
            if isinstance(statement, ast.FunctionDef) and statement.name == name:
                return statement
        return None


@dataclass(slots=True)
class Instance:
    """An object of one of the program's classes."""

    of: Class
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Bound:
    """A method of something, not yet called."""

    owner: Any
    name: str


def known(value: Any) -> bool:
    """Whether a value is a constant through and through."""
    if value is None or isinstance(value, (bool, int, float, str, bytes, range)):
        return True
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(known(one) for one in value)
    if isinstance(value, dict):
        return all(known(key) and known(one) for key, one in value.items())
    return False


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
