"""click, typer and typed functions: a command is a function, its parameters are the function's.

Only what decorators and annotations say in constants is read. `@click.command` with `@click.option`/`@click.argument`,
`@app.command()` or `typer.run(function)` with annotated parameters.
"""

from __future__ import annotations

import ast
from typing import Any

from mlreef.extraction import options, types
from mlreef.extraction.argparse_reader import ArgparseReader, Parser
from mlreef.extraction.interpreter import Call, Interpreter
from mlreef.extraction.model import Parameter, plain, role_of
from mlreef.extraction.values import UNKNOWN, Class, Ref, known

Definition = ast.FunctionDef | ast.AsyncFunctionDef


def is_command(reader: ArgparseReader) -> bool:
    """Whether a command without parameters was found, which is no fault."""
    return any(parser.description == _BARE for parser in reader.parsers)


_BARE = "\x00bare"


def read(tree: ast.Module, interpreter: Interpreter, reader: ArgparseReader) -> None:
    """Add a parser for the one command of the program, if it has one."""
    functions = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    started = _started_by_typer(tree, interpreter)
    found = []
    for node in functions:
        kind = "typer" if node.name in started else _kind(node, interpreter)
        if kind is not None:
            found.append((node, kind))
    if not found:
        return
    if len(found) > 1:
        reader.error(found[1][0], "a program with several commands cannot be one processor",
                     "write one script per command, and publish each")  # fmt: skip
        return
    node, kind = found[0]
    parser = Parser(description=ast.get_docstring(node) or "")
    (_read_click if kind == "click" else _read_typer)(node, parser, interpreter, reader)
    if not parser.parameters and not reader.result.errors:
        parser.description = _BARE
    reader.parsers.append(parser)


def _name(node: ast.expr, interpreter: Interpreter) -> str:
    called = node.func if isinstance(node, ast.Call) else node
    value = interpreter.evaluate(called, interpreter.globals)
    if isinstance(value, Ref):
        return value.name
    return called.attr if isinstance(called, ast.Attribute) else ""


def _kind(node: Definition, interpreter: Interpreter) -> str | None:
    names = [_name(one, interpreter) for one in node.decorator_list]
    if "click.command" in names:
        return "click"
    return "typer" if "command" in names else None


def _started_by_typer(tree: ast.Module, interpreter: Interpreter) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and node.args
            and isinstance(node.args[0], ast.Name)
            and isinstance(node.func, ast.Attribute)
            and _name(node, interpreter) in {"typer.run", "fire.Fire"}
        ):
            found.add(node.args[0].id)
    return found


# -- click


def _read_click(node: Definition, parser: Parser, interpreter: Interpreter, reader: ArgparseReader) -> None:
    for decorator in node.decorator_list:
        name = _name(decorator, interpreter)
        if isinstance(decorator, ast.Call) and name in {"click.option", "click.argument"}:
            call = _evaluated(decorator, interpreter)
            found = _click(call, reader, interpreter, argument=name == "click.argument")
            if found is not None:
                parser.parameters.append(found)


def _evaluated(node: ast.Call, interpreter: Interpreter) -> Call:
    arguments = [interpreter.evaluate(one, interpreter.globals) for one in node.args]
    keywords = {one.arg: _option_type(one.value, interpreter) for one in node.keywords if one.arg is not None}
    return Call(node, arguments, keywords)


def _option_type(node: ast.expr, interpreter: Interpreter) -> Any:
    """Types such as click.Choice([...]) as (name, arguments, keywords); anything else as its value."""
    if isinstance(node, ast.Call):
        name = _name(node, interpreter)
        if name.startswith("click."):
            call = _evaluated(node, interpreter)
            return (name, call.arguments, call.keywords)
    return interpreter.evaluate(node, interpreter.globals)


def _click(call: Call, reader: ArgparseReader, interpreter: Interpreter, *, argument: bool) -> Parameter | None:
    names = [one for one in call.arguments if isinstance(one, str)]
    given = dict(call.keywords)
    flags = [one for one in names if one.startswith("-")]
    pairs = [one.partition("/") for one in flags]
    negated = next((no.strip() for _, slash, no in pairs if slash), None)
    plain_names = [one for one in names if not one.startswith("-")]
    translated: dict[str, Any] = {key: given[key] for key in ("default", "required", "help", "metavar") if key in given}
    if plain_names and not argument:
        translated["dest"] = plain_names[0]
    positive = [yes.strip() for yes, _, _ in pairs]
    switch = bool(given.get("is_flag")) or negated is not None
    if switch:
        translated["action"] = "store_true"
    elif given.get("multiple") is True:
        translated["action"] = "append"
    elif given.get("count") is True:
        translated["action"] = "count"
    nargs = given.get("nargs")
    if nargs not in {None, 1}:
        translated["nargs"] = "*" if nargs == -1 else nargs
    limits = {} if switch else _click_type(given.get("type"), given.get("default"), translated)
    inner = Call(call.node, plain_names[:1] if argument else positive, translated)
    found = options.read(
        options.Reading(inner, reader.position(call.node), reader.error, reader.warn, interpreter.enum_values)
    )
    if found is not None:
        found.min, found.max = limits.get("min", found.min), limits.get("max", found.max)
        found.negated_flag = negated
        if argument:
            found.required = given.get("required", True) is not False and found.default is None and nargs != -1
    return found


