"""click: a command is a function with options as decorators; a group holds commands."""

from __future__ import annotations

from typing import Any

from mlreef.extraction import docstrings, options
from mlreef.extraction.calls import Call
from mlreef.extraction.evaluator import listing
from mlreef.extraction.model import Parameter
from mlreef.extraction.session import CALLS, DECORATORS, Described, Session
from mlreef.extraction.values import UNKNOWN, Class, Function, Made, Ref, Thing

_PREFIXES = ("click", "rich_click", "asyncclick", "cloup")
_SUFFIXES = ("-command", "-cmd", "-group", "-grp")


class Mark(Thing):
    """`click.option(...)`, to be put above a function."""

    __slots__ = ("argument", "origin")

    def __init__(self, origin: Call, *, argument: bool) -> None:
        self.origin, self.argument = origin, argument

    def decorate(self, target: Any, call: Call | None) -> Any:
        """Note the option at the function."""
        if isinstance(target, (Function, Command)):
            target.marks.append(self)
        return target

    def call(self, call: Call) -> Any:
        """`option(function)` in a helper that adds several."""
        return self.decorate(call.arguments[0], None) if call.arguments else UNKNOWN


class Command(Thing):
    """A click command or group."""

    __slots__ = ("children", "function", "group", "marks", "name", "origin", "session")

    def __init__(self, session: Session, function: Function, origin: Call, *, group: bool) -> None:
        self.session, self.function, self.origin, self.group = session, function, origin, group
        self.marks: list[Any] = function.marks
        self.children: list[Command] = []
        given = origin.argument(0, "name")
        self.name = given if isinstance(given, str) else _shown(function.name)
        for one in listing(origin.keywords.get("params")) or ():
            if isinstance(one, Made) and one.call.arguments:
                names = listing(one.call.arguments[0]) or ()
                inner = Call(one.call.node, one.call.module, list(names), one.call.keywords)
                self.marks.append(Mark(inner, argument=one.name.endswith("Argument")))

    def call(self, call: Call) -> Any:
        """`cli()`: the program starts here."""
        del call
        self.session.start(self)

    def attribute(self, name: str) -> Any:
        """`command.callback` and methods."""
        return self.function if name == "callback" else super().attribute(name)

    def method(self, name: str, call: Call) -> Any:
        """What can be done with a group."""
        if name in {"command", "group"}:
            return Maker(self.session, call, group=name == "group", owner=self)
        if name == "add_command" and call.arguments and isinstance(call.arguments[0], Command):
            named = call.argument(1, "name")
            self.add(call.arguments[0], named if isinstance(named, str) else None)
        elif name in {"main", "__call__"}:
            self.session.start(self)
        elif name in {"result_callback", "resultcallback"}:
            return Thing()
        return UNKNOWN

    def add(self, child: Command, name: str | None = None) -> None:
        """Put a command into the group."""
        child.name = name or child.name
        if child not in self.children:
            self.children.append(child)
        self.session.programs = [one for one in self.session.programs if one is not child]

    def describe(self) -> Described | None:
        """See `Program.describe`."""
        text = docstrings.summary(self.function.docstring.partition("\f")[0])
        given = self.origin.keywords.get("help")
        text = given if isinstance(given, str) else text
        found = Described("click", self.origin.node, self.origin.module, self.name, text.partition("\n")[0], text)
        for mark in reversed(self.marks):
            if isinstance(mark, Mark):
                one = read(self.session, mark.origin, argument=mark.argument)
                if one is not None and all(earlier.name != one.name for earlier in found.parameters):
                    found.parameters.append(one)
        children = [child.describe() for child in self.children]
        found.subcommands = [child for child in children if child is not None]
        return found


class Maker(Thing):
    """`click.command()`, to be put above a function."""

    __slots__ = ("_group", "_origin", "_owner", "_session")

    def __init__(self, session: Session, origin: Call, *, group: bool, owner: Command | None = None) -> None:
        self._session, self._origin, self._group, self._owner = session, origin, group, owner

    def decorate(self, target: Any, call: Call | None) -> Any:
        """The command that the function becomes."""
        if not isinstance(target, Function):
            return target
        made = Command(self._session, target, self._origin, group=self._group)
        if self._owner is not None:
            self._owner.add(made)
        else:
            self._session.add(made)
        return made

    def call(self, call: Call) -> Any:
        """`click.command()(function)`."""
        return self.decorate(call.arguments[0], None) if call.arguments else UNKNOWN


def _shown(name: str) -> str:
    shown = name.lower().replace("_", "-")
    for suffix in _SUFFIXES:
        if shown.endswith(suffix) and shown != suffix[1:]:
            return shown.removesuffix(suffix)
    return shown


# -- options


def read(session: Session, call: Call, *, argument: bool) -> Parameter | None:
    """One option or argument, put into argparse's words."""
    given = call.keywords
    if given.get("expose_value") is False or given.get("hidden") is True:
        return None
    names = [one for one in call.arguments if isinstance(one, str)]
    if len(names) < len(call.arguments):
        names += [one for one in call.arguments if not isinstance(one, str)][:1]
    flags = [one for one in names if isinstance(one, str) and one.strip().startswith(("-", "/"))]
    plain_names: list[Any] = [one for one in names if one not in flags]
    pairs = [one.partition("/") for one in flags]
    negated = _longest([no.strip() for _, _, no in pairs if no.strip()])
    positive = [yes.strip() for yes, _, _ in pairs if yes.strip()]
    words: dict[str, Any] = {key: given[key] for key in ("default", "required", "help", "metavar") if key in given}
    if plain_names and not argument:
        words["dest"] = plain_names[0]
    limits = _shape(words, given, negated)
    inner = Call(call.node, call.module, plain_names[:1] if argument else positive or [negated], words, call.open)
    if argument and plain_names and isinstance(plain_names[0], str):
        inner.arguments = [plain_names[0].lower()]
    found = options.read(options.Reading(inner, session))
    if found is None:
        return None
    found.min, found.max = limits.get("min", found.min), limits.get("max", found.max)
    _finish(found, given, negated, argument=argument)
    return found


