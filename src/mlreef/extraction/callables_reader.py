"""Libraries that make a command line of a function or class: fire, jsonargparse, tyro, argh, defopt, cyclopts."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from mlreef.extraction import docstrings, records_reader
from mlreef.extraction.calls import Call
from mlreef.extraction.evaluator import listing
from mlreef.extraction.model import Parameter
from mlreef.extraction.session import CALLS, DECORATORS, Described, Session
from mlreef.extraction.slots import Slot, Style, of_function, parameter
from mlreef.extraction.values import UNKNOWN, Class, Function, Instance, Module, Ref, Thing

FIRE = Style("fire", boolean="fire", lists="text")
JSONARGPARSE = Style("jsonargparse", lists="text", positional=True)
ARGH = Style("argh", kebab=True, boolean="switch", positional=True)
DEFOPT = Style("defopt", kebab=True, boolean="pair", positional=True)
CYCLOPTS = Style("cyclopts", kebab=True, boolean="pair", lists="repeat")
PYRALLIS = records_reader.PYRALLIS


def of(session: Session, function: Function, style: Style, *, skip_first: bool = False) -> list[Parameter]:
    """The parameters of a function in a library's style; records among its arguments are taken apart."""
    found: list[Parameter] = []
    keyword_only = [] if isinstance(function.node, ast.Lambda) else function.node.args.kwonlyargs
    for slot in of_function(session, function, skip_first=skip_first):
        slot.positional = slot.positional or (style is DEFOPT and slot.node not in keyword_only)
        found += of_slot(session, slot, style)
    return found


def of_slot(session: Session, slot: Slot, style: Style) -> list[Parameter]:
    """One argument, or the fields of a record."""
    inner = slot.hint.of
    if inner is not None and style.nested:
        return records_reader.parameters(session, inner, style, f"{slot.name}{style.nested}")
    one = parameter(session, slot, style)
    return [one] if one is not None else []


@dataclass(eq=False, slots=True)
class CallableProgram:
    """A function, a class or several of them as one command line."""

    session: Session
    component: Any
    style: Style
    call: Call

    def describe(self) -> Described | None:
        """See `Program.describe`."""
        return self._described(self.component, "")

    def _described(self, component: Any, name: str) -> Described | None:
        found = Described(self.style.framework, self.call.node, self.call.module, name, order="anywhere")
        if isinstance(component, Instance):
            return self._class(component.of, found, instance=True)
        if isinstance(component, Class):
            if self.style.nested:
                found.parameters = records_reader.parameters(self.session, component, self.style)
                found.description = docstrings.summary(ast.get_docstring(component.node) or "")
                return found
            return self._class(component, found, instance=False)
        if isinstance(component, Function):
            found.parameters = of(self.session, component, self.style)
            found.description = docstrings.summary(component.docstring)
            found.help = found.description.partition("\n")[0]
            return found
        named = component if isinstance(component, dict) else None
        if named is None and isinstance(component, Module):
            named = _public(component)
        if named is None:
            return None
        children = [self._described(one, self._word(str(key))) for key, one in named.items()]
        found.subcommands = [one for one in children if one is not None]
        return found

    def _word(self, name: str) -> str:
        return name.replace("_", "-") if self.style.kebab else name

    def _class(self, of_class: Class, found: Described, *, instance: bool) -> Described:
        """fire: options of the constructor, and a method as subcommand."""
        constructor = of_class.find("__init__")
        if isinstance(constructor, Function) and not instance:
            found.parameters = of(self.session, constructor, self.style, skip_first=True)
        found.description = docstrings.summary(ast.get_docstring(of_class.node) or "")
        for one in of_class.lineage():
            for name, method in one.body.variables.items():
                if name.startswith("_") or not isinstance(method, Function) or "property" in method.marks:
                    continue
                child = Described(self.style.framework, self.call.node, self.call.module, self._word(name))
                skip = "staticmethod" not in method.marks
                child.parameters = of(self.session, method, self.style, skip_first=skip)
                child.description = docstrings.summary(method.docstring)
                child.help = child.description.partition("\n")[0]
                if all(earlier.name != child.name for earlier in found.subcommands):
                    found.subcommands.append(child)
        return found


