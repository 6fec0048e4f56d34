"""`mlreef processor`: find processors, look at what publishing would find, publish, try out."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mlreef.cli import output, session, versions
from mlreef.cli.local.command import run_local
from mlreef.cli.processor_files import check, init, schema
from mlreef.cli.processor_publish import publish
from mlreef.cli.processor_run import run
from mlreef.kit.errors import Kind, PlatformError

app = typer.Typer(help="Published processors.", no_args_is_help=True)


@app.command("list")
def list_processors(
    search: Annotated[str | None, typer.Option(help="Words in name, title, description or parameters.")] = None,
    kind: Annotated[str | None, typer.Option(help="operation, visualization or algorithm.")] = None,
    sort: Annotated[str, typer.Option(help="recent, name, usage or stars.")] = "recent",
    as_json: output.AsJson = False,
) -> None:
    """Search the marketplace."""
    found = session.connect().processors(search=search, kind=kind, sort=sort)
    output.show(found, as_json, ("slug", "kind", "title", "environment", "latest.version", "usage_count"))


@app.command()
def show(processor: Annotated[str, typer.Argument(help="Slug or id.")], as_json: output.AsJson = False) -> None:
    """Show a processor, its versions and the parameters of the latest."""
    found = _find(processor)
    if as_json:
        output.document(found)
        return
    output.fields({name: found.get(name) for name in ("slug", "kind", "title", "description", "environment")})
    latest = found.get("latest") or {}
    output.table(
        ("parameter", "type", "required", "default", "help"),
        [[p["name"], p["type"], p["required"], p["default"], p["help"]] for p in latest.get("parameters", [])],
    )
    listed = found.get("versions", [])
    output.table(("version", "image", "published"), [[v["version"], v["digest"], v["published_at"]] for v in listed])


@app.command()
def inspect(
    project: str,
    entry: Annotated[str, typer.Argument(help="The script, e.g. train.py.")],
    ref: Annotated[str, typer.Option(help="Branch, tag or commit.")] = "main",
    as_json: output.AsJson = False,
) -> None:
    """Show the parameters that publishing a script would find, or what is wrong with it."""
    found = session.connect().inspect(project, ref, entry)
    if as_json:
        output.document(found)
        return
    for fault in found["errors"]:
        output.error(f"{fault['file']}:{fault['line']}:{fault['column']}: {fault['message']} - {fault['remedy']}")
    rows = [[p["name"], p["type"], p["role"], p["required"], p["default"], p["help"]] for p in found["parameters"]]
    output.table(("parameter", "type", "role", "required", "default", "help"), rows)
    if found["errors"]:
        raise typer.Exit(1)


app.command()(publish)
app.command()(run)
app.command()(init)
app.command()(check)
app.command()(schema)
app.command("run-local")(run_local)
versions.register(app)


def _find(processor: str) -> dict[str, Any]:
    reef = session.connect()
    if "/" not in processor:
        return reef.processor(processor)
    for found in reef.processors(search=processor.rsplit("/", 1)[-1]):
        if found["slug"] == processor:
            return reef.processor(found["id"])
    raise PlatformError(Kind.NOT_FOUND, f"no processor {processor!r} that you can see")
