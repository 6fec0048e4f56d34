"""`mlreef processor run`: one processor as a data pipeline of one step, followed until it ends."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from mlreef.cli import output, runs, session
from mlreef.kit.errors import Kind, PlatformError, invalid
from mlreef.sdk import MLReef

_KINDS = {"operation": "dataops", "visualization": "visualization", "algorithm": "experiment"}


def run(
    processor: Annotated[str, typer.Argument(help="group/project/name, @1.2.0 or a range after it; default: @latest.")],
    project: Annotated[str, typer.Argument(help="The data project (group/name) to run in.")],
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", help="PATH or BRANCH:PATH, or NAME=... where there are several; default: everything."),
    ] = None,
    values: Annotated[list[str] | None, typer.Option("--param", "-p", help="name=value; may be repeated.")] = None,
    machine: Annotated[str | None, typer.Option(help="A machine class; default: what the processor asks for.")] = None,
    wait: Annotated[bool, typer.Option(help="Follow the run until it ends.")] = True,
    as_json: output.AsJson = False,
) -> None:
    """Run one processor on a project's data and follow it; exit code 1 when it fails."""
    reef = session.connect()
    reef.project_id(project)
    started = reef.start_run(project, _definition(reef, processor, project, inputs or [], values or [], machine))
    output.note(f"{reef.url}/{started['project_path']}/-/runs/{started['id']}")
    finished = runs.follow(reef, started, quiet=as_json) if wait else started
    if as_json:
        output.document(finished)
    if wait and finished["status"] != "success":
        message = f"run {finished['id']} {finished['status']}: {finished.get('reason')}"
        raise PlatformError(Kind.INVALID, f"{message}; its log: mlreef run log {finished['id']} run")


def _definition(
    reef: MLReef, reference: str, project: str, inputs: list[str], values: list[str], machine: str | None
) -> dict[str, Any]:
    slug, _, number = reference.partition("@")
    found = reef.processor(slug)
    version = next((one for one in found["versions"] if one["version"] == number), found["latest"])
    if version is None:
        raise invalid(f"{slug} has only pre-releases; name one: {slug}@{found['versions'][0]['version']}")
    parameters = {one["name"]: one for one in version["parameters"]}
    names = [name for name, one in parameters.items() if one["role"] == "input"]
    given = _inputs(inputs, names)
    if any("branch" not in one for one in given.values()):
        branch = reef.forge.projects.get(project).default_branch or "main"
        given = {name: {"branch": branch, **one} for name, one in given.items()}
    step = {
        "name": "run",
        "processor": f"{slug}@{number or 'latest'}",
        "inputs": given,
        "parameters": dict(_value(one, parameters) for one in values),
        **({"machine": machine} if machine else {}),
    }
    return {"version": 1, "name": found["slug"].rpartition("/")[2], "kind": _KINDS[found["kind"]], "steps": [step]}


def _inputs(given: list[str], names: list[str]) -> dict[str, dict[str, str]]:
    """Inputs by name: what was given, and the whole project for the only input when nothing was."""
    if not given and len(names) == 1:
        given = ["/"]
    found: dict[str, dict[str, str]] = {}
    for one in given:
        name, equals, place = one.partition("=")
        if not equals or name not in names:
            if len(names) != 1:
                raise invalid(f"which input is {one!r}? write NAME=PATH with one of {', '.join(names) or 'none'}")
            name, place = names[0], one
        branch, colon, path = place.rpartition(":")
        found[name] = {**({"branch": branch} if colon else {}), "path": path.strip("/")}
    return found


def _value(given: str, parameters: dict[str, Any]) -> tuple[str, Any]:
    """A parameter as its type wants it; what cannot be read goes as text, and the server says what is wrong."""
    name, equals, text = given.partition("=")
    if not equals:
        raise invalid(f"{given!r} is no parameter: write name=value")
    if parameters.get(name, {}).get("type") in {"integer", "float", "boolean", "list", "dictionary"}:
        try:
            return name, json.loads(text)
        except ValueError:
            pass
    return name, text
