"""What MLReef's decorators say: `@processor`, `@parameter`, `@metric`, and `@data_processor` of the first MLReef."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlreef.extraction.calls import Call
from mlreef.extraction.model import KINDS, Parameter, plain, role_of
from mlreef.extraction.session import Described, Session
from mlreef.extraction.values import UNKNOWN, Function, Module, Ref

_WORDS = ("processor", "data_processor", "parameter", "metric")
_TYPES = {
    **dict.fromkeys(("str", "string", "text"), "string"),
    **dict.fromkeys(("int", "integer"), "integer"),
    **dict.fromkeys(("float", "double", "number"), "float"),
    **dict.fromkeys(("bool", "boolean"), "boolean"),
    **dict.fromkeys(("list", "tuple", "array"), "list"),
    **dict.fromkeys(("dict", "dictionary", "object", "json"), "dictionary"),
    **dict.fromkeys(("path", "file", "directory"), "path"),
    "choice": "choice",
}
_KEYS = {
    "title": "title",
    "description": "description",
    "environment": "environment",
    "model_type": "model_type",
    "ml_category": "ml_category",
    "licence": "licence",
}


@dataclass(slots=True)
class Declarations:
    """Everything that decorators of a file say."""

    functions: list[Function] = field(default_factory=list)
    parameters: list[tuple[Call, dict[str, Any]]] = field(default_factory=list)
    declared: dict[str, Any] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)
    """Where the decorators come from."""


def read(session: Session, tree: ast.Module, module: Module) -> Declarations:
    """The declarations in a file."""
    found = Declarations()
    text = "\n".join(module.lines).lower()
    if "mlreef" not in text and "data_processor" not in text:
        return found
    origins = _origins(tree)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            decorators = [(_word(one), one) for one in node.decorator_list]
            if not any(word in _WORDS for word, _ in decorators):
                continue
            ours = any(word in origins or word == "data_processor" for word, _ in decorators)
            if ours:
                _note(session, node, module, found, [(word, one) for word, one in decorators if word in _WORDS])
    found.modules = sorted({origin for origin in origins.values() if origin.startswith("mlreef")})
    return found


def _origins(tree: ast.Module) -> dict[str, str]:
    """Names imported from modules that have to do with MLReef."""
    return {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and "mlreef" in node.module.lower() and not node.level
        for alias in node.names
        if alias.name in _WORDS
    } | {
        alias.name.partition(".")[0]: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name.startswith("mlreef")
    }


def _word(node: ast.expr) -> str:
    called = node.func if isinstance(node, ast.Call) else node
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _note(
    session: Session,
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
    module: Module,
    found: Declarations,
    decorators: list[tuple[str, ast.expr]],
) -> None:
    value = module.scope.variables.get(node.name)
    if isinstance(value, Function):
        found.functions.append(value)
    for word, decorator in decorators:
        if not isinstance(decorator, ast.Call):
            continue
        scope = module.scope
        arguments = [session.interpreter.evaluate(one, scope) for one in decorator.args]
        keywords = {one.arg: session.interpreter.evaluate(one.value, scope) for one in decorator.keywords if one.arg}
        call = Call(decorator, module, arguments, keywords)
        if word == "parameter":
            given = dict(zip(("name", "type", "required", "default"), arguments, strict=False)) | keywords
            found.parameters.append((call, given))
        elif word == "metric":
            name = call.argument(0, "name")
            if isinstance(name, str):
                rest = {key: plain_or_none(one) for key, one in keywords.items() if key in {"goal", "unit", "help"}}
                found.declared.setdefault("metrics", {})[name] = rest
        else:
            found.declared |= dict(_processor(call))


def plain_or_none(value: Any) -> Any:
    """A constant, or nothing."""
    try:
        return None if value is UNKNOWN else plain(value)
    except ValueError:
        return None


def _processor(call: Call) -> Iterator[tuple[str, Any]]:
    name = call.argument(0, "name")
    slug = call.keywords.get("slug", call.keywords.get("command"))
    if isinstance(name, str) and name:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name):
            yield "title", name
        chosen = slug if isinstance(slug, str) and slug else name
        yield "name", re.sub(r"[^a-z0-9]+", "-", chosen.lower()).strip("-")[:63].strip("-") or "processor"
    kind = call.keywords.get("kind", call.keywords.get("type"))
    if isinstance(kind, str) and kind.lower() in KINDS:
        yield "kind", kind.lower()
    for key, meant in _KEYS.items():
        if isinstance(call.keywords.get(key), str):
            yield meant, call.keywords[key]
    for key in ("input_type", "output_type", "input_types", "output_types", "inputs", "outputs", "tags"):
        given = call.keywords.get(key)
        words = [given] if isinstance(given, str) else list(given) if isinstance(given, (list, tuple)) else []
        words = [one.lower() if key.endswith(("type", "types")) else one for one in words if isinstance(one, str)]
        if words:
            yield f"{key}s" if key.endswith("_type") else key, words


def apply(
    session: Session, declarations: Declarations, described: Described | None, module: Module
) -> Described | None:
    """Change what was found as the decorators say; without a command line of its own, they are its parameters."""
    if not declarations.parameters:
        return described
    made = described
    if made is None:
        node = declarations.parameters[0][0].node
        made = Described("decorators", node, module)
    for call, given in declarations.parameters:
        name = given.get("name")
        if not isinstance(name, str) or not name:
            session.error(call.module, call.node, "this parameter has no name", 'write @parameter(name="rate", ...)')
            continue
        plain_name = name.lstrip("-").replace("-", "_")
        parameter = next((one for one in made.parameters if one.name == plain_name), None)
        if parameter is None and described is not None:
            session.warn(call.module, call.node, f"the program has no parameter {name[:60]!r}",
                         "it is left out; use the name that the command line has")  # fmt: skip
            continue
        if parameter is None:
            parameter = _new(session, call, name, plain_name)
            made.parameters.append(parameter)
        _override(session, call, parameter, given, own=described is None)
    return made


def _new(session: Session, call: Call, name: str, plain_name: str) -> Parameter:
    return Parameter(
        name=plain_name, flag=f"--{name.lstrip('-')}", type="string", required=False, default=None, choices=None,
        min=None, max=None, multiple=False, nargs=None, help="", unit=None, role="value",
        position=session.position(call.module, call.node),
    )  # fmt: skip


def _override(session: Session, call: Call, parameter: Parameter, given: Mapping[str, Any], *, own: bool) -> None:
    kind = given.get("type")
    if isinstance(kind, (str, Ref)):
        meant = _TYPES.get((kind if isinstance(kind, str) else kind.name).lower())
        if meant is None:
            session.error(call.module, call.keyword_node("type"), f"{str(kind)[:60]!r} is no type of a parameter",
                          f"use one of {', '.join(dict.fromkeys(_TYPES.values()))}")  # fmt: skip
        elif own or (parameter.type == "string" and meant not in {"boolean", "list"}):
            parameter.type = meant
            parameter.nargs = 1 if meant == "boolean" else "*" if meant == "list" else parameter.nargs
            parameter.role = role_of(parameter.name, meant)
    default = plain_or_none(given.get("defaultValue", given.get("default_value", given.get("default"))))
    if default is not None:
        parameter.default = _typed(parameter, default)
        parameter.required = False
    if given.get("required") is True and (default is None or own):
        parameter.required = True
    for key, attribute in (("min", "min"), ("max", "max"), ("minimum", "min"), ("maximum", "max")):
        if isinstance(given.get(key), (int, float)):
            setattr(parameter, attribute, given[key])
    for key, attribute in (("help", "help"), ("description", "help"), ("unit", "unit")):
        if isinstance(given.get(key), str):
            setattr(parameter, attribute, given[key])
    choices = plain_or_none(given.get("choices"))
    if isinstance(choices, list) and choices:
        parameter.choices, parameter.type = choices, "choice"
    if given.get("role") in {"input", "output", "value"}:
        parameter.role = given["role"]


def _typed(parameter: Parameter, value: Any) -> Any:
    """Defaults of the first MLReef were often written as text."""
    if isinstance(value, str):
        try:
            if parameter.type == "integer":
                return int(value)
            if parameter.type == "float":
                return float(value)
        except ValueError:
            return value
        if parameter.type == "boolean":
            return value.lower() in {"true", "1", "yes"}
    return float(value) if parameter.type == "float" and type(value) is int else value