_CLICK_TYPES = {
    "click.INT": "int",
    "click.FLOAT": "float",
    "click.STRING": "str",
    "click.BOOL": "distutils.strtobool",
    "click.IntRange": "int",
    "click.FloatRange": "float",
    "click.Path": "pathlib.Path",
    "click.File": "argparse.FileType",
}


def _click_type(given: Any, default: Any, translated: dict[str, Any]) -> dict[str, Any]:
    """Put type and choices into argparse's words; returns limits."""
    if isinstance(given, tuple) and given and isinstance(given[0], str):
        name, arguments, keywords = given
        if name == "click.Choice":
            translated["choices"] = arguments[0] if arguments else UNKNOWN
            return {}
        translated["type"] = Ref(_CLICK_TYPES.get(str(name), str(name)))
        if name.endswith("Range"):
            limits = dict(zip(("min", "max"), arguments, strict=False)) | keywords
            return {key: limits[key] for key in ("min", "max") if isinstance(limits.get(key), (int, float))}
        return {}
    if isinstance(given, Ref):
        name = "click.BOOL" if given.name == "bool" else given.name
        translated["type"] = Ref(_CLICK_TYPES.get(name, name) or name)
    elif given is None and isinstance(default, (int, float)) and not isinstance(default, bool):
        translated["type"] = Ref(type(default).__name__)  # click takes the type of the default
    return {}


# -- typer and typed functions


def _read_typer(node: Definition, parser: Parser, interpreter: Interpreter, reader: ArgparseReader) -> None:
    arguments = node.args
    names = [*arguments.posonlyargs, *arguments.args]
    defaults: dict[str, ast.expr] = {}
    for one, value in zip(reversed(names), reversed(arguments.defaults), strict=False):
        defaults[one.arg] = value
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            defaults[one.arg] = default
    for one in (*names, *arguments.kwonlyargs):
        found = _typed(one, defaults.get(one.arg), interpreter, reader)
        if found is not None:
            parser.parameters.append(found)


def _typed(
    argument: ast.arg, default: ast.expr | None, interpreter: Interpreter, reader: ArgparseReader
) -> Parameter | None:
    annotation, info = _annotated(argument.annotation, interpreter)
    if info is None and isinstance(default, ast.Call) and _name(default, interpreter).startswith("typer."):
        info, default = default, default.args[0] if default.args else None
        if isinstance(default, ast.Constant) and default.value is ...:
            default = None
    meant, many = _meaning(annotation, interpreter, reader)
    if isinstance(meant, types.Unsupported):
        reader.error(argument, meant.message, meant.remedy)
        return None
    call = _evaluated(info, interpreter) if info is not None else None
    given = call.keywords if call is not None else {}
    positional = default is None if info is None else _name(info, interpreter).endswith("Argument")
    flags = [one for one in (call.arguments if call is not None else []) if isinstance(one, str)]
    flag = next((one for one in flags if one.startswith("--")), "--" + argument.arg.replace("_", "-"))
    yes, slash, no = flag.partition("/")
    boolean = meant.type == "boolean"
    value = interpreter.evaluate(default, interpreter.globals) if default is not None else None
    return Parameter(
        name=argument.arg,
        flag=None if positional and not boolean else yes,
        type=meant.type,
        required=default is None and not boolean,
        default=plain(value) if known(value) else None,
        choices=meant.choices,
        min=given.get("min") if isinstance(given.get("min"), (int, float)) else None,
        max=given.get("max") if isinstance(given.get("max"), (int, float)) else None,
        multiple=many,
        nargs="*" if many and positional else None,
        help=str(given.get("help") or ""),
        unit=None,
        role=role_of(argument.arg, meant.type),
        position=reader.position(argument),
        negated_flag=(no if slash else f"--no-{yes[2:]}") if boolean else None,
    )


def _annotated(node: ast.expr | None, interpreter: Interpreter) -> tuple[ast.expr | None, ast.Call | None]:
    """`Annotated[type, typer.Option(...)]` taken apart."""
    if isinstance(node, ast.Subscript) and _last(node.value) == "Annotated" and isinstance(node.slice, ast.Tuple):
        infos = [one for one in node.slice.elts[1:] if isinstance(one, ast.Call)]
        return node.slice.elts[0], next((one for one in infos if _name(one, interpreter).startswith("typer.")), None)
    return node, None


def _meaning(
    node: ast.expr | None, interpreter: Interpreter, reader: ArgparseReader
) -> tuple[types.Meaning | types.Unsupported, bool]:
    """The type that an annotation means, and whether there are many of it."""
    _ = reader
    if node is None:
        return types.Meaning("string"), False
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):  # T | None
        sides = [one for one in (node.left, node.right) if not (isinstance(one, ast.Constant) and one.value is None)]
        return _meaning(sides[0], interpreter, reader)
    if isinstance(node, ast.Subscript):
        outer = _last(node.value)
        if outer == "Optional":
            return _meaning(node.slice, interpreter, reader)
        if outer in {"list", "List", "Sequence"}:
            return _meaning(node.slice, interpreter, reader)[0], True
        if outer == "Literal":
            values = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return types.Meaning("choice", [one.value for one in values if isinstance(one, ast.Constant)]), False
        return types.Meaning("string"), False
    value = interpreter.evaluate(node, interpreter.globals)
    if isinstance(value, Ref) and value.name == "bool":
        return types.Meaning("boolean"), False
    if isinstance(value, (Ref, Class)):
        return types.meaning(value, interpreter.enum_values), False
    return types.Meaning("string"), False


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
