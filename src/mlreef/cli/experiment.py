"""`mlreef experiment`: list, look, compare."""

from __future__ import annotations

from typing import Annotated

import typer

from mlreef.cli import output, session

app = typer.Typer(help="Experiments.", no_args_is_help=True)


@app.command("list")
def list_experiments(
    project: str,
    sort: Annotated[
        str | None, typer.Option(help="e.g. metric:accuracy or param:epochs; '-' before it reverses.")
    ] = None,
    as_json: output.AsJson = False,
) -> None:
    """List experiments of a project."""
    found = list(session.connect().experiments(project, sort=sort))
    if as_json:
        output.document(found)
        return
    keys = sorted({key for item in found for key in item.get("metrics", {})})[:6]
    rows = [
        [e["id"], e["name"], e["status"], e.get("duration_s"), *(output.pick(e, f"metrics.{k}.last") for k in keys)]
        for e in found
    ]
    output.table(("id", "name", "status", "seconds", *keys), rows)


@app.command()
def show(experiment: str, as_json: output.AsJson = False) -> None:
    """Show an experiment: parameters, metrics, model."""
    found = session.connect().experiment(experiment)
    if as_json:
        output.document(found)
        return
    output.fields({name: found.get(name) for name in ("id", "name", "status", "run_id", "duration_s")})
    output.table(("parameter", "value"), list(found.get("parameters", {}).items()))
    metrics = found.get("metrics", {})
    output.table(
        ("metric", "last", "min", "max", "points"),
        [[key, m.get("last"), m.get("min"), m.get("max"), m.get("count")] for key, m in metrics.items()],
    )


@app.command()
def compare(experiments: list[str], as_json: output.AsJson = False) -> None:
    """Compare experiments side by side."""
    found = session.connect().compare(experiments)
    if as_json:
        output.document(found)
        return
    names = [item["name"] for item in found["experiments"]]
    output.table(
        ("parameter", *names, "differs"), [[p["name"], *p["values"], p["differs"]] for p in found["parameters"]]
    )
    output.table(("metric", *names), [[m["name"], *m["values"]] for m in found["metrics"]])
