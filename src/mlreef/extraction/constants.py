"""Arithmetic on constants, bounded so that no source can make it expensive."""

from __future__ import annotations

import ast
import operator
import posixpath
import re
from collections.abc import Callable, Sequence
from typing import Any

from mlreef.extraction.values import UNKNOWN, Instance, known

_MAX = 10_000
MAX_TEXT = 10_000

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
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
    "frozenset": frozenset,
    "reversed": lambda rows: list(reversed(rows)),
    "any": any,
    "all": all,
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
    "os.path.expandvars": str,
    "os.path.normpath": posixpath.normpath,
    "os.path.basename": posixpath.basename,
    "os.path.dirname": posixpath.dirname,
    "os.path.splitext": posixpath.splitext,
    "os.fspath": str,
    "pathlib.Path": lambda *parts: posixpath.join(*parts) if parts else ".",
    "pathlib.PurePath": lambda *parts: posixpath.join(*parts) if parts else ".",
    "pathlib.PurePosixPath": lambda *parts: posixpath.join(*parts) if parts else ".",
    "datetime.timedelta": lambda **_: UNKNOWN,
}

PATH_ATTRIBUTES: dict[str, Callable[[str], Any]] = {
    "parent": lambda path: posixpath.dirname(path) or ".",
    "name": posixpath.basename,
    "stem": lambda path: posixpath.splitext(posixpath.basename(path))[0],
    "suffix": lambda path: posixpath.splitext(path)[1],
}
"""Attributes that only paths have, which stand as text here."""
_PATH_METHODS: dict[str, Callable[..., Any]] = {
    "joinpath": posixpath.join,
    "as_posix": str,
    "expanduser": str,
    "with_suffix": lambda path, suffix: posixpath.splitext(path)[0] + suffix,
    "with_name": lambda path, name: posixpath.join(posixpath.dirname(path), name),
    "__str__": str,
}

_METHODS = {
    str: {
        *("lower", "upper", "title", "strip", "lstrip", "rstrip", "replace", "split", "join", "format", "capitalize"),
        *("startswith", "endswith", "splitlines", "partition", "rpartition", "isdigit", "removeprefix", "removesuffix"),
    },
    dict: {"keys", "values", "items", "get", "copy"},
    list: {"copy", "index", "count"},
    set: {"union", "difference", "intersection", "copy"},
    frozenset: {"union", "difference", "intersection", "copy"},
    tuple: {"index", "count"},
}


_DIRECTIVE = re.compile(r"%(?:%|[sdrif]|\(\w+\)[sdrif])")


def binary(kind: ast.operator, left: Any, right: Any) -> Any:
    """`left <operator> right`, or UNKNOWN."""
    if isinstance(kind, ast.Div) and isinstance(left, str) and isinstance(right, str):
        return posixpath.join(left, right)  # paths stand as text
    function = _BINARY.get(type(kind))
    if function is None or not (known(left) and known(right)) or not _affordable(kind, left, right):
        return UNKNOWN
    try:
        return function(left, right)
    except _FAILURES:
        return UNKNOWN


def _affordable(kind: ast.operator, left: Any, right: Any) -> bool:
    sizes = [len(one) for one in (left, right) if isinstance(one, (str, bytes, list, tuple, set, frozenset, dict))]
    numbers = [abs(one) for one in (left, right) if isinstance(one, int)]
    if isinstance(kind, ast.Mod) and isinstance(left, (str, bytes)):
        # a width in the format could ask for gigabytes
        plain = isinstance(left, str) and "%" not in _DIRECTIVE.sub("", left)
        return plain and len(left) <= 1000 and isinstance(left, str) and left.count("%") * _length(right) <= _MAX
    if isinstance(kind, (ast.Pow, ast.LShift)):
        return all(number <= 1024 for number in numbers)
    if isinstance(kind, ast.Mult) and sizes:
        return max(sizes) * max(numbers, default=1) <= _MAX
    return sum(sizes) <= _MAX and all(number < 2**256 for number in numbers)


def _length(value: Any) -> int:
    return len(str(value)) if isinstance(value, (str, int, float)) else sum(_length(one) for one in _items(value))


def _items(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    flat = isinstance(value, (list, tuple)) and all(isinstance(one, (str, int, float)) for one in value)
    return list(value) if flat else ["x" * _MAX]


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
        if name in {"str", "repr"} and not keywords and len(arguments) == 1 and isinstance(arguments[0], Instance):
            return arguments[0].attributes.get("value", UNKNOWN) if arguments[0].of.is_enum else UNKNOWN
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


def _flat(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, list, tuple)) else "x" * _MAX


def method(owner: Any, name: str, arguments: Sequence[Any]) -> Any:
    """A harmless method of a constant, or UNKNOWN."""
    if isinstance(owner, str) and name in _PATH_METHODS and all(isinstance(one, str) for one in arguments):
        try:
            return _PATH_METHODS[name](owner, *arguments)
        except _FAILURES:
            return UNKNOWN
    allowed = next((names for kind, names in _METHODS.items() if isinstance(owner, kind)), set())
    if name not in allowed or not all(known(one) for one in arguments):
        return UNKNOWN
    if name == "format" and any(char in owner for char in ":.[!"):
        return UNKNOWN
    if isinstance(owner, str) and sum(_length(one) for one in (owner, *map(_flat, arguments))) > 4000:
        return UNKNOWN
    if isinstance(owner, str) and name == "replace" and len(arguments[1:2] and str(arguments[1])) > 50:
        return UNKNOWN  # grows with the square
    try:
        found = getattr(owner, name)(*arguments)
    except _FAILURES:
        return UNKNOWN
    return list(found) if isinstance(owner, dict) and name != "get" else found
