"""All commands in one place, and the one place where errors become messages and exit codes.

Command modules are imported here only by name and typer loads them when used, so that `mlreef --help` stays quick.
"""

from __future__ import annotations

import sys

import gitlab
import typer

from mlreef import __version__
from mlreef.cli import environment, experiment, login, output, pipeline, processor, project, runner, runs, server
from mlreef.kit.errors import PlatformError

app = typer.Typer(
    name="mlreef",
    help="MLReef: data and code as git repositories, published processors, reproducible pipelines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mlreef {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """MLReef from the terminal."""


app.command("up")(server.up)
app.command("demo")(server.demo)
app.add_typer(server.serve, name="serve")
app.command("runner")(runner.runner)
app.command("login")(login.login)
app.add_typer(project.app, name="project")
app.add_typer(environment.app, name="environment")
app.add_typer(processor.app, name="processor")
app.add_typer(pipeline.app, name="pipeline")
app.add_typer(runs.app, name="run")
app.add_typer(experiment.app, name="experiment")


def run() -> None:
    """Run a command; a failure is one clear message on standard error and exit code 1."""
    try:
        app()
    except PlatformError as exc:
        output.error(str(exc))
        sys.exit(1)
    except gitlab.GitlabError as exc:
        output.error(f"the server refused: {exc.error_message} (HTTP {exc.response_code})")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
