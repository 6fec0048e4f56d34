"""`mlreef project`: data and code projects, which are the forge's."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mlreef.cli import output, session

app = typer.Typer(help="Data and code projects.", no_args_is_help=True)
_COLUMNS = ("id", "path_with_namespace", "visibility", "star_count", "last_activity_at")


@app.command("list")
def list_projects(
    search: Annotated[str | None, typer.Option(help="Part of the name.")] = None,
    mine: Annotated[bool, typer.Option(help="Only projects that you are a member of.")] = False,
    starred: Annotated[bool, typer.Option(help="Only projects that you starred.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """List projects that you can see."""
    filters: dict[str, Any] = {"search": search} if search else {}
    reef = session.connect()
    listed = reef.forge.projects.list(membership=mine, starred=starred, iterator=True, **filters)
    output.show((item.attributes for item in listed), as_json, _COLUMNS)


@app.command()
def create(
    path: Annotated[str, typer.Argument(help="group/name, or name for your own namespace.")],
    visibility: Annotated[str, typer.Option(help="private, internal or public.")] = "private",
    description: Annotated[str, typer.Option()] = "",
    topics: Annotated[str, typer.Option(help="Comma-separated, e.g. data-project,images.")] = "",
    as_json: output.AsJson = False,
) -> None:
    """Make a project with a README."""
    reef = session.connect()
    namespace, _, name = path.rpartition("/")
    fields: dict[str, Any] = {"name": name, "path": name, "visibility": visibility, "description": description}
    fields["topics"] = [topic.strip() for topic in topics.split(",") if topic.strip()]
    if namespace:
        fields["namespace_id"] = reef.forge.groups.get(namespace).id
    made = reef.forge.projects.create({**fields, "initialize_with_readme": True}).attributes
    if as_json:
        output.document(made)
    else:
        output.fields({"id": made["id"], "web": made["web_url"], "clone": made["http_url_to_repo"]})


@app.command()
def show(project: str, as_json: output.AsJson = False) -> None:
    """Show one project."""
    found = session.connect().forge.projects.get(project).attributes
    if as_json:
        output.document(found)
    else:
        names = ("id", "path_with_namespace", "visibility", "description", "default_branch", "http_url_to_repo")
        output.fields({name: found.get(name) for name in names})


@app.command()
def star(project: str) -> None:
    """Star a project."""
    session.connect().forge.projects.get(project).star()


@app.command()
def fork(project: str, namespace: Annotated[str | None, typer.Option(help="Where to.")] = None) -> None:
    """Fork a project into your own or another namespace."""
    target = {"namespace_path": namespace} if namespace else {}
    made = session.connect().forge.projects.get(project).forks.create(target)
    output.note(f"forked to {made.attributes['path_with_namespace']}")


@app.command()
def delete(project: str, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a project with everything in it."""
    if not yes:
        typer.confirm(f"Delete {project} with all its data?", abort=True)
    session.connect().forge.projects.get(project).delete()
