"""One call as the interpreter saw it, and what libraries have to tell about calls."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any, Protocol

from mlreef.extraction.values import Class, Module, Thing


@dataclass(eq=False, slots=True)
class Call:
    """A call's place, its evaluated arguments, and whether some of them could not be known."""

    node: ast.AST
    module: Module
    arguments: list[Any] = field(default_factory=list)
    keywords: dict[str, Any] = field(default_factory=dict)
    open: bool = False
    """Whether `*args` or `**kwargs` of unknown content were among the arguments."""

    def keyword_node(self, name: str) -> ast.AST:
        """The expression given for a keyword, or else the whole call."""
        keywords = self.node.keywords if isinstance(self.node, ast.Call) else []
        return next((one.value for one in keywords if one.arg == name), self.node)

    def argument(self, index: int, name: str, default: Any = None) -> Any:
        """An argument that may be given by position or by name."""
        if index < len(self.arguments):
            return self.arguments[index]
        return self.keywords.get(name, default)


class Library(Protocol):
    """What calls outside of the program mean."""

    def call(self, name: str, call: Call) -> Any:
        """A function or class of a library; UNKNOWN when it means nothing here."""
        ...

    def decorate(self, name: str, target: Any, call: Call) -> Any:
        """A library's function as decorator without arguments; the target itself when it means nothing here."""
        ...

    def instantiate(self, of: Class, call: Call) -> Any:
        """What an object of the program's class means to a library; None when nothing."""
        ...

    def passed(self, call: Call) -> Any:
        """What something unknown returns: a parser that was given to it, as helpers do, or UNKNOWN."""
        ...

    def find_module(self, name: str, importer: Module, level: int) -> Module | None:
        """A module of the program itself, followed."""
        ...


class Wraps(Thing):
    """`functools.wraps(function)`: a wrapper stands for what it wraps."""

    __slots__ = ("_inner",)

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def decorate(self, target: Any, call: Call | None) -> Any:
        """The wrapped function."""
        del target, call
        return self._inner
