"""All commands in one place, and the one place where errors become messages and exit codes.

Only the module of the command that is asked for is imported: `mlreef up` needs no client, and no command another.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from typing import Any

import typer

from mlreef import __version__
from mlreef.kit.errors import PlatformError

_COMMANDS = {"up": "server:up", "demo": "server:demo", "runner": "runner:runner", "login": "login:login"}
_GROUPS = {
    "serve": "server:serve",
    "project": "project:app",
    "environment": "environment:app",
    "processor": "processor:app",
    "pipeline": "pipeline:app",
    "run": "runs:app",
    "experiment": "experiment:app",
    "registry": "registry:app",
}


def application(names: Iterable[str] | None = None) -> typer.Typer:
    """The program with all commands, or with some of them by name."""
    made = typer.Typer(
        name="mlreef",
        help="MLReef: data and code as git repositories, published processors, reproducible pipelines.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    made.callback()(options)
    wanted = frozenset(names) if names is not None else _COMMANDS.keys() | _GROUPS.keys()
    for name, place in _COMMANDS.items():
        if name in wanted:
            made.command(name)(_load(place))
    for name, place in _GROUPS.items():
        if name in wanted:
            made.add_typer(_load(place), name=name)
    return made


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(f"mlreef.cli.{module}"), name)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mlreef {__version__}")
        raise typer.Exit


def options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """MLReef from the terminal."""


def run() -> None:
    """Run a command; a failure is one clear message on standard error and exit code 1."""
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    program = application({first} if first in _COMMANDS or first in _GROUPS else None)
    try:
        program()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as exc:
        message = _message(exc)
        if message is None:
            raise
        from mlreef.cli import output

        output.error(message)
        sys.exit(1)


def _message(exc: Exception) -> str | None:
    """What a failure means to the person at the terminal; None for what nobody foresaw."""
    if isinstance(exc, PlatformError):
        return str(exc)
    gitlab = sys.modules.get("gitlab")
    if gitlab is not None and isinstance(exc, gitlab.GitlabError):
        return f"the server refused: {exc.error_message} (HTTP {exc.response_code})"
    return None
