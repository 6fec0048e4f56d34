"""What the system gives a program: environment variables, and the bare command line of `sys.argv`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from mlreef.extraction.calls import Call
from mlreef.extraction.model import Parameter, plain, role_of
from mlreef.extraction.session import CALLS, Described, Session
from mlreef.extraction.values import UNKNOWN, Guessed, Module, Scope, known

_CONVERSIONS = {"int": "integer", "float": "float", "Path": "path", "str": "string"}


def _environment(_session: Session, call: Call) -> Any:
    """`os.environ.get(name, default)`: nothing is set where the platform runs a program."""
    default = call.argument(1, "default")
    return Guessed(default) if isinstance(default, str) else default


for _name in ("os.environ.get", "os.getenv", "os.environ.setdefault"):
    CALLS[_name] = _environment
CALLS["os.getcwd"] = lambda _session, _call: Guessed(".")


def arguments(session: Session, tree: ast.Module, module: Module) -> Described | None:
    """A program that takes `sys.argv` apart itself, with constant positions."""
    found: dict[int, Parameter] = {}
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            for index, parameter in _assigned(session, statement, module):
                found.setdefault(index, parameter)
        elif isinstance(statement, ast.For) and isinstance(statement.target, ast.Name) and _rest(statement.iter) == 1:
            many = _parameter(session, statement.target.id, statement, module)
            many.multiple, many.nargs = True, "*"
            many.required = False
            found.setdefault(1, many)
    indexes = sorted(found)
    if not found or indexes != list(range(1, len(indexes) + 1)):
        return None
    described = Described("sys.argv", tree, module)
    described.parameters = [found[index] for index in indexes]
    for before, after in zip(described.parameters[:-1], described.parameters[1:], strict=True):
        if before.required is False and after.required:
            before.required = True  # a later one cannot be given without it
    return described


def _assigned(session: Session, node: ast.Assign, module: Module) -> Iterator[tuple[int, Parameter]]:
    target, value = node.targets[0], node.value
    if isinstance(target, (ast.Tuple, ast.List)):
        start = _rest(value)
        if start is None and _is_argv(value):
            start = 0
        names = [one.id if isinstance(one, ast.Name) else "" for one in target.elts]
        if start is not None and all(names):
            for index, name in enumerate(names, start):
                if index >= 1:
                    yield index, _parameter(session, name, node, module)
        return
    if not isinstance(target, (ast.Name, ast.Attribute)):
        return
    name = target.id if isinstance(target, ast.Name) else target.attr
    default: Any = UNKNOWN
    if isinstance(value, ast.IfExp):
        default = session.interpreter.evaluate(value.orelse, Scope(module, module.scope))
        value = value.body
    kind = "string"
    if isinstance(value, ast.Call) and len(value.args) == 1:
        called = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        kind = _CONVERSIONS.get(called, "string")
        value = value.args[0]
    found = _index(value)
    if found is not None and found >= 1:
        parameter = _parameter(session, name, node, module)
        parameter.type = kind
        parameter.role = role_of(parameter.name, kind)
        if isinstance(node.value, ast.IfExp):
            parameter.required = False
            parameter.default = _constant(default)
        yield found, parameter


def _constant(value: Any) -> Any:
    try:
        return plain(value) if known(value) else None
    except ValueError:
        return None


def _parameter(session: Session, name: str, node: ast.AST, module: Module) -> Parameter:
    lowered = name.lower()
    return Parameter(
        name=lowered, flag=None, type="string", required=True, default=None, choices=None, min=None, max=None,
        multiple=False, nargs=None, help="", unit=None, role=role_of(lowered, "string"),
        position=session.position(module, node),
    )  # fmt: skip


def _is_argv(node: ast.expr) -> bool:
    named = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return named == "argv"


def _index(node: ast.expr) -> int | None:
    if isinstance(node, ast.Subscript) and _is_argv(node.value) and isinstance(node.slice, ast.Constant):
        return node.slice.value if type(node.slice.value) is int else None
    return None


def _rest(node: ast.expr) -> int | None:
    """Where `sys.argv[1:]` begins."""
    if isinstance(node, ast.Subscript) and _is_argv(node.value) and isinstance(node.slice, ast.Slice):
        lower = node.slice.lower
        return lower.value if isinstance(lower, ast.Constant) and type(lower.value) is int else None
    return None
