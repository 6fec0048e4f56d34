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
    "upath.UPath": "path",
    "json.loads": "dictionary",
    "yaml.safe_load": "dictionary",
    "ast.literal_eval": "string",
    "numpy.float16": "float",
    "numpy.int16": "integer",
    "fractions.Fraction": "float",
    "os.path.expandvars": "path",
    "dict": "dictionary",
    "Path": "path",
}

BOOL = (
    "type=bool takes every text for true, even 'False'",
    "write action=argparse.BooleanOptionalAction (or action='store_true') instead of type=bool",
)
_FILE = ("a parameter that opens a file cannot be filled in by the platform", "write type=pathlib.Path and open it")
_REFUSED = {
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
    emptied: bool = False
    """Whether only the empty text is false, as `type=bool` has it."""
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Why not, and what to write instead."""

    message: str
    remedy: str


def meaning(given: Any) -> Meaning | Unsupported:
    """What `given` means."""
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
        if given.base_names() & {"str"}:
            return Meaning("string")
    if isinstance(given, Bound) or not isinstance(given, str):
        return Meaning("string", remark="what it takes is checked by the program alone")
    return Unsupported(f"type={given!r} is no callable", "write a type such as int, float, str or pathlib.Path")


def _library(name: str) -> Meaning | Unsupported:
    refused = _REFUSED.get(name)
    if refused is not None:
        return Unsupported(*refused)
    if name == "bool":
        return Meaning("boolean", emptied=True)
    found = TYPE_NAMES.get(name)
    if found is not None:
        return Meaning(found)
    if name.endswith("strtobool"):
        return Meaning("boolean", worded=True)
    return Meaning("string", remark="what it takes is checked by the program alone")


def enum_values(given: Class) -> list[Any] | None:
    """The values of an enumeration, when all are constants."""
    values = list(given.members().values())
    return values if values and all(isinstance(one, (str, int, float)) for one in values) else None


_ANNOTATED = {"int": "integer", "float": "float", "str": "string", "Path": "path", "dict": "dictionary"}
_TRUE_WORDS = {"true", "yes", "y", "t", "1", "on"}
_REMARK = "what it takes is checked by the program alone"


def _function(function: Function) -> Meaning:
    node = function.node
    if isinstance(node, ast.Lambda):
        kind = _of_expression(node.body, _parameter(node))
        return Meaning(kind.type, kind.choices, kind.worded, remark=None if kind.worded else _REMARK)
    if _reads_words(node) or "bool" in node.name.lower():
        return Meaning("boolean", worded=True)
    returns = node.returns
    name = returns.attr if isinstance(returns, ast.Attribute) else returns.id if isinstance(returns, ast.Name) else ""
    if name == "bool":
        return Meaning("boolean", worded=True)
    if name in _ANNOTATED:
        return Meaning(_ANNOTATED[name], remark=_REMARK)
    return Meaning(_of_body(node), remark=_REMARK)


def _parameter(node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return node.args.args[0].arg if node.args.args else ""


def _of_body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """A function that gives its text to `int` or `float` takes what they take."""
    first = _parameter(node)
    kinds = {
        _CONVERSIONS[one.func.id]
        for one in ast.walk(node)
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in _CONVERSIONS
        and one.args and isinstance(one.args[0], ast.Name) and one.args[0].id == first
    }  # fmt: skip
    return kinds.pop() if len(kinds) == 1 else "string"


_CONVERSIONS = {"int": "integer", "float": "float", "Path": "path"}


def _of_expression(node: ast.expr, first: str) -> Meaning:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        words = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant)}
        if isinstance(node.ops[0], (ast.Eq, ast.In)) and words & _TRUE_WORDS:
            return Meaning("boolean", worded=True)
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        argument = node.args[0] if node.args else None
        direct = isinstance(argument, ast.Name) and argument.id == first
        inner = isinstance(argument, ast.Call) and _last(argument.func) in _CONVERSIONS
        if name in _CONVERSIONS and (direct or inner):
            return Meaning(_CONVERSIONS[name])
        if name == "bool" and isinstance(argument, ast.Call):
            return Meaning("boolean", worded=True) if _last(argument.func).endswith("strtobool") else Meaning("string")
        if name.endswith("strtobool"):
            return Meaning("boolean", worded=True)
    return Meaning("string")


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _reads_words(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function returns True for words such as "yes"."""
    words = {
        one.value.lower() for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }
    truths = [
        one for one in ast.walk(node)
        if isinstance(one, ast.Return) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, bool)
    ]  # fmt: skip
    compares = any(
        isinstance(one, ast.Return)
        and isinstance(one.value, ast.Compare)
        and isinstance(one.value.ops[0], (ast.In, ast.Eq))
        for one in ast.walk(node)
    )
    return bool(words & _TRUE_WORDS) and (bool(truths) or compares)
