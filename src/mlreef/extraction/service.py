"""From a program's source to its parameters: bounded in size, steps and depth, whatever the source holds."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from mlreef.extraction import (
    absl_reader,
    argparse_reader,
    callables_reader,
    choosing,
    click_reader,
    declarations_reader,
    docopt_reader,
    foreign_reader,
    functions_reader,
    records_reader,
    source,
    system_reader,
    typer_reader,
)
from mlreef.extraction.declarations_reader import Declarations
from mlreef.extraction.evaluator import Exhausted
from mlreef.extraction.model import Extraction, Fault, Position
from mlreef.extraction.project import Project, Sources
from mlreef.extraction.session import Described, Session, Started
from mlreef.extraction.values import Module

MAX_BYTES = source.MAX_BYTES
READERS = (
    absl_reader,
    argparse_reader,
    callables_reader,
    click_reader,
    docopt_reader,
    foreign_reader,
    records_reader,
    typer_reader,
)
"""Imported for what they register."""

_NO_PARAMETERS = (
    "no parameters were found",
    "declare them with argparse in this file, parser.add_argument('--rate', type=float, default=0.1), "
    "or put the work into a typed function, def main(input_path: Path, rate: float = 0.1)",
)
_TOO_MUCH = ("the program does too much to be followed", "declare the parameters in one simple function")
_DECLARING = {"add_argument", "add_arguments", "ArgumentParser", "Fire", "parse_args"}


def extract(content: bytes, file: str, *, sources: Sources | None = None, subcommand: str | None = None) -> Extraction:
    """All parameters and all faults of a program; never raises for what the source holds.

    `sources` gives other files of the project by path; `subcommand` chooses one of several.
    """
    read = source.read(content, file)
    if isinstance(read, Fault):
        return Extraction(errors=[read])
    module = Module("__main__", file, read.lines)
    session = Session(Project(module, sources))
    tree = read.tree
    try:
        described, declarations = _followed(session, tree, module)
        _finish(session, tree, module, described, declarations, subcommand=subcommand)
    except (Exhausted, RecursionError):
        session.error(module, tree.body[0] if tree.body else tree, *_TOO_MUCH)
    except Exception as exc:  # noqa: BLE001 - a return at module level and its like; the source decides, not we
        message = f"the program cannot be followed ({type(exc).__name__})"
        session.error(module, tree.body[0] if tree.body else tree, message, "simplify the file")
    session.result.wanted = list(dict.fromkeys(session.project.wanted))
    return session.result


def _followed(session: Session, tree: ast.Module, module: Module) -> tuple[Described | None, Declarations]:
    ended = _step(session, lambda: session.interpreter.run(tree, module))
    described = _program(session, tree, module)
    if described is None and not ended:
        described = _entered(session, tree, module)
    declarations = declarations_reader.read(session, tree, module)
    if described is None and not session.result.errors:
        described = system_reader.arguments(session, tree, module)
    if described is None and not session.result.errors and session.foreign is None:
        described = functions_reader.find(session, tree, module, declarations.functions)
    if described is None and not ended and session.exhausted:
        raise Exhausted
    return declarations_reader.apply(session, declarations, described, module), declarations


def _step(session: Session, follow: Callable[[], None]) -> bool:
    """Follow something to where the program reads its command line; whether it got there."""
    try:
        follow()
    except Started:
        return True
    except (Exhausted, RecursionError):
        session.exhausted = True
        session.interpreter.recover()
    except Exception as exc:
        if type(exc).__name__ not in {"_Return", "_LoopEnd"}:
            raise
    return False


def _program(session: Session, tree: ast.Module, module: Module) -> Described | None:
    """The command line that the program reads, or else the fullest one that it prepares."""
    session.over = True
    if session.started is not None:
        return session.started.describe()
    found = [one for one in (program.describe() for program in session.programs) if one is not None]
    used = [one for one in found if one.parameters or one.subcommands or one.framework in {"click", "typer"}]
    if len(used) > 1 and used[0].framework in {"click", "typer"}:
        session.error(used[1].module, used[1].node, "a program with several commands cannot be one processor",
                      "put them into one group, or write one script per command")  # fmt: skip
    elif len(used) > 1:
        used.sort(key=lambda one: -len(one.parameters) - len(one.subcommands))
        session.warn(module, used[1].node if used[1].module is module else tree,
                     "the program has several parsers; the one with the most parameters is taken",
                     "keep one parser per script")  # fmt: skip
    return used[0] if used else None


def _entered(session: Session, tree: ast.Module, module: Module) -> Described | None:
    """Functions nobody called, for programs that are started in a way that cannot be followed."""
    for node in _declaring(tree):
        if node in session.interpreter.entered:
            continue
        session.over = False
        _step(session, lambda node=node: session.interpreter.enter(node, module))  # type: ignore[misc]
        found = _program(session, tree, module)
        if found is not None:
            return found
    return None


def _declaring(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names = {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
            names |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            if names & _DECLARING:
                yield node


def _finish(
    session: Session,
    tree: ast.Module,
    module: Module,
    described: Described | None,
    declarations: Declarations,
    *,
    subcommand: str | None,
) -> None:
    result = session.result
    result.declared = declarations.declared
    if described is None:
        place = session.position(module, tree.body[0]) if tree.body else Position(module.file, 1, 1)
        if session.foreign is not None:
            result.errors.append(session.foreign)
        elif not result.errors:
            result.errors.append(Fault(place, *_NO_PARAMETERS))
        result.description = _text(ast.get_docstring(tree))
        return
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.level:
            session.warn(module, statement, "a relative import fails where a file is started as a program",
                         "leave the dots out: modules are looked for beside the file that is started")  # fmt: skip
    choosing.choose(session, described, subcommand, decorators=declarations.modules)
    result.description = result.description or _text(ast.get_docstring(tree))


def _text(given: str | None) -> str:
    return (given or "").strip()[:2000]
