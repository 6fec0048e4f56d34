"""`mlreef processor` for finding processors and for how versions stand: search, facets, deprecate, unpublish..."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from mlreef.cli import output, session
from mlreef.kit.errors import Kind, PlatformError, invalid
from mlreef.sdk import MLReef

Many = list[str] | None
Reference = Annotated[str, typer.Argument(help="A version: group/project/name@1.2.0, or @latest.")]
Words = Annotated[str, typer.Argument(help='Words, and "phrases" in quotation marks.')]
Filter = Annotated[Many, typer.Option("--filter", "-f", help="facet=value, such as tag=images; may be repeated.")]
Mine = Annotated[bool, typer.Option("--mine", help="Of projects that you are a member of.")]
Starred = Annotated[bool, typer.Option("--starred", help="Of projects that you have given a star.")]
Verified = Annotated[bool, typer.Option("--verified", help="That passed on their reference data.")]


def search(
    words: Words = "",
    filters: Filter = None,
    sort: Annotated[str | None, typer.Option(help="relevance, recent, name, usage or stars.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    *,
    mine: Mine = False,
    starred: Starred = False,
    verified: Verified = False,
    as_json: output.AsJson = False,
) -> None:
    """Search the marketplace."""
    query = _query(words, filters, mine=mine, starred=starred, verified=verified)
    if sort is not None:
        query["sort"] = sort
    found = session.connect().marketplace(**query, per_page=limit)
    if as_json:
        output.document(found)
        return
    columns = ("slug", "kind", "title", "latest.version", "verified", "star_count", "usage_count")
    output.show(found["items"], False, columns)
    output.note(f"{len(found['items'])} of {found['total']}")


def facets(
    words: Words = "",
    filters: Filter = None,
    *,
    mine: Mine = False,
    starred: Starred = False,
    verified: Verified = False,
    as_json: output.AsJson = False,
) -> None:
    """Count what is in the marketplace: kinds, data types, environments, licences, tags, owners..."""
    query = _query(words, filters, mine=mine, starred=starred, verified=verified)
    found = session.connect().marketplace(**query, facets=True, per_page=1)["facets"]
    if as_json:
        output.document(found)
        return
    rows = [[name, one["value"], one["count"]] for name, values in found.items() for one in values]
    output.table(("facet", "value", "processors"), rows)


def deprecate(
    version: Reference,
    message: Annotated[str, typer.Option(help="Why; shown to everybody who uses it.")],
    replacement: Annotated[str | None, typer.Option(help="A version, or another processor, to use instead.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Warn of a version; it can still be chosen, but ranges take another one."""
    reef = session.connect()
    _stands(reef.deprecate(_find(reef, version), message=message, replacement=replacement), as_json)


def undeprecate(version: Reference, as_json: output.AsJson = False) -> None:
    """Take a deprecation back."""
    reef = session.connect()
    _stands(reef.undeprecate(_find(reef, version)), as_json)


def unpublish(
    version: Reference,
    reason: Annotated[str, typer.Option(help="Shown wherever it was used.")],
    as_json: output.AsJson = False,
) -> None:
    """Let nobody choose a version any more; runs that used it can still be repeated."""
    reef = session.connect()
    _stands(reef.unpublish(_find(reef, version), reason=reason), as_json)


def republish(
    version: Reference,
    number: Annotated[str | None, typer.Option("--version", help="Default: the next one.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Build the same commit again as a new version."""
    reef = session.connect()
    begun = reef.republish(_find(reef, version), number=number)
    with output.err.status(f"building {begun['name']}@{begun['version']}"):
        done = reef.wait_publication(begun["id"])
    if as_json:
        output.document(done)
    if done["status"] != "succeeded":
        raise PlatformError(Kind.INVALID, f"publication failed: {done.get('reason')}")
    if not as_json:
        output.out.print(f"{done['processor']['slug']}@{done['version']}", highlight=False, soft_wrap=True)


def changes(
    version: Reference,
    since: Annotated[str | None, typer.Option("--from", help="The older version's number; default: the last.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Show what differs from an older version, and what of it breaks calls."""
    reef = session.connect()
    slug = version.rpartition("@")[0]
    origin = _find(reef, f"{slug}@{since}") if since is not None else None
    found = reef.changes(_find(reef, version), origin=origin)
    if as_json:
        output.document(found)
        return
    told = found["parameters"]
    rows = [["added", one["name"], "", one["type"]] for one in told["added"]]
    rows += [["removed", one["name"], one["type"], ""] for one in told["removed"]]
    rows += [[f"{one['field']}", one["name"], one["before"], one["after"]] for one in told["changed"]]
    title = f"{found['from']['version']} -> {found['to']['version']}"
    output.table(("what", "parameter", "before", "after"), rows, title=title)
    output.table(("package", "before", "after"), [_pin(one) for one in found["packages"]["changed"]])
    for reason in found["reasons"]:
        output.note(f"breaking: {reason}")


def verify(
    version: Reference,
    wait: Annotated[bool, typer.Option(help="Wait for the result.")] = True,
    as_json: output.AsJson = False,
) -> None:
    """Run a version on its reference data and compare what comes out."""
    reef = session.connect()
    identity = _find(reef, version)
    found = reef.verify(identity)
    while wait and found["status"] == "running":
        time.sleep(1)
        found = next(iter(reef.verifications(identity)))
    if as_json:
        output.document(found)
    else:
        output.fields({name: found[name] for name in ("status", "reason", "run_id")})
    if found["status"] == "failed":
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the commands to `mlreef processor`."""
    for command in (search, facets, deprecate, undeprecate, unpublish, republish, changes, verify):
        app.command()(command)


def _query(words: str, filters: Many, *, mine: bool, starred: bool, verified: bool) -> dict[str, Any]:
    query: dict[str, Any] = {"search": words} if words else {}
    for one in filters or []:
        name, equals, value = one.partition("=")
        if not equals:
            raise invalid(f"{one!r} is no filter: write facet=value, such as kind=algorithm or tag=images")
        query.setdefault(name.replace("-", "_"), []).append(value)
    flags = {"mine": mine, "starred": starred, "verified": verified}
    return {**query, **{name: True for name, given in flags.items() if given}}


def _find(reef: MLReef, reference: str) -> str:
    """The id of a version."""
    slug, at, number = reference.rpartition("@")
    if not at:
        raise invalid(f"{reference} names no version: write group/project/name@1.2.0, or @latest")
    processor = reef.processor(slug)
    if number == "latest" and processor["latest"] is not None:
        return str(processor["latest"]["id"])
    for one in processor["versions"]:
        if one["version"] == number:
            return str(one["id"])
    known = ", ".join(one["version"] for one in processor["versions"][:10])
    raise PlatformError(Kind.NOT_FOUND, f"{slug} has no version {number}; it has {known}")


def _stands(version: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.document(version)
        return
    names = ("slug", "version", "status", "status_message", "replacement", "status_by", "status_at")
    output.fields({name: version[name] for name in names})


def _pin(change: dict[str, Any]) -> list[Any]:
    return [change["name"], change["before"], change["after"]]
