"""What a `type=` means: the platform's parameter type, or why it cannot be one."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from mlreef.extraction.values import Bound, Class, Function, Ref

TYPE_NAMES = {
    "str": "string",
    "int": "integer",
    "float": "float",
    "numpy.float32": "float",
    "numpy.float64": "float",
    "numpy.int32": "integer",
    "numpy.int64": "integer",
    "decimal.Decimal": "float",
    "pathlib.Path": "path",
    "pathlib.PurePath": "path",
    "pathlib.PosixPath": "path",
    "pathlib.PurePosixPath": "path",
    "os.path.abspath": "path",
    "os.path.expanduser": "path",
    "os.path.realpath": "path",
    "os.path.normpath": "path",
    "os.fspath": "path",
    "json.loads": "dictionary",
    "dict": "dictionary",
    "Path": "path",
}

_BOOL = (
    "type=bool takes every text for true, even 'False'",
    "write action=argparse.BooleanOptionalAction (or action='store_true') instead of type=bool",
)
_FILE = ("a parameter that opens a file cannot be filled in by the platform", "write type=pathlib.Path and open it")
_REFUSED = {
    "bool": _BOOL,
    "argparse.FileType": _FILE,
    "open": _FILE,
    "io.open": _FILE,
    "list": ("type=list takes a text apart into its letters", "write nargs='+' with the type of one item"),
    "tuple": ("type=tuple takes a text apart into its letters", "write nargs=N with the type of one item"),
    "set": ("type=set takes a text apart into its letters", "write nargs='+' with the type of one item"),
    "dict": ("type=dict cannot read a text", "write type=json.loads"),
    "complex": ("complex numbers are no parameter type", "write two parameters of type=float"),
    "bytes": ("bytes are no parameter type", "write type=str and encode it in the program"),
    "eval": ("type=eval would run whatever text is given", "write type=json.loads"),
    "exec": ("type=exec would run whatever text is given", "write type=json.loads"),
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """The platform's type; `choices` when it has some of its own; `worded` for booleans given as a word."""

    type: str
    choices: list[Any] | None = None
    worded: bool = False
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Why not, and what to write instead."""

    message: str
    remedy: str


def meaning(given: Any, enum_values: Any) -> Meaning | Unsupported:
    """What `given` means; `enum_values` tells the values of an enumeration of the program."""
    if given is None:
        return Meaning("string")
    if isinstance(given, Ref):
        return _library(given.name)
    if isinstance(given, Function):
        return _function(given)
    if isinstance(given, Class):
        values = enum_values(given) if given.is_enum else None
        if values is not None:
            return Meaning("choice", values)
    if isinstance(given, Bound) or not isinstance(given, str):
        return Meaning("string", remark="what it takes is checked by the program alone")
    return Unsupported(f"type={given!r} is no callable", "write a type such as int, float, str or pathlib.Path")


def _library(name: str) -> Meaning | Unsupported:
    refused = _REFUSED.get(name)
    if refused is not None:
        return Unsupported(*refused)
    found = TYPE_NAMES.get(name)
    if found is not None:
        return Meaning(found)
    if name.endswith("strtobool"):
        return Meaning("boolean", worded=True)
    return Meaning("string", remark="what it takes is checked by the program alone")


_ANNOTATED = {"int": "integer", "float": "float", "str": "string", "Path": "path", "dict": "dictionary"}


def _function(function: Function) -> Meaning:
    node = function.node
    if isinstance(node, ast.Lambda):
        return Meaning("string", remark="what it takes is checked by the program alone")
    returns = node.returns
    name = returns.attr if isinstance(returns, ast.Attribute) else returns.id if isinstance(returns, ast.Name) else ""
    if name == "bool" or "bool" in node.name.lower():
        return Meaning("boolean", worded=True)
    return Meaning(_ANNOTATED.get(name, "string"), remark="what it takes is checked by the program alone")
