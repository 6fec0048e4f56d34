"""What annotations mean: `Optional[list[int]]`, `Annotated[float, Ge(0)]`, `Literal["a"]`, classes of the program."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from mlreef.extraction import types
from mlreef.extraction.evaluator import Exhausted
from mlreef.extraction.session import CALLS, Session
from mlreef.extraction.values import Class, Made, Ref, Scope, TypeExpression, known

_LISTS = {
    "list",
    "List",
    "Sequence",
    "Iterable",
    "Collection",
    "set",
    "Set",
    "frozenset",
    "FrozenSet",
    "MutableSequence",
}
_DICTIONARIES = {"dict", "Dict", "Mapping", "MutableMapping", "OrderedDict"}
_INNER = {"Optional", "Final", "Required", "NotRequired", "Positional", "Suppress"}
_TEXTUAL = "what it takes is checked by the program alone"
_LIMITED = {
    "PositiveInt": ("integer", 1, None),
    "NonNegativeInt": ("integer", 0, None),
    "NegativeInt": ("integer", None, -1),
    "NonPositiveInt": ("integer", None, 0),
    "PositiveFloat": ("float", 0.0, None),
    "NonNegativeFloat": ("float", 0.0, None),
    "NegativeFloat": ("float", None, 0.0),
    "FilePath": ("path", None, None),
    "DirectoryPath": ("path", None, None),
    "NewPath": ("path", None, None),
}
_SCALARS = {"conint": "integer", "confloat": "float", "constr": "string"}


@dataclass(slots=True)
class Hint:
    """One annotation."""

    type: str = "string"
    choices: list[Any] | None = None
    many: bool = False
    count: int | None = None
    """So many items, for tuples of fixed length."""
    optional: bool = False
    typed: bool = True
    of: Class | None = None
    """A class of the program that is no enumeration."""
    enum: Class | None = None
    extras: list[Any] = field(default_factory=list)
    minimum: float | None = None
    maximum: float | None = None
    refused: types.Unsupported | None = None
    remark: str | None = None
    path: bool = False
    mixed: bool = False


def read(session: Session, node: ast.expr | None, scope: Scope, depth: int = 0) -> Hint:
    """The meaning of an annotation; one that is not understood takes text."""
    if node is None:
        return Hint(typed=False)
    if depth > 20:
        return Hint(remark=_TEXTUAL)
    if isinstance(node, ast.Constant):
        return _constant(session, node, scope, depth)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union(session, [node.left, node.right], scope, depth)
    if isinstance(node, ast.Subscript):
        return _subscript(session, node, scope, depth)
    try:
        value = session.interpreter.evaluate(node, scope)
    except Exhausted:
        return Hint(remark=_TEXTUAL)
    return of_value(session, value, depth)


def _constant(session: Session, node: ast.Constant, scope: Scope, depth: int) -> Hint:
    if node.value is None:
        return Hint(optional=True, typed=False)
    if isinstance(node.value, str) and len(node.value) <= 500:
        try:
            return read(session, ast.parse(node.value, mode="eval").body, scope, depth + 1)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return Hint(remark=_TEXTUAL)
    return Hint(remark=_TEXTUAL)


def of_value(session: Session, value: Any, depth: int = 0) -> Hint:
    """The meaning of a type that was computed."""
    if isinstance(value, TypeExpression):
        return read(session, value.node, value.scope, depth + 1)
    if isinstance(value, Class):
        if not value.is_enum:
            return Hint(of=value, remark=_TEXTUAL)
        choices = types.enum_values(value)
        return Hint("choice" if choices else "string", choices, enum=value)
    if isinstance(value, Made):
        last = value.name.rpartition(".")[2]
        hint = Hint(_SCALARS.get(last, "string"))
        limit(hint, value)
        return hint
    if isinstance(value, Ref):
        return _named(value.name)
    return Hint(remark=_TEXTUAL)


def _named(name: str) -> Hint:
    last = name.rpartition(".")[2]
    if name == "bool":
        return Hint("boolean")
    if last in _LISTS or last in {"tuple", "Tuple"}:
        return Hint("string", many=True)
    if last in _DICTIONARIES:
        return Hint("dictionary")
    if last in _LIMITED:
        kind, minimum, maximum = _LIMITED[last]
        return Hint(kind, minimum=minimum, maximum=maximum, path=kind == "path")
    if last in {"Any", "object"}:
        return Hint(typed=False)
    found = types.meaning(Ref(name))
    if isinstance(found, types.Unsupported):
        return Hint(refused=found)
    return Hint(found.type, found.choices, remark=found.remark, path=found.type == "path")


def _subscript(session: Session, node: ast.Subscript, scope: Scope, depth: int) -> Hint:
    outer = _outer(session, node.value, scope)
    inner = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if outer == "Annotated":
        hint = read(session, inner[0], scope, depth + 1)
        for one in inner[1:]:
            extra = session.interpreter.evaluate(one, scope)
            hint.extras.append(extra)
            if isinstance(extra, Made):
                limit(hint, extra)
        return hint
    if outer in _INNER:
        hint = read(session, inner[0], scope, depth + 1)
        hint.optional = hint.optional or outer == "Optional"
        return hint
    if outer == "Union":
        return _union(session, inner, scope, depth)
    if outer == "Literal":
        return _literal(session, inner, scope)
    if outer in _LISTS:
        return _many(read(session, inner[0], scope, depth + 1), None)
    if outer in {"tuple", "Tuple"}:
        endless = isinstance(inner[-1], ast.Constant) and inner[-1].value is ...
        return _many(read(session, inner[0], scope, depth + 1), None if endless else len(inner))
    return Hint("dictionary") if outer in _DICTIONARIES else Hint(remark=_TEXTUAL)


def _many(item: Hint, count: int | None) -> Hint:
    if item.many:
        return Hint(remark="lists of lists are taken as text")
    item.many, item.count = True, count
    return item


def _outer(session: Session, node: ast.expr, scope: Scope) -> str:
    value = session.interpreter.evaluate(node, scope)
    if isinstance(value, Ref):
        return value.name.rpartition(".")[2]
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _union(session: Session, sides: list[ast.expr], scope: Scope, depth: int) -> Hint:
    read_sides = [read(session, one, scope, depth + 1) for one in sides]
    real = [one for one, node in zip(read_sides, sides, strict=True) if not _is_none(node)]
    optional = any(one.optional for one in read_sides) or len(real) < len(sides)
    if not real:
        return Hint(optional=True)
    kinds = {(one.type, one.many) for one in real}
    if len(kinds) == 1:
        chosen = real[0]
    elif kinds == {("integer", False), ("float", False)}:
        chosen = Hint("float")
    elif kinds == {("string", False), ("path", False)}:
        chosen = next(one for one in real if one.type == "path")
    elif any(one.many for one in real):
        chosen = next(one for one in real if one.many)
    else:
        chosen = Hint(remark="several types are possible, so it is taken as text", mixed=True)
    chosen.optional = optional
    return chosen


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _literal(session: Session, inner: list[ast.expr], scope: Scope) -> Hint:
    values = [session.interpreter.evaluate(one, scope) for one in inner]
    usable = [one for one in values if known(one) and isinstance(one, (str, int, float, bool))]
    optional = len(usable) < len(values)
    if usable and all(isinstance(one, bool) for one in usable):
        return Hint("boolean", optional=optional)
    return Hint("choice", usable, optional=optional) if usable else Hint(remark=_TEXTUAL)


def limit(hint: Hint, made: Made) -> None:
    """Take over the bounds that a `Field`, `Ge`, `Interval` or the like sets."""
    last = made.name.rpartition(".")[2]
    given = dict(made.call.keywords)
    if last in {"Ge", "Gt", "Le", "Lt"} and made.call.arguments:
        given = {last.lower(): made.call.arguments[0]}
    step = 1 if hint.type == "integer" else 0
    for key, shift in (("ge", 0), ("gt", step), ("min", 0)):
        if _number(given.get(key)):
            hint.minimum = given[key] + shift
    for key, shift in (("le", 0), ("lt", -step), ("max", 0)):
        if _number(given.get(key)):
            hint.maximum = given[key] + shift


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _recorded(name: str) -> Any:
    return lambda _session, call: Made(name, call)


for _name in (
    *(f"annotated_types.{one}" for one in ("Ge", "Gt", "Le", "Lt", "Interval", "MultipleOf", "Len", "MinLen")),
    *(f"pydantic.{one}" for one in ("Field", "conint", "confloat", "constr")),
    *(f"pydantic.fields.{one}" for one in ("Field",)),
    *(f"typer.{one}" for one in ("Option", "Argument")),
    *("dataclasses.field", "attr.ib", "attrs.field", "attr.field", "simple_parsing.field", "simple_parsing.choice"),
    *("simple_parsing.helpers.field", "simple_parsing.helpers.choice", "simple_parsing.mutable_field"),
    *("tyro.conf.arg", "jsonargparse.typing.restricted_number_type", "cyclopts.Parameter"),
    *("pydantic_settings.SettingsConfigDict", "pydantic.ConfigDict", "transformers.HfArg"),
    *("transformers.hf_argparser.HfArg",),
):
    CALLS[_name] = _recorded(_name)
