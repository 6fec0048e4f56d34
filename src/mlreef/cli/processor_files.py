"""`mlreef processor init`, `check` and `schema`: the files of a processor, without any server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mlreef.cli import output, session
from mlreef.cli.local import files
from mlreef.extraction import manifest as manifests
from mlreef.extraction import study as studies
from mlreef.extraction.manifest import starter
from mlreef.extraction.model import Parameter
from mlreef.extraction.study import Study
from mlreef.kit.errors import PlatformError, conflict, invalid

_INTERPRETERS = {".sh": "sh", ".R": "Rscript", ".r": "Rscript", ".jl": "julia", ".js": "node", ".pl": "perl"}


def init(
    path: Annotated[Path, typer.Argument(help="The program, or its folder.")] = Path(),
    as_json: output.AsJson = False,
) -> None:
    """Write a commented processor.yaml for a program, from what its source says."""
    program = _program(path)
    place = program.parent / manifests.FILE
    if place.exists() or place.is_symlink():
        raise conflict(f"{place} exists already; edit it, and look at it with `mlreef processor check {path}`")
    target = files.find(program)
    text, found = _first(target)
    with place.open("x", encoding="utf-8") as file:
        file.write(text)
    if as_json:
        output.document({"file": str(place), "errors": [one.to_json() for one in found.errors] if found else []})
        return
    output.note(f"wrote {place}; next: edit it, then `mlreef processor check {place.parent}`")
    for fault in found.errors if found else []:
        output.note(files.message(target, fault))


def _program(path: Path) -> Path:
    if not path.is_dir():
        if not path.is_file():
            raise invalid(f"{path} is not there")
        return path
    if (path / manifests.FILE).exists():
        raise conflict(f"{path / manifests.FILE} exists already; look at it with `mlreef processor check {path}`")
    found = files.programs(path)
    if len(found) > 1:
        working = [one for one in found if not files.study(files.find(one)).errors]
        found = working if len(working) == 1 else found
    if not found:
        found = sorted(one for one in path.iterdir() if one.suffix in _INTERPRETERS)
    if len(found) != 1:
        names = ", ".join(one.name for one in found[:10]) or "it holds no program"
        raise invalid(f"which program of {path} is it? {names}; name one: mlreef processor init FILE")
    return found[0]


def _first(target: files.Target) -> tuple[str, Study | None]:
    url = _schema_url()
    if target.entry.endswith(".py"):
        found = files.study(target)
        program: dict[str, Any] = {"entry": target.file.name}
        names = [one.name for one in found.extraction.subcommands]
        if names and found.extraction.subcommand is None:
            output.note(f"the program has several subcommands ({', '.join(names)}); {names[0]} is taken: change it")
            found = files.study(target, names[0])
        if found.extraction.subcommand is not None:
            program["subcommand"] = found.extraction.subcommand
        parameters = found.extraction.parameters
        text = starter.write(program=program, suggested=found.suggested, parameters=parameters, schema_url=url)
        return text, found
    interpreter = _INTERPRETERS.get(target.file.suffix)
    command = [*([interpreter] if interpreter else []), f"{studies.CODE}{target.entry}"]
    suggested = {
        "name": _named(target.file.stem),
        "kind": "operation",
        "title": target.file.stem.replace("_", " ").replace("-", " ").capitalize(),
        "environment": "python-3.11",
    }
    return starter.write(program={"command": command}, suggested=suggested, parameters=[], schema_url=url), None


def _named(stem: str) -> str:
    letters = "".join(char if char.isascii() and char.isalnum() else "-" for char in stem.lower()).strip("-")
    return letters[:63].strip("-") or "processor"


def _schema_url() -> str | None:
    """The schema at the server that the user is logged in to."""
    try:
        return f"{session.load().url}/api/v1/schemas/processor.json"
    except PlatformError:
        return None


def check(
    path: Annotated[Path, typer.Argument(help="The program, its processor.yaml, or the folder of either.")] = Path(),
    strict: Annotated[bool, typer.Option("--strict", help="Fail on warnings, too.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Show what publishing would find, without any server: parameters, warnings, and errors with their place."""
    target = files.find(path)
    found = files.study(target)
    failed = bool(found.errors) or (strict and bool(found.warnings))
    if as_json:
        output.document(document(target, found) | {"valid": not failed})
    else:
        show(target, found)
    if failed:
        raise typer.Exit(1)


def document(target: files.Target, found: Study) -> dict[str, Any]:
    """The findings for programs."""
    return {
        "root": str(target.root),
        "entry": found.entry,
        "command": found.command,
        "parameters": [one.to_json() for one in found.extraction.parameters],
        "errors": [one.to_json() for one in found.errors],
        "warnings": [one.to_json() for one in found.warnings],
        "requirements": found.requirements,
        "manifest": found.manifest.values,
        "suggested": found.suggested,
    }


def show(target: files.Target, found: Study) -> None:
    """The findings for people: what it is, its parameters, then warnings and errors, one per line."""
    told = found.suggested
    output.fields(
        {
            "processor": f"{told['name']} ({told['kind']})",
            "title": told["title"],
            "command": " ".join(one if len(one) <= 200 else "..." for one in found.command) or None,
            "environment": told["environment"],
            "requirements": found.requirements or found.manifest.values.get("requirements"),
            "network": told["network"],
        }
    )
    output.table(
        ("parameter", "flag", "type", "role", "required", "default", "allowed", "help"),
        [
            [one.name, one.flag, one.type, one.role, one.required, one.default, _allowed(one), one.help]
            for one in found.extraction.parameters
        ],
    )
    for fault in found.warnings:
        output.note(f"warning: {files.message(target, fault)}")
    for fault in found.errors:
        output.note(files.message(target, fault))
    output.note(f"{len(found.errors)} errors, {len(found.warnings)} warnings")


def _allowed(one: Parameter) -> str | None:
    if one.choices:
        return ", ".join(map(str, one.choices))
    if one.min is None and one.max is None:
        return one.unit
    bounds = f"{'' if one.min is None else format(one.min, 'g')}..{'' if one.max is None else format(one.max, 'g')}"
    return f"{bounds} {one.unit or ''}".strip()


def schema() -> None:
    """Print the JSON schema of processor.yaml, for editors that are not given a server's address."""
    sys.stdout.write(json.dumps(manifests.schema(), indent=2) + "\n")
