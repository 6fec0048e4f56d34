"""`mlreef processor`: find processors, look at what publishing would find, publish."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mlreef.cli import output, session
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
    versions = found.get("versions", [])
    output.table(("version", "image", "published"), [[v["version"], v["digest"], v["published_at"]] for v in versions])


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


@app.command()
def publish(
    project: str,
    entry: Annotated[str, typer.Argument(help="The script, e.g. train.py.")],
    ref: Annotated[str, typer.Option(help="Branch, tag or commit.")] = "main",
    name: Annotated[str | None, typer.Option(help="Default: what the script or processor.yaml says.")] = None,
    kind: Annotated[str | None, typer.Option(help="operation, visualization or algorithm.")] = None,
    environment: Annotated[str | None, typer.Option(help="See `mlreef environment list`.")] = None,
    version: Annotated[str | None, typer.Option(help="Default: the next patch version.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Publish a script as an immutable, versioned processor and wait for its image."""
    reef = session.connect()
    suggested: dict[str, Any] = reef.inspect(project, ref, entry).get("suggested") or {}
    wanted = {"name": name, "kind": kind, "environment": environment, "version": version}
    fields = {**suggested, **{key: value for key, value in wanted.items() if value is not None}}
    fields = {key: value for key, value in fields.items() if value is not None}
    started = reef.publish(project, ref=ref, entry=entry, **fields)
    with output.err.status(f"building {started.get('name') or fields.get('name')}"):
        done = reef.wait_publication(started["id"])
    if as_json:
        output.document(done)
    if done["status"] != "succeeded":
        raise PlatformError(Kind.INVALID, f"publication failed: {done.get('reason')}")
    if not as_json:
        output.fields({"processor": (done.get("processor") or {}).get("slug"), "version": done.get("version")})


def _find(processor: str) -> dict[str, Any]:
    reef = session.connect()
    if "/" not in processor:
        return reef.processor(processor)
    for found in reef.processors(search=processor.rsplit("/", 1)[-1]):
        if found["slug"] == processor:
            return reef.processor(found["id"])
    raise PlatformError(Kind.NOT_FOUND, f"no processor {processor!r} that you can see")