def _public(module: Module) -> dict[str, Any]:
    return {
        name: value
        for name, value in module.scope.variables.items()
        if not name.startswith("_") and isinstance(value, (Function, Class)) and value_module(value) is module
    }


def value_module(value: Function | Class) -> Module:
    """Where something was defined."""
    return value.scope.module if isinstance(value, Function) else value.body.module


def _start(style: Style) -> Any:
    def handler(session: Session, call: Call) -> Any:
        component = call.argument(0, "component")
        if component is None and style in {FIRE, JSONARGPARSE}:
            component = call.module
        if isinstance(component, (list, tuple)) and style is not FIRE:
            functions = [one for one in listing(component) or () if isinstance(one, Function)]
            component = functions[0] if len(functions) == 1 else {one.name: one for one in functions}
        if len(call.arguments) > 1 and all(isinstance(one, Function) for one in call.arguments):
            component = {one.name: one for one in call.arguments}
        if component is UNKNOWN or isinstance(component, (Ref, str)):
            return UNKNOWN
        return session.start(CallableProgram(session, component, style, call))

    return handler


class Wrapper(Thing):
    """`@pyrallis.wrap()` above `main(config)`: calling main reads the command line."""

    __slots__ = ("_call", "_function", "_session")

    def __init__(self, session: Session, call: Call, function: Function | None = None) -> None:
        self._session, self._call, self._function = session, call, function

    def decorate(self, target: Any, call: Call | None) -> Any:
        """The function, whose call starts the program."""
        return Wrapper(self._session, self._call, target) if isinstance(target, Function) else target

    def call(self, call: Call) -> Any:
        """`main()`."""
        function = self._function
        if function is None or isinstance(function.node, ast.Lambda) or not function.node.args.args:
            return UNKNOWN
        slot = of_function(self._session, function)[0]
        if isinstance(slot.hint.of, Class):
            self._session.start(records_reader.RecordProgram(self._session, slot.hint.of, PYRALLIS, call))
        return UNKNOWN


class App(Thing):
    """`app = cyclopts.App()`, `@app.default`, `@app.command`, `app()`."""

    __slots__ = ("_call", "_commands", "_default", "_session")

    def __init__(self, session: Session, call: Call) -> None:
        self._session, self._call = session, call
        self._default: Function | None = None
        self._commands: dict[str, Function] = {}

    def method(self, name: str, call: Call) -> Any:
        """Decorators."""
        return _AppDecorator(self, name, call) if name in {"default", "command"} else UNKNOWN

    def add(self, kind: str, function: Function, call: Call) -> None:
        """A decorated function."""
        if kind == "default":
            self._default = function
        else:
            name = call.keywords.get("name")
            self._commands[name if isinstance(name, str) else function.name.replace("_", "-")] = function

    def call(self, call: Call) -> Any:
        """`app()`."""
        component: Any = self._default if self._default is not None and not self._commands else dict(self._commands)
        self._session.start(CallableProgram(self._session, component, CYCLOPTS, call))


class _AppDecorator(Thing):
    __slots__ = ("_app", "_call", "_kind")

    def __init__(self, app: App, kind: str, call: Call) -> None:
        self._app, self._kind, self._call = app, kind, call

    def decorate(self, target: Any, call: Call | None) -> Any:
        """Register the function."""
        if isinstance(target, Function):
            self._app.add(self._kind, target, self._call)
        return target


for _names, _style in (
    (("fire.Fire", "fire.core.Fire"), FIRE),
    (("jsonargparse.CLI", "jsonargparse.auto_cli"), JSONARGPARSE),
    (("tyro.cli",), records_reader.TYRO),
    (("argh.dispatch_command", "argh.dispatch_commands"), ARGH),
    (("defopt.run",), DEFOPT),
    (("cyclopts.run",), CYCLOPTS),
):
    for _name in _names:
        CALLS[_name] = _start(_style)
CALLS["cyclopts.App"] = App
CALLS["pyrallis.wrap"] = CALLS["draccus.wrap"] = Wrapper
DECORATORS["pyrallis.wrap"] = lambda session, target, call: Wrapper(session, call, target)
