"""Arithmetic on constants, bounded so that no source can make it expensive."""

from __future__ import annotations

import ast
import operator
import posixpath
from collections.abc import Callable, Sequence
from typing import Any

from mlreef.extraction.values import UNKNOWN, known

_MAX = 10_000

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.BitOr: operator.or_,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Invert: operator.invert,
}
_FAILURES = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError)

_BUILTINS: dict[str, Callable[..., Any]] = {
    "len": len,
    "list": list,
    "tuple": tuple,
    "sorted": sorted,
    "set": set,
    "dict": dict,
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "min": min,
    "max": max,
    "sum": sum,
    "abs": abs,
    "round": round,
    "zip": lambda *rows: list(zip(*rows, strict=False)),
    "enumerate": lambda rows, start=0: list(enumerate(rows, start)),
    "os.path.join": posixpath.join,
    "os.path.expanduser": str,
    "os.path.abspath": str,
    "pathlib.Path": posixpath.join,
    "pathlib.PurePath": posixpath.join,
}

_METHODS = {
    str: {"lower", "upper", "title", "strip", "lstrip", "rstrip", "replace", "split", "join", "format", "capitalize"},
    dict: {"keys", "values", "items", "get"},
    list: {"copy", "index", "count"},
    tuple: {"index", "count"},
}


def binary(kind: ast.operator, left: Any, right: Any) -> Any:
    """`left <operator> right`, or UNKNOWN."""
    function = _BINARY.get(type(kind))
    if function is None or not (known(left) and known(right)) or not _affordable(kind, left, right):
        if isinstance(kind, ast.Div) and isinstance(left, str) and isinstance(right, str):
            return posixpath.join(left, right)
        return UNKNOWN
    if isinstance(kind, ast.Div) and isinstance(left, str) and isinstance(right, str):
        return posixpath.join(left, right)  # paths stand as text
    try:
        return function(left, right)
    except _FAILURES:
        return UNKNOWN


def _affordable(kind: ast.operator, left: Any, right: Any) -> bool:
    sizes = [len(one) for one in (left, right) if isinstance(one, (str, bytes, list, tuple))]
    numbers = [abs(one) for one in (left, right) if isinstance(one, int)]
    if isinstance(kind, ast.Mod) and isinstance(left, (str, bytes)):
        return False  # a width in the format could ask for gigabytes
    if isinstance(kind, (ast.Pow, ast.LShift)):
        return all(number <= 1024 for number in numbers)
    if isinstance(kind, ast.Mult) and sizes:
        return max(sizes) * max(numbers, default=1) <= _MAX
    return sum(sizes) <= _MAX and all(number < 2**256 for number in numbers)


def unary(kind: ast.unaryop, value: Any) -> Any:
    """`<operator> value`, or UNKNOWN."""
    if not known(value):
        return UNKNOWN
    try:
        return _UNARY[type(kind)](value)
    except _FAILURES:
        return UNKNOWN


def call(name: str, arguments: Sequence[Any], keywords: dict[str, Any]) -> Any:
    """A builtin or a path function on constants, or UNKNOWN."""
    if name == "dict" and not arguments:
        return dict(keywords)
    if not all(known(one) for one in arguments) or not all(known(one) for one in keywords.values()):
        return UNKNOWN
    try:
        if name == "range":
            return range(*arguments) if all(abs(one) <= 10**9 for one in arguments) else UNKNOWN
        function = _BUILTINS.get(name)
        if function is None or any(isinstance(one, range) and len(one) > _MAX for one in arguments):
            return UNKNOWN
        return function(*arguments, **keywords)
    except _FAILURES:
        return UNKNOWN


def method(owner: Any, name: str, arguments: Sequence[Any]) -> Any:
    """A harmless method of a constant, or UNKNOWN."""
    allowed = next((names for kind, names in _METHODS.items() if isinstance(owner, kind)), set())
    if name not in allowed or not all(known(one) for one in arguments):
        return UNKNOWN
    if name == "format" and any(char in owner for char in ":.[!"):
        return UNKNOWN
    if isinstance(owner, str) and sum(len(str(one)) for one in (owner, *arguments)) > 1000:
        return UNKNOWN
    try:
        found = getattr(owner, name)(*arguments)
    except _FAILURES:
        return UNKNOWN
    return list(found) if isinstance(owner, dict) and name != "get" else found
