"""Writes docs/cli.md and docs/settings.md from the code; `--check` fails when they are not what it would write."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from typer.main import get_command

from mlreef.cli.app import application

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("forge", "management", "registry", "runner", "gateway")
PLACES = {"gateway": "mlreef.compose.gateway"}


def cli() -> str:
    """Every command with its options."""
    lines = [
        "# Command line",
        "",
        "Written by `scripts/docs.py` from the commands themselves. Every command has `--help`; those that print",
        "something have `--json`. Credentials come from `mlreef login`, or from `MLREEF_URL` and `MLREEF_TOKEN`.",
    ]
    for path, command in walk(get_command(application()), ("mlreef",)):
        lines += ["", f"## `{' '.join(path)}`", "", str(command.help or "").strip(), ""]
        rows = [row for parameter in command.params if (row := option(parameter)) is not None]
        if rows:
            lines += ["| option | meaning | default |", "|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        yield from walk(child, (*path, name))


def option(parameter: click.Parameter) -> str | None:
    names = (
        [f"`{name}`" for name in parameter.opts] if parameter.param_type_name == "option" else [f"`{parameter.name}`"]
    )
    if names == ["`--help`"]:
        return None
    meaning = (getattr(parameter, "help", None) or ("required" if parameter.required else "")).replace("|", "\\|")
    default = parameter.default
    shown = "" if default in (None, False, ...) or callable(default) else f"`{default}`"
    return f"| {', '.join(names)} | {meaning} | {shown} |"


def settings() -> str:
    """Every setting of every service with its documentation string."""
    lines = [
        "# Settings",
        "",
        "Written by `scripts/docs.py` from the settings classes. Each service reads variables of its own prefix;",
        "`mlreef up` sets them itself from `--data-dir`, `--port` and the like.",
    ]
    for service in SERVICES:
        kind = importlib.import_module(PLACES.get(service, f"mlreef.{service}")).Settings
        prefix, documented = kind.model_config["env_prefix"], docstrings(kind)
        lines += ["", f"## {service.capitalize()}", "", "| variable | meaning | default |", "|---|---|---|"]
        for name, field in kind.model_fields.items():
            default = "required" if field.is_required() else f"`{shown(field.get_default(call_default_factory=True))}`"
            meaning = " ".join(documented.get(name, field.description or "").split()).replace("|", "\\|")
            lines.append(f"| `{prefix}{name.upper()}` | {meaning} | {default} |")
    return "\n".join(lines) + "\n"


def shown(value: Any) -> str:
    text = str(value)
    return f"{text[:57]}..." if len(text) > 60 else text


def docstrings(kind: type) -> dict[str, str]:
    """The strings that stand under the fields of a class."""
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, following in zip(body.body, body.body[1:], strict=False):
        named = isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if named and isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            found[field.target.id] = str(following.value.value)
    return found


def main(arguments: list[str]) -> int:
    stale = []
    for name, text in {"docs/cli.md": cli(), "docs/settings.md": settings()}.items():
        path = ROOT / name
        if path.is_file() and path.read_text() == text:
            continue
        if "--check" in arguments:
            stale.append(name)
        else:
            path.write_text(text)
    if stale:
        print(f"{', '.join(stale)}: run `.venv/bin/python scripts/docs.py` and commit the result")
    return len(stale)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
