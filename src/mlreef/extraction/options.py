"""One `add_argument` as a parameter: https://docs.python.org/3/library/argparse.html#the-add-argument-method."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlreef.extraction import types, units
from mlreef.extraction.calls import Call
from mlreef.extraction.evaluator import listing
from mlreef.extraction.model import Parameter, Position, plain, role_of
from mlreef.extraction.session import Session, constant
from mlreef.extraction.values import UNKNOWN, Guessed, Ref

SUPPRESS = "==SUPPRESS=="
MAX_CHOICES = 1000
MAX_HELP = 4000


@dataclass(slots=True)
class Reading:
    """How one call is read: where it is, and whom to tell of faults."""

    call: Call
    session: Session
    prefix_chars: str = "-"

    @property
    def position(self) -> Position:
        """Where the parameter is declared."""
        return self.session.position(self.call.module, self.call.node)

    def given(self, name: str, default: Any = None) -> Any:
        """A keyword's value."""
        return self.call.keywords.get(name, default)

    def node(self, name: str) -> ast.AST:
        """Where a keyword stands."""
        return self.call.keyword_node(name)

    def error(self, node: ast.AST, message: str, remedy: str) -> None:
        """See `Session.error`."""
        self.session.error(self.call.module, node, message, remedy)

    def warn(self, node: ast.AST, message: str, remedy: str) -> None:
        """See `Session.warn`."""
        self.session.warn(self.call.module, node, message, remedy)


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
    if found.type in {"integer", "float"}:
        found.unit = units.of(found.help)
    if found.type != "boolean":
        found.role = role_of(found.name, found.type)
    return found


def _flags(reading: Reading) -> list[str]:
    flags = [one for one in reading.call.arguments if isinstance(one, str) and one]
    if reading.call.open and not reading.call.arguments and "dest" not in reading.call.keywords:
        flags = [""]  # neither names nor anything else is known
    if flags == [""] or len(flags) != len(reading.call.arguments):
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
    meant = types.meaning(given) if given is not UNKNOWN else types.Meaning("string")
    if isinstance(meant, types.Unsupported):
        _refuse(reading, reading.node("type"), meant.message, meant.remedy)
        return
    found.type, found.choices = meant.type, meant.choices
    if meant.emptied:
        _emptied(reading, found)
    if meant.worded:
        found.nargs = 1  # the switch takes the word true or false
    if meant.remark is not None or given is UNKNOWN:
        remark = meant.remark or "its type is computed while the program runs, so it is taken for text"
        reading.warn(reading.node("type"), f"{found.name}: {remark}", "use int, float, str or pathlib.Path if you can")


def _emptied(reading: Reading, found: Parameter) -> None:
    """`type=bool`: the platform gives an empty text for false, which is the only one that it takes for false."""
    flag = found.flag
    if flag is None or len(flag) < 3 or flag[0] != flag[1] or reading.given("nargs") is not None:
        _refuse(reading, reading.node("type"), *types.BOOL)
        return
    found.flag, found.negated_flag = f"{flag}=true", f"{flag}="
    reading.warn(reading.node("type"), f"{found.name}: {types.BOOL[0]}; false is given as an empty text",
                 types.BOOL[1])  # fmt: skip


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
    if isinstance(given, range) and found.type == "integer" and given.step == 1 and len(given):
        found.min, found.max = given[0], given[-1]
        return
    listed = choices_of(given)
    if listed is None:
        reading.warn(reading.node("choices"), f"{found.name}: the choices are computed while the program runs",
                     "write them as a list of constants to have them checked and offered")  # fmt: skip
        found.choices = None
        if found.type == "choice":
            found.type = "string"
        return
    if not listed or len(listed) > MAX_CHOICES:
        _refuse(reading, reading.node("choices"), f"{len(listed)} choices are {'too many' if listed else 'none'}",
                f"list between 1 and {MAX_CHOICES}")  # fmt: skip
    found.type, found.choices = "choice", listed


def choices_of(given: Any) -> list[Any] | None:
    """The choices, when all are constants."""
    items = listing(given)
    if items is None or len(items) > 10 * MAX_CHOICES:
        return None
    try:
        return [plain(constant(one)) for one in items]
    except ValueError:
        return None


def _default(reading: Reading, found: Parameter) -> None:
    given = constant(reading.given("default"))
    if reading.call.open and "default" not in reading.call.keywords:
        given = UNKNOWN
    if given is None or given == SUPPRESS:
        return
    set_default(reading.session, reading.call, found, given)
    value = found.default
    single = found.type == "choice" and found.choices is not None and not found.multiple
    if single and value is not None and value not in (found.choices or []):
        reading.warn(reading.node("default"), f"{found.name}: the default {value!r} is none of the choices",
                     "add it to the choices")  # fmt: skip


def set_default(session: Session, call: Call, found: Parameter, given: Any) -> None:
    """Take over a default; one that is no constant is told of, and the parameter may be left out all the same."""
    node = call.keyword_node("default")
    found.required = False
    try:
        value = plain(constant(given))
    except ValueError as exc:
        session.warn(call.module, node, f"{found.name}: the default is {exc}, so it is not shown",
                     "write a constant to have it shown and checked")  # fmt: skip
        return
    if isinstance(given, Guessed):
        session.warn(call.module, node, f"{found.name}: the default depends on where the program runs",
                     "it is shown as it is when no environment variable is set")  # fmt: skip
    if found.type in {"string", "path"} and not found.multiple and isinstance(value, (list, dict)):
        session.warn(call.module, node, f"{found.name}: the default is no text, so it is not shown",
                     "write it as the text that the command line takes")  # fmt: skip
        return
    found.default = _as_type(found, value)


def _as_type(found: Parameter, value: Any) -> Any:
    """argparse gives text defaults to the type; numbers stay what they are."""
    if found.multiple:
        items = value if isinstance(value, list) else [] if isinstance(value, dict) else [value]
        return [_as_item(found, one) for one in items]
    return _as_item(found, value)


def _as_item(found: Parameter, value: Any) -> Any:
    if found.type in {"string", "path"} and value is not None and not isinstance(value, str):
        return str(value)
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
