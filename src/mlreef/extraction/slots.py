"""Arguments of functions and fields of records, and how each library turns them into a command line."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from mlreef.extraction import docstrings, hints, units
from mlreef.extraction.calls import Call
from mlreef.extraction.hints import Hint
from mlreef.extraction.model import Parameter, plain, role_of
from mlreef.extraction.options import set_default
from mlreef.extraction.session import Session, constant
from mlreef.extraction.values import UNKNOWN, Class, Function, Instance, Module


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()


@dataclass(slots=True)
class Slot:
    """One argument or field: its name, type, default, help and place."""

    name: str
    hint: Hint
    default: Any
    help: str
    node: ast.AST
    module: Module
    positional: bool = False
    many: bool = False
    """`*args`."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a library writes options."""

    framework: str
    kebab: bool = False
    boolean: str = "word"
    """`word`: `--x true`; `pair`: `--x`/`--no-x`; `fire`: `--x`/`--nox`; `switch`: `--x` when it is off by default;
    `toggle`: `--x` turns it round."""
    lists: str = "nargs"
    """`nargs`: `--x 1 2`; `repeat`: `--x 1 --x 2`; `text`: one text such as `[1,2]`."""
    positional: bool = False
    """Whether required ones have no flag."""
    enum_names: bool = False
    nested: str = ""
    """What stands between a record and a record in it: `.`, or nothing when there is no such thing."""


def of_function(session: Session, function: Function, *, skip_first: bool = False) -> list[Slot]:
    """The arguments of a function; `**kwargs` cannot be told."""
    node, scope = function.node, function.scope
    if isinstance(node, ast.Lambda):
        return []
    texts = docstrings.parameters(function.docstring)
    arguments = node.args
    names = [*arguments.posonlyargs, *arguments.args]
    defaults: dict[str, ast.expr | None] = dict.fromkeys((one.arg for one in names), None)
    for one, after in zip(reversed(names), reversed(arguments.defaults), strict=False):
        defaults[one.arg] = after
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        defaults[one.arg] = default
    found: list[Slot] = []
    for one in [*names[1 if skip_first else 0 :], *arguments.kwonlyargs]:
        given = defaults[one.arg]
        value = session.interpreter.evaluate(given, scope) if given is not None else MISSING
        hint = hints.read(session, one.annotation, scope)
        slot = Slot(one.arg, hint, value, texts.get(one.arg, ""), one, scope.module)
        slot.positional = one in arguments.posonlyargs
        found.append(slot)
    if arguments.vararg is not None:
        hint = hints.read(session, arguments.vararg.annotation, scope)
        name = arguments.vararg.arg
        found.append(Slot(name, hint, MISSING, texts.get(name, ""), arguments.vararg, scope.module, True, True))
    if arguments.kwarg is not None:
        session.warn(scope.module, arguments.kwarg, f"what **{arguments.kwarg.arg} takes cannot be known",
                     "write the parameters out to have them offered")  # fmt: skip
    return found


def parameter(session: Session, slot: Slot, style: Style, prefix: str = "") -> Parameter | None:
    """The parameter that a slot becomes; None when an error was recorded."""
    hint = slot.hint
    if hint.refused is not None:
        session.error(slot.module, slot.node, hint.refused.message, hint.refused.remedy)
        return None
    name = f"{prefix}{slot.name}"
    shown = name.replace("_", "-") if style.kebab else name
    kind = _kind(hint, slot.default)
    positional = slot.positional or slot.many or (style.positional and slot.default is MISSING and kind != "boolean")
    found = Parameter(
        name=name.replace(".", "_") if len(name) > 90 else name,
        flag=None if positional else f"--{shown}",
        type=kind,
        required=slot.default is MISSING and not slot.many,
        default=None,
        choices=list(hint.choices) if hint.choices is not None else None,
        min=hint.minimum,
        max=hint.maximum,
        multiple=hint.many or slot.many,
        nargs=None,
        help=" ".join(slot.help.split())[:4000],
        unit=None,
        role="value",
        position=session.position(slot.module, slot.node),
    )
    if style.enum_names and hint.enum is not None:
        found.choices = list(hint.enum.members())
        found.type = "choice" if found.choices else found.type
    _lists(session, slot, found, style)
    if slot.default is not MISSING:
        _default(session, slot, found, style)
    if kind == "boolean" and not found.multiple:
        _boolean(found, style)
    if hint.remark is not None and found.type == "string" and hint.of is None:
        session.warn(
            slot.module, slot.node, f"{slot.name}: {hint.remark}", "use int, float, str, bool or Path if you can"
        )
    if found.type in {"integer", "float"}:
        found.unit = units.of(found.help)
    if not found.multiple:
        found.role = role_of(slot.name, found.type)
    return found


def _kind(hint: Hint, default: Any) -> str:
    if hint.typed or hint.many:
        return hint.type
    value = constant(default)
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "float"
    if isinstance(value, (list, tuple)) and value and all(isinstance(one, (int, float, str)) for one in value):
        hint.many = True
        first = value[0]
        return "integer" if isinstance(first, int) else "float" if isinstance(first, float) else "string"
    return "dictionary" if isinstance(value, dict) else "string"


def _lists(session: Session, slot: Slot, found: Parameter, style: Style) -> None:
    if not found.multiple:
        return
    if slot.many:
        found.nargs = "*"
    elif style.lists == "text":
        found.multiple, found.type, found.choices = False, "string", None
        session.warn(slot.module, slot.node, f"{slot.name}: the list is given as one text",
                     "write it as [1,2,3] when you fill it in")  # fmt: skip
    elif style.lists == "nargs" or found.flag is None:
        found.nargs = slot.hint.count or ("+" if found.required else "*")
    if slot.hint.count is not None and found.multiple and style.lists == "repeat":
        found.nargs = slot.hint.count


def _default(session: Session, slot: Slot, found: Parameter, style: Style) -> None:
    value = slot.default
    if value is None:
        return
    if isinstance(value, Instance) and value.of.is_enum and style.enum_names:
        value = value.attributes.get("name", UNKNOWN)
    if style.lists == "text" and isinstance(constant(value), (list, tuple)) and found.type == "string":
        try:
            found.default = str(plain(value))
        except ValueError:
            return
        return
    set_default(session, Call(slot.node, slot.module), found, value)


def _boolean(found: Parameter, style: Style) -> None:
    flag = found.flag
    if flag is None or style.boolean == "word":
        found.nargs = 1  # it takes the word true or false
        return
    if style.boolean == "pair":
        head, dot, last = flag[2:].rpartition(".")
        found.negated_flag = f"--{head}{dot}no-{last}" if dot else f"--no-{last}"
        if found.required:
            found.required = False
    elif style.boolean == "fire":
        found.negated_flag = f"--no{flag[2:]}"
    elif style.boolean == "switch" or found.default is not True:
        found.required = False
        found.default = found.default is True
    else:
        found.flag, found.negated_flag = None, flag


def is_record(value: Any) -> bool:
    """Whether a class of the program is a dataclass or a model."""
    return isinstance(value, Class) and not value.is_enum
