"""`mlreef run`: what runs, what ran, and following it live."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mlreef.cli import output, session
from mlreef.kit.errors import Kind, PlatformError
from mlreef.sdk import MLReef

app = typer.Typer(help="Runs of data pipelines.", no_args_is_help=True)

_ENDED = {"success", "failed", "skipped", "canceled", "cached"}


def follow(reef: MLReef, run: dict[str, Any], *, quiet: bool = False) -> dict[str, Any]:
    """Show a run's steps until it ends; returns the ended run."""
    if quiet:
        return reef.wait_run(run["id"])
    states: dict[str, str] = {}
    with output.progress() as progress:
        task = progress.add_task(run.get("name") or run["id"], total=len(run.get("steps") or []))
        for event in reef.watch(run["id"]):
            if event.name == "run":
                states.update({step["name"]: step["status"] for step in event.data.get("steps") or []})
            elif event.name == "step":
                states[event.data["name"]] = event.data["status"]
            active = ", ".join(f"{name} {state}" for name, state in states.items() if state == "running")
            done = sum(state in _ENDED for state in states.values())
            progress.update(task, completed=done, total=len(states) or None, description=active or run.get("name"))
    finished = reef.run(run["id"])
    _print(finished)
    return finished


@app.command("list")
def list_runs(
    project: str,
    kind: Annotated[str | None, typer.Option(help="dataops, visualization or experiment.")] = None,
    status: Annotated[str | None, typer.Option()] = None,
    as_json: output.AsJson = False,
) -> None:
    """List runs of a project, newest first."""
    found = session.connect().runs(project, kind=kind, status=status)
    output.show(found, as_json, ("id", "number", "name", "kind", "status", "created_at", "reason"))


@app.command()
def show(run: str, as_json: output.AsJson = False) -> None:
    """Show a run and its steps."""
    found = session.connect().run(run)
    if as_json:
        output.document(found)
    else:
        _print(found)


@app.command()
def watch(run: str, as_json: output.AsJson = False) -> None:
    """Follow a run until it ends; exit code 1 when it fails."""
    reef = session.connect()
    finished = follow(reef, reef.run(run), quiet=as_json)
    if as_json:
        output.document(finished)
    if finished["status"] != "success":
        raise PlatformError(Kind.INVALID, f"run {run} {finished['status']}: {finished.get('reason')}")


@app.command()
def log(run: str, step: str) -> None:
    """Print the log of a step."""
    typer.echo(session.connect().log(run, step), nl=False)


@app.command()
def outputs(run: str, step: str, output_name: str = "output", as_json: output.AsJson = False) -> None:
    """List the files that a step made."""
    output.show(session.connect().outputs(run, step, output_name), as_json, ("path", "size", "oid"))


@app.command()
def cancel(run: str) -> None:
    """Stop a run."""
    session.connect().cancel(run)


@app.command()
def rerun(run: str, as_json: output.AsJson = False) -> None:
    """Run the same snapshot again; unchanged steps come from the cache."""
    reef = session.connect()
    finished = follow(reef, reef.rerun(run), quiet=as_json)
    if as_json:
        output.document(finished)


def _print(run: dict[str, Any]) -> None:
    output.fields({"run": run["id"], "status": run["status"], "reason": run.get("reason")})
    rows = [
        [s["name"], s["status"], s.get("exit_code"), s.get("duration_s"), s.get("message") or s.get("reason")]
        for s in run.get("steps") or []
    ]
    output.table(("step", "status", "exit", "seconds", "message"), rows)
