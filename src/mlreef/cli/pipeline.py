"""`mlreef pipeline`: data pipelines as files (`*.mlreef.yaml`): check, save, run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from mlreef.cli import output, runs, session
from mlreef.kit.errors import PlatformError, invalid

app = typer.Typer(help="Data pipelines.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A *.mlreef.yaml or JSON file.")]


def read(path: Path) -> dict[str, Any]:
    """The definition in a file."""
    text = path.read_text(encoding="utf-8")
    try:
        loaded = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as exc:
        raise invalid(f"{path}: {exc}") from exc
    if not isinstance(loaded, dict):
        raise invalid(f"{path}: a mapping with version, name, kind and steps is needed")
    return loaded


@app.command("list")
def list_pipelines(project: str, as_json: output.AsJson = False) -> None:
    """List saved data pipelines of a project."""
    output.show(session.connect().pipelines(project), as_json, ("id", "name", "kind", "created_at"))


@app.command()
def check(project: str, file: File, as_json: output.AsJson = False) -> None:
    """Check a data pipeline: all faults at once, or the plan with what comes from the cache."""
    answer = session.connect().validate(project, read(file))
    if as_json:
        output.document(answer)
    else:
        for fault in answer["errors"]:
            output.error(f"{fault['field']}: {fault['message']}")
        plan = answer.get("plan") or []
        output.table(("step", "cached", "why"), [[p["step"], p["cached"], p.get("cache_reason")] for p in plan])
    if not answer["valid"]:
        raise typer.Exit(1)


@app.command()
def save(project: str, file: File, as_json: output.AsJson = False) -> None:
    """Keep a data pipeline in the project."""
    made = session.connect().save_pipeline(project, read(file))
    if as_json:
        output.document(made)
    else:
        output.fields({"id": made["id"], "name": made.get("name")})


@app.command()
def run(
    project: str,
    file: File,
    wait: Annotated[bool, typer.Option(help="Follow the run until it ends.")] = True,
    as_json: output.AsJson = False,
) -> None:
    """Run a data pipeline and follow it; exit code 1 when it fails."""
    reef = session.connect()
    started = reef.start_run(project, read(file))
    finished = runs.follow(reef, started, quiet=as_json) if wait else started
    if as_json:
        output.document(finished)
    if wait and finished["status"] != "success":
        raise PlatformError(invalid("").kind, f"run {finished['id']} {finished['status']}: {finished.get('reason')}")
