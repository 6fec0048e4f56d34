"""typer: a command is a function whose annotated arguments are its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlreef.extraction import docstrings
from mlreef.extraction.calls import Call
from mlreef.extraction.model import Parameter
from mlreef.extraction.session import CALLS, Described, Session
from mlreef.extraction.slots import MISSING, Slot, Style, of_function, parameter
from mlreef.extraction.values import UNKNOWN, Function, Made, Thing

_STYLE = Style("typer", kebab=True, boolean="pair", lists="repeat")
_CONTEXTS = {"Context", "CallbackParam"}


class App(Thing):
    """`app = typer.Typer()`."""

    __slots__ = ("_apps", "_call", "_callback", "_session", "commands")

    def __init__(self, session: Session, call: Call) -> None:
        self._session, self._call = session, call
        self.commands: list[tuple[str, Function, Call]] = []
        self._apps: list[tuple[str, App]] = []
        self._callback: Function | None = None

    def method(self, name: str, call: Call) -> Any:
        """Decorators and inner apps."""
        if name in {"command", "callback"}:
            return _Registrar(self, name, call)
        if name == "add_typer" and call.arguments and isinstance(call.arguments[0], App):
            inner = call.arguments[0]
            word = call.keywords.get("name") or inner.word
            if isinstance(word, str):
                self._apps.append((word, inner))
            else:
                self.commands += inner.commands
            self._session.programs = [one for one in self._session.programs if one is not inner]
        return UNKNOWN

    @property
    def word(self) -> Any:
        """The name that it was given."""
        return self._call.keywords.get("name")

    def register(self, kind: str, function: Function, call: Call) -> None:
        """A decorated function."""
        if kind == "callback":
            self._callback = function
            return
        given = call.argument(0, "name")
        name = given if isinstance(given, str) else function.name.lower().replace("_", "-")
        self.commands.append((name, function, call))

    def call(self, call: Call) -> Any:
        """`app()`."""
        del call
        self._session.start(self)

    def describe(self) -> Described | None:
        """See `Program.describe`."""
        return self.described("")

    def described(self, name: str) -> Described | None:
        """The app as a command of another one."""
        if not self.commands and not self._apps:
            return None
        if len(self.commands) == 1 and not self._apps and self._callback is None:
            found = command(self._session, self.commands[0][1], self._call)
            found.name = name
            return found
        text = self._call.keywords.get("help")
        found = Described("typer", self._call.node, self._call.module, name)
        if self._callback is not None:
            found.parameters = parameters(self._session, self._callback)
            found.description = docstrings.summary(self._callback.docstring)
        found.description = text if isinstance(text, str) else found.description
        found.help = found.description.partition("\n")[0]
        for word, function, call in self.commands:
            child = command(self._session, function, call)
            child.name = word
            found.subcommands.append(child)
        for word, app in self._apps:
            inner = app.described(word)
            if inner is not None:
                found.subcommands.append(inner)
        return found


class _Registrar(Thing):
    __slots__ = ("_app", "_call", "_kind")

    def __init__(self, app: App, kind: str, call: Call) -> None:
        self._app, self._kind, self._call = app, kind, call

    def decorate(self, target: Any, call: Call | None) -> Any:
        """Register the function; it stays what it is."""
        if isinstance(target, Function):
            self._app.register(self._kind, target, self._call)
        return target

    def call(self, call: Call) -> Any:
        """`app.command()(function)`."""
        return self.decorate(call.arguments[0], None) if call.arguments else UNKNOWN


@dataclass(eq=False, slots=True)
class Run:
    """`typer.run(main)`."""

    session: Session
    function: Function
    origin: Call

    def describe(self) -> Described | None:
        """See `Program.describe`."""
        return command(self.session, self.function, self.origin)


def command(session: Session, function: Function, call: Call) -> Described:
    """One function as a command."""
    text = call.keywords.get("help")
    description = text if isinstance(text, str) else docstrings.summary(function.docstring)
    return Described("typer", call.node, call.module, help=description.partition("\n")[0], description=description,
                     parameters=parameters(session, function))  # fmt: skip


def parameters(session: Session, function: Function) -> list[Parameter]:
    """The arguments of a function as typer reads them."""
    found = []
    for slot in of_function(session, function):
        if _context(slot):
            continue
        one = _parameter(session, slot)
        if one is not None:
            found.append(one)
    return found


def _context(slot: Slot) -> bool:
    annotation = getattr(slot.node, "annotation", None)
    return getattr(annotation, "attr", getattr(annotation, "id", "")) in _CONTEXTS


def _parameter(session: Session, slot: Slot) -> Parameter | None:
    info = next((one for one in slot.hint.extras if _is_info(one)), None)
    if info is None and _is_info(slot.default):
        info = slot.default
        given = info.call.argument(0, "default", MISSING)
        slot.default = MISSING if given is ... else given
    elif info is not None and slot.default is ...:
        slot.default = MISSING
    names: list[Any] = []
    if info is not None:
        arguments = info.call.arguments
        names = arguments if info in slot.hint.extras else arguments[1:]
        words = info.call.keywords
        slot.help = words["help"] if isinstance(words.get("help"), str) else slot.help
        for key, attribute in (("min", "minimum"), ("max", "maximum")):
            if isinstance(words.get(key), (int, float)):
                setattr(slot.hint, attribute, words[key])
        if words.get("hidden") is True or (words.get("is_eager") is True and "callback" in words):
            return None
        if "default_factory" in words:
            slot.default = UNKNOWN
    found = parameter(session, slot, _STYLE)
    if found is not None:
        _place(found, slot, info, [one for one in names if isinstance(one, str)])
    return found


def _is_info(value: Any) -> bool:
    return isinstance(value, Made) and value.name in {"typer.Option", "typer.Argument"}


def _place(found: Parameter, slot: Slot, info: Made | None, names: list[str]) -> None:
    positional = slot.default is MISSING if info is None else info.name == "typer.Argument"
    if slot.default is MISSING:
        # None as type means that nothing need be given only when there is a default
        found.required = True
    if positional:
        found.flag, found.negated_flag = None, None
        found.nargs = "*" if found.multiple and found.nargs is None else found.nargs
        found.nargs = 1 if found.type == "boolean" else found.nargs
        return
    flags = [one for one in names if one.startswith(("-", "/"))]
    if flags:
        chosen = next((one for one in flags if one.startswith("--")), flags[0])
        yes, slash, no = chosen.partition("/")
        found.flag = yes.strip() or None
        if found.type == "boolean":
            found.negated_flag = no.strip() if slash else None
            if found.flag is None:
                found.flag, found.negated_flag = None, no.strip()
    if found.type == "boolean" and found.nargs is None:
        found.required = slot.default is MISSING and info is not None


def _run(session: Session, call: Call) -> Any:
    function = call.argument(0, "function")
    if isinstance(function, Function):
        session.start(Run(session, function, call))
    return UNKNOWN


def _app(session: Session, call: Call) -> Any:
    made = App(session, call)
    session.add(made)
    return made


CALLS["typer.run"] = _run
CALLS["typer.Typer"] = _app
