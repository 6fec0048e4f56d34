"""One `add_argument` as a parameter: https://docs.python.org/3/library/argparse.html#the-add-argument-method."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlreef.extraction import types
from mlreef.extraction.interpreter import Call
from mlreef.extraction.model import Parameter, Position, plain, role_of
from mlreef.extraction.values import UNKNOWN, Class, Instance, Ref

SUPPRESS = "==SUPPRESS=="
MAX_CHOICES = 1000
MAX_HELP = 4000

Complain = Callable[[ast.AST, str, str], None]


@dataclass(slots=True)
class Reading:
    """How one call is read: where it is, and whom to tell of faults."""

    call: Call
    position: Position
    error: Complain
    warn: Complain
    enum_values: Callable[[Class], list[Any] | None]
    prefix_chars: str = "-"

    def given(self, name: str, default: Any = None) -> Any:
        """A keyword's value."""
        return self.call.keywords.get(name, default)

    def node(self, name: str) -> ast.AST:
        """Where a keyword stands."""
        return self.call.keyword_node(name) or self.call.node


class _Refused(Exception):
    """An error was recorded; the parameter is left out."""


def read(reading: Reading) -> Parameter | None:
    """The parameter; None when it is none (help, version, hidden) or an error was recorded."""
    try:
        return _read(reading)
    except _Refused:
        return None


def _read(reading: Reading) -> Parameter | None:
    flags = _flags(reading)
    action = _action(reading)
    if action in {"help", "version"} or (reading.given("help") == SUPPRESS and not reading.given("required")):
        return None
    flag = _preferred(flags)
    name = _name(reading, flags, flag)
    found = Parameter(
        name=name,
        flag=flag if flag[0] in reading.prefix_chars else None,
        type="string",
        required=flag[0] not in reading.prefix_chars or reading.given("required") is True,
        default=None,
        choices=None,
        min=None,
        max=None,
        multiple=False,
        nargs=None,
        help="",
        unit=None,
        role="value",
        position=reading.position,
    )
    if action in _SWITCHES:
        _SWITCHES[action](reading, found)
    else:
        _valued(reading, found, action)
    found.help = _help(reading, found)
    if found.type != "boolean":
        found.role = role_of(found.name, found.type)
    return found


def _flags(reading: Reading) -> list[str]:
    flags = [one for one in reading.call.arguments if isinstance(one, str) and one]
    if len(flags) != len(reading.call.arguments):
        _refuse(reading, reading.call.node, "the name of this parameter is computed while the program runs",
                "write the name as a constant text such as '--rate'")  # fmt: skip
    if not flags:
        dest = reading.given("dest")
        if not isinstance(dest, str):
            _refuse(reading, reading.call.node, "this parameter has no name", "give it one, such as '--rate'")
        return [dest]
    return flags


def _refuse(reading: Reading, node: ast.AST, message: str, remedy: str) -> None:
    reading.error(node, message, remedy)
    raise _Refused


def _action(reading: Reading) -> str:
    action = reading.given("action", "store")
    if isinstance(action, Ref):
        return "optional" if action.name == "argparse.BooleanOptionalAction" else "custom"
    return action if isinstance(action, str) else "custom"


def _preferred(flags: list[str]) -> str:
    return next((one for one in flags if len(one) > 2 and one[0] == one[1]), flags[0])


def _name(reading: Reading, flags: list[str], flag: str) -> str:
    dest = reading.given("dest")
    if reading.given("action") in {"store_const", "append_const"}:
        dest = None  # several of them share one destination
    if not isinstance(dest, str):
        dest = flag.lstrip(reading.prefix_chars) if flag[0] in reading.prefix_chars else flag
    name = dest.replace("-", "_")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]{0,99}", name):
        _refuse(reading, reading.call.node, f"{name[:100]!r} cannot be the name of a parameter",
                "use letters, digits, '-' and '_', at most 100 of them")  # fmt: skip
    return name


# -- switches


def _store_true(reading: Reading, found: Parameter) -> None:
    found.type, found.required = "boolean", False
    found.default = reading.given("default", False) is True


def _store_false(reading: Reading, found: Parameter) -> None:
    found.type, found.required = "boolean", False
    found.default = reading.given("default", True) is not False
    found.flag, found.negated_flag = None, found.flag


def _optional(reading: Reading, found: Parameter) -> None:
    found.type = "boolean"
    default = reading.given("default")
    found.default = default if isinstance(default, bool) else None
    if found.flag is not None and found.flag.startswith("--"):
        found.negated_flag = f"--no-{found.flag.removeprefix('--')}"


def _counted(reading: Reading, found: Parameter) -> None:
    found.type, found.required, found.default = "boolean", False, False
    reading.warn(reading.call.node, f"{found.flag} can be given once only", "use type=int for a number")


def _constant(_reading: Reading, found: Parameter) -> None:
    found.type, found.required, found.default = "boolean", False, False


_SWITCHES: dict[str, Callable[[Reading, Parameter], None]] = {
    "store_true": _store_true,
    "store_false": _store_false,
    "optional": _optional,
    "count": _counted,
    "store_const": _constant,
    "append_const": _constant,
}