def _finish(found: Parameter, given: dict[str, Any], negated: str | None, *, argument: bool) -> None:
    if found.type == "boolean" and found.nargs is None:
        found.negated_flag = negated
        if found.flag == negated:
            found.flag = None
        if given.get("default") is True:
            found.default = True
    if argument:
        found.required = given.get("required", True) is not False and "default" not in given
        if given.get("nargs") == -1:
            found.required = given.get("required") is True
    elif given.get("prompt") and "default" not in given:
        found.required = True


def _longest(flags: list[str]) -> str | None:
    return max(flags, key=len) if flags else None


def _shape(words: dict[str, Any], given: dict[str, Any], negated: str | None) -> dict[str, Any]:
    """Put action, nargs and type into argparse's words; returns limits."""
    if given.get("is_flag") is True or negated is not None or "flag_value" in given:
        words["action"] = "store_true" if "flag_value" not in given else "store_const"
        if words["action"] == "store_const":
            words.pop("dest", None)
        if not isinstance(words.get("default"), bool):
            words.pop("default", None)
        return {}
    if given.get("count") is True:
        words["action"] = "count"
        words.pop("default", None)
        return {}
    nargs = given.get("nargs")
    if given.get("multiple") is True:
        words["action"] = "append"
    if nargs not in {None, 1}:
        words["nargs"] = "*" if nargs == -1 else nargs
    if callable(words.get("default")) or isinstance(words.get("default"), (Function, Ref)):
        words["default"] = UNKNOWN
    return _type(given.get("type"), words, given)


_TYPES = {
    "INT": "int",
    "FLOAT": "float",
    "STRING": "str",
    "BOOL": "distutils.strtobool",
    "IntRange": "int",
    "FloatRange": "float",
    "Path": "pathlib.Path",
    "File": "argparse.FileType",
    "UUID": "str",
    "DateTime": "str",
    "UNPROCESSED": "str",
    "STRING_TYPE": "str",
}


def _type(given: Any, words: dict[str, Any], keywords: dict[str, Any]) -> dict[str, Any]:
    if isinstance(given, Made):
        return _made_type(given, words)
    if isinstance(given, Ref):
        last = given.name.rpartition(".")[2]
        if given.name == "bool":
            words["type"] = Ref("distutils.strtobool")
        else:
            words["type"] = Ref(_TYPES[last]) if last in _TYPES and given.name != last else given
    elif isinstance(given, (tuple, list)) and given:
        words["nargs"] = len(given)
        words["type"] = given[0]
    elif given is not None:
        words["type"] = given if isinstance(given, (Function, Class)) else UNKNOWN
    else:
        _guess(words, keywords.get("default"))
    return {}


def _guess(words: dict[str, Any], default: Any) -> None:
    """click takes the type of the default."""
    sample = default[0] if isinstance(default, (list, tuple)) and default else default
    if isinstance(sample, bool):
        words["type"] = Ref("distutils.strtobool")
    elif isinstance(sample, (int, float)):
        words["type"] = Ref(type(sample).__name__)


def _made_type(made: Made, words: dict[str, Any]) -> dict[str, Any]:
    last = made.name.rpartition(".")[2]
    arguments, keywords = made.call.arguments, made.call.keywords
    if last == "Choice":
        offered = made.call.argument(0, "choices", UNKNOWN)
        if isinstance(offered, Class) and offered.is_enum:
            offered = list(offered.members())  # click takes the names
        words["choices"] = offered
        return {}
    if last == "Tuple":
        items = listing(arguments[0]) if arguments else None
        words["nargs"] = len(items) if items else UNKNOWN
        words["type"] = items[0] if items else UNKNOWN
        return {}
    words["type"] = Ref(_TYPES.get(last, "str"))
    if last.endswith("Range"):
        limits = dict(zip(("min", "max"), arguments, strict=False)) | keywords
        found = {key: limits[key] for key in ("min", "max") if isinstance(limits.get(key), (int, float))}
        if last == "IntRange" and found:
            found["min"] = found["min"] + (keywords.get("min_open") is True) if "min" in found else None
            found["max"] = found["max"] - (keywords.get("max_open") is True) if "max" in found else None
        return found
    return {}


def _mark(*, argument: bool) -> Any:
    return lambda _session, call: Mark(call, argument=argument)


def _maker(*, group: bool) -> Any:
    return lambda session, call: Maker(session, call, group=group)


def _bare(*, group: bool) -> Any:
    return lambda session, target, call: Maker(session, Call(call.node, call.module), group=group).decorate(
        target, None
    )


def _made(name: str) -> Any:
    return lambda _session, call: Made(name, call)


for _prefix in _PREFIXES:
    CALLS[f"{_prefix}.option"] = _mark(argument=False)
    CALLS[f"{_prefix}.argument"] = _mark(argument=True)
    for _kind in ("command", "group"):
        CALLS[f"{_prefix}.{_kind}"] = _maker(group=_kind == "group")
        DECORATORS[f"{_prefix}.{_kind}"] = _bare(group=_kind == "group")
    for _kind in ("Choice", "IntRange", "FloatRange", "Path", "File", "Tuple", "DateTime", "Option", "Argument"):
        CALLS[f"{_prefix}.{_kind}"] = CALLS[f"{_prefix}.types.{_kind}"] = _made(f"click.{_kind}")
CALLS["click_option_group.optgroup.option"] = _mark(argument=False)
