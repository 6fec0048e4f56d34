"""A plain function with typed arguments as a processor: the platform calls it through the function shim."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mlreef.extraction import callables_reader, docstrings
from mlreef.extraction.model import Parameter, plain
from mlreef.extraction.session import Described, Session
from mlreef.extraction.slots import Style
from mlreef.extraction.values import UNKNOWN, Function, Module, Scope

STYLE = Style("function")
_LIKELY = ("main", "run", "process", "train", "transform", "execute")


@dataclass(slots=True)
class Started:
    """A function that is called when the file is started, with what it is given."""

    function: Function
    positional: list[Any] = field(default_factory=list)
    keywords: dict[str, Any] = field(default_factory=dict)


def find(session: Session, tree: ast.Module, module: Module, marked: list[Function]) -> Described | None:
    """The one function that the file is about, if there is one that a command line can be made for."""
    for one in [*(Started(function) for function in marked), *_candidates(session, tree, module)]:
        described = _described(session, one, module)
        if described is not None:
            return described
    return None


def _candidates(session: Session, tree: ast.Module, module: Module) -> Iterator[Started]:
    guarded = [node for node in tree.body if isinstance(node, ast.If) and _is_guard(node.test)]
    for guard in guarded:
        for call in (one for statement in guard.body for one in ast.walk(statement) if isinstance(one, ast.Call)):
            function = _function(module, call.func)
            if function is not None and not any(isinstance(one, ast.Starred) for one in call.args):
                scope = Scope(module, module.scope)
                given = [session.interpreter.evaluate(one, scope) for one in call.args]
                named = {one.arg: session.interpreter.evaluate(one.value, scope) for one in call.keywords if one.arg}
                yield Started(function, given, named)
    if not guarded:
        for name in _LIKELY:
            value = module.scope.variables.get(name)
            if isinstance(value, Function) and not _calls(tree):
                yield Started(value)


def _is_guard(test: ast.expr) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "__name__" for one in ast.walk(test))


def _calls(tree: ast.Module) -> bool:
    """Whether the file does its work at once, so that importing it is not harmless."""
    return any(isinstance(one, ast.Expr) and isinstance(one.value, ast.Call) for one in tree.body)


def _function(module: Module, node: ast.expr) -> Function | None:
    value = module.scope.variables.get(node.id) if isinstance(node, ast.Name) else None
    return value if isinstance(value, Function) else None


def _described(session: Session, started: Started, module: Module) -> Described | None:
    function, node = started.function, started.function.node
    if isinstance(node, ast.Lambda) or function.scope.module is not module or function.scope is not module.scope:
        return None
    if not (node.args.posonlyargs or node.args.args or node.args.kwonlyargs) or not _typed(node.args):
        return None
    names = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
    given = dict(zip(names, started.positional, strict=False)) | started.keywords
    parameters = callables_reader.of(session, function, STYLE)
    kept = {one.name: value for one in parameters if (value := _taken(session, one, given)) is not None}
    return Described(
        "function", node, module, description=docstrings.summary(function.docstring), parameters=parameters,
        shim={"function": node.name} | ({"given": kept} if kept else {}),
    )  # fmt: skip


def _typed(arguments: ast.arguments) -> bool:
    """At least half of the arguments say what they are; anything else was not meant to be filled in."""
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    told = sum(one.annotation is not None for one in every) + len(arguments.defaults)
    told += sum(one is not None for one in arguments.kw_defaults)
    return told * 2 >= len(every)


def _taken(session: Session, parameter: Parameter, given: dict[str, Any]) -> Any:
    """What the file itself gives to an argument becomes its default."""
    if parameter.name not in given:
        return None
    value = given[parameter.name]
    try:
        parameter.default = None if value is UNKNOWN else plain(value)
    except ValueError:
        return None
    if parameter.default is None:
        return None
    parameter.required = False
    return parameter.default