# -- parameters with values


def _valued(reading: Reading, found: Parameter, action: str) -> None:
    if action not in {"store", "append", "extend"}:
        reading.warn(reading.node("action"), "what this action does is known to the program alone",
                     "it is treated as action='store'")  # fmt: skip
    _type(reading, found)
    _nargs(reading, found, action)
    _choices(reading, found)
    _default(reading, found)


def _type(reading: Reading, found: Parameter) -> None:
    given = reading.given("type")
    meant = types.meaning(given, reading.enum_values) if given is not UNKNOWN else types.Meaning("string")
    if isinstance(meant, types.Unsupported):
        _refuse(reading, reading.node("type"), meant.message, meant.remedy)
        return
    found.type, found.choices = meant.type, meant.choices
    if meant.worded:
        found.nargs = 1  # the switch takes the word true or false
    if meant.remark is not None or given is UNKNOWN:
        remark = meant.remark or "its type is computed while the program runs, so it is taken for text"
        reading.warn(reading.node("type"), f"{found.name}: {remark}", "use int, float, str or pathlib.Path if you can")


def _nargs(reading: Reading, found: Parameter, action: str) -> None:
    nargs = reading.given("nargs")
    if nargs is UNKNOWN or nargs == "A..." or (isinstance(nargs, int) and not 0 < nargs <= 10_000):
        _refuse(reading, reading.node("nargs"), "this nargs cannot be filled in",
                "write nargs='?', '*', '+' or a number")  # fmt: skip
    if nargs == "...":
        nargs = "*"
    if action == "append" and nargs not in {None, 1}:
        _refuse(reading, reading.node("nargs"), "a list of lists is no parameter type",
                "write either action='append' or nargs='+'")  # fmt: skip
    if nargs is None:
        found.multiple = action in {"append", "extend"}
        return
    found.nargs = nargs
    found.multiple = action == "append" or nargs in {"*", "+"} or (isinstance(nargs, int) and nargs > 1)
    if found.multiple and action == "append":
        found.nargs = None
    if nargs in {"?", "*"} and found.flag is None:
        found.required = False


def _choices(reading: Reading, found: Parameter) -> None:
    given = reading.given("choices")
    if given is None:
        return
    if isinstance(given, Class):
        given = reading.enum_values(given)
    if isinstance(given, range) and found.type == "integer" and given.step == 1 and len(given):
        found.min, found.max = given[0], given[-1]
        return
    if isinstance(given, (list, tuple)):
        given = [one.attributes.get("value") if isinstance(one, Instance) else one for one in given]
    try:
        if isinstance(given, range) and len(given) > MAX_CHOICES:
            raise ValueError
        listed = plain(list(given))
    except (ValueError, TypeError):
        reading.warn(reading.node("choices"), f"{found.name}: the choices are computed while the program runs",
                     "write them as a list of constants to have them checked and offered")  # fmt: skip
        return
    if not listed or len(listed) > MAX_CHOICES:
        _refuse(reading, reading.node("choices"), f"{len(listed)} choices are {'too many' if listed else 'none'}",
                f"list between 1 and {MAX_CHOICES}")  # fmt: skip
    found.type, found.choices = "choice", listed


def _default(reading: Reading, found: Parameter) -> None:
    given = reading.given("default")
    if given is None or given == SUPPRESS:
        return
    if isinstance(given, Instance) and "value" in given.attributes:
        given = given.attributes["value"]
    try:
        value = plain(given)
    except ValueError as exc:
        reading.warn(reading.node("default"), f"{found.name}: the default is {exc}, so it is not shown",
                     "write a constant to have it shown and checked")  # fmt: skip
        found.required = False
        return
    found.default = _as_type(found, value)
    if found.type == "choice" and found.choices is not None and not found.multiple and value not in found.choices:
        reading.warn(reading.node("default"), f"{found.name}: the default {value!r} is none of the choices",
                     "add it to the choices")  # fmt: skip


def _as_type(found: Parameter, value: Any) -> Any:
    """argparse gives text defaults to the type; numbers stay what they are."""
    if isinstance(value, str) and found.type in {"integer", "float"}:
        try:
            return int(value) if found.type == "integer" else float(value)
        except ValueError:
            return value
    if found.type == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


_FORMAT = re.compile(r"%(?:\((\w+)\))?(%|[sdrgf])")


def _help(reading: Reading, found: Parameter) -> str:
    given = reading.given("help")
    if not isinstance(given, str):
        return ""
    words = {"default": found.default, "type": found.type, "dest": found.name, "metavar": reading.given("metavar")}
    if found.choices is not None:
        words["choices"] = ", ".join(str(one) for one in found.choices)

    def replaced(match: re.Match[str]) -> str:
        if match[2] == "%":
            return "%"
        return str(words[match[1]]) if match[1] in words else match[0]

    text = " ".join(given.split())
    return _FORMAT.sub(replaced, text)[:MAX_HELP]
