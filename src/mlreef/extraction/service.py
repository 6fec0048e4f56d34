"""From a program's source to its parameters: bounded in size, steps and depth, whatever the source holds."""

from __future__ import annotations

import ast
import warnings

from mlreef.extraction import commands
from mlreef.extraction.argparse_reader import ArgparseReader, Parser
from mlreef.extraction.interpreter import Exhausted, Interpreter
from mlreef.extraction.model import Extraction, Fault, Position

MAX_BYTES = 1 << 20
MAX_NODES = 150_000

_NO_PARAMETERS = (
    "no parameters were found",
    "declare them with argparse in this file: parser = argparse.ArgumentParser(); parser.add_argument('--rate', ...)",
)


def extract(content: bytes, file: str) -> Extraction:
    """All parameters and all faults of a program; never raises for what the source holds."""
    text, fault = _decoded(content, file)
    if fault is not None:
        return Extraction(errors=[fault])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes are the author's affair
            tree = ast.parse(text, filename=file)
    except SyntaxError as exc:
        place = Position(file, exc.lineno or 1, max(1, exc.offset or 1))
        return Extraction(errors=[Fault(place, f"syntax error: {exc.msg}", "correct it: Python cannot read the file")])
    except (ValueError, RecursionError, MemoryError):
        return _hopeless(file, "the source is nested too deeply or holds characters that Python cannot read")
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        return _hopeless(file, "the source is too large to be read")
    return _read(tree, file, text)


def _decoded(content: bytes, file: str) -> tuple[str, Fault | None]:
    start = Position(file, 1, 1)
    if len(content) > MAX_BYTES:
        return "", Fault(start, f"the file is larger than {MAX_BYTES >> 20} MiB", "move data out of the source")
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError as exc:
        before = content[: exc.start]
        line = before.count(b"\n") + 1
        column = exc.start - (before.rfind(b"\n") + 1) + 1
        return "", Fault(Position(file, line, column), "the file is not UTF-8 text", "save it with encoding UTF-8")


def _hopeless(file: str, message: str) -> Extraction:
    fault = Fault(Position(file, 1, 1), message, "publish a smaller script that calls the rest")
    return Extraction(errors=[fault])


def _read(tree: ast.Module, file: str, text: str) -> Extraction:
    reader = ArgparseReader(file, text.splitlines())
    interpreter = Interpreter(reader)
    reader.enum_values = interpreter.enum_values
    try:
        interpreter.run(tree)
        if not any(parser.parameters for parser in reader.parsers):
            _enter_remaining(tree, interpreter, reader)
        if not any(parser.parameters for parser in reader.parsers):
            commands.read(tree, interpreter, reader)
    except (Exhausted, RecursionError):
        reader.error(tree.body[0] if tree.body else tree, "the program does too much to be followed",
                     "declare the parameters in one simple function")  # fmt: skip
    except Exception as exc:  # noqa: BLE001 - a return at module level and its like; the source decides, not we
        reader.error(tree, f"the program cannot be followed ({type(exc).__name__})", "simplify the file")
    return _result(tree, reader)


def _enter_remaining(tree: ast.Module, interpreter: Interpreter, reader: ArgparseReader) -> None:
    """Functions nobody called, for programs that are started in a way that cannot be followed."""
    for node in ast.walk(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or node in interpreter.entered:
            continue
        if any(isinstance(one, ast.Attribute) and one.attr == "add_argument" for one in ast.walk(node)):
            interpreter.enter(node)
            if any(parser.parameters for parser in reader.parsers):
                return


def _result(tree: ast.Module, reader: ArgparseReader) -> Extraction:
    result = reader.result
    used = [parser for parser in reader.parsers if parser.parameters]
    if len(used) > 1:
        used.sort(key=lambda parser: -len(parser.parameters))
        reader.warn(tree, "the program has several parsers; the one with the most parameters is taken",
                    "keep one parser per script")  # fmt: skip
    chosen = used[0] if used else Parser()
    result.parameters = chosen.parameters
    result.description = (chosen.description or ast.get_docstring(tree) or "").strip()[:2000]
    if not used and not result.errors and not commands.is_command(reader):
        place = reader.position(tree.body[0]) if tree.body else Position(reader.file, 1, 1)
        result.errors.append(Fault(place, *_NO_PARAMETERS))
    return result
