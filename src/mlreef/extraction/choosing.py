"""One processor is one subcommand: which one, what belongs to it, and how the program is started for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mlreef.extraction.model import Parameter, Subcommand
from mlreef.extraction.session import Described, Session

CODE = "/mlreef/code/"
_MAX_SUBCOMMANDS = 200

Leaf = tuple[str, list[Described]]


def choose(session: Session, described: Described, wanted: str | None, *, decorators: list[str]) -> None:
    """Fill the result with the chosen command line."""
    result = session.result
    result.framework = described.framework
    leaves = list(_leaves(described, []))[:_MAX_SUBCOMMANDS]
    for name, path in leaves:
        if name:
            result.subcommands.append(Subcommand(name, path[-1].help[:500], _parameters(path)))
    chosen = next(((name, path) for name, path in leaves if name == wanted), None) if wanted is not None else None
    if chosen is None and len(leaves) == 1 and wanted is None:
        chosen = leaves[0]
    if chosen is None:
        _refuse(session, described, [name for name, _ in leaves], wanted)
        return
    name, path = chosen
    result.parameters = _parameters(path)
    result.subcommand = name or None
    result.description = (path[-1].description or described.description).strip()[:2000]
    how: dict[str, Any] = dict(described.shim or {})
    if decorators:
        how["decorators"] = decorators
    if name:
        _subcommand(session, path, how)
    _command(session, how)


def _leaves(described: Described, before: list[Described]) -> Iterator[Leaf]:
    path = [*before, described]
    if not described.subcommands:
        yield " ".join(one.name for one in path[1:]), path
    for child in described.subcommands if len(path) < 8 else ():
        yield from _leaves(child, path)


def _parameters(path: list[Described]) -> list[Parameter]:
    """Those of the program and of its subcommand; where both have one, the subcommand's counts."""
    found: dict[str, Parameter] = {}
    for level in path:
        for one in level.parameters:
            found[one.name] = one
    return list(found.values())


def _refuse(session: Session, described: Described, names: list[str], wanted: str | None) -> None:
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    if wanted is not None and not names[0]:
        message, remedy = "the program has no subcommands", "leave `subcommand` out"
    elif wanted is not None:
        message, remedy = f"the program has no subcommand {wanted[:60]!r}", f"choose one of: {shown}"
    else:
        message = f"the program has several subcommands, and a processor is one of them: {shown}"
        remedy = f"choose one, such as `subcommand: {names[0]}` in processor.yaml"
    session.error(described.module, described.node, message, remedy)


def _subcommand(session: Session, path: list[Described], how: dict[str, Any]) -> None:
    words = [one.name for one in path[1:]]
    outer = [one for level in path[:-1] for one in level.parameters]
    own = {one.name for one in path[-1].parameters}
    how["subcommand"] = words
    if path[0].order == "anywhere":
        return
    before: dict[str, int] = {}
    for one in outer:
        if one.name in own:
            continue
        if one.flag is None and one.negated_flag is None:
            session.error(path[0].module, path[0].node, f"{one.name} stands before the subcommand and has no flag",
                          "make it an option, such as --" + one.name.replace("_", "-"))  # fmt: skip
        for flag in (one.flag, one.negated_flag):
            if flag is not None:
                before[flag] = _count(one)
    if before and len(words) > 1:
        session.warn(path[0].module, path[0].node, "options of outer commands are all given before the first of them",
                     "declare them at the program itself, or at the last subcommand")  # fmt: skip
    how["before"] = before


def _count(parameter: Parameter) -> int:
    if parameter.type == "boolean" and parameter.nargs is None:
        return 0
    if parameter.multiple and parameter.nargs in {"*", "+"}:
        return -1
    return parameter.nargs if isinstance(parameter.nargs, int) else 1


def _command(session: Session, how: dict[str, Any]) -> None:
    entry = CODE + session.project.entry.file
    if not how:
        return
    if set(how) <= {"subcommand", "before"} and not how.get("before"):
        session.result.command = ["python3", entry, *how["subcommand"]]
        return
    session.result.command = ["python3", "-c", shim(), entry, json.dumps(how, sort_keys=True)]


def shim() -> str:
    """The text of the function shim."""
    from importlib import resources

    return resources.files(__package__ or "mlreef.extraction").joinpath("function_shim.py").read_text(encoding="utf-8")
