"""`mlreef processor publish`: from a git clone or from a project at the server, one program or several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import typer

from mlreef.cli import output, processor_clone, session
from mlreef.cli.local import files
from mlreef.extraction import manifest as manifests
from mlreef.kit.errors import Kind, PlatformError, conflict, invalid
from mlreef.sdk import MLReef


@dataclass(frozen=True, slots=True)
class Order:
    """Which programs of which commit of which project."""

    project: str
    ref: str
    entries: list[str]


def publish(
    what: Annotated[
        str, typer.Argument(help="A program, processor.yaml or folder in a git clone, or a project (group/name).")
    ] = ".",
    entries: Annotated[
        list[str] | None, typer.Argument(help="More of them; with a project, the programs to publish.")
    ] = None,
    ref: Annotated[
        str | None, typer.Option(help="Branch, tag or commit; default: the clone's commit, or main.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Default: what processor.yaml or the script says.")] = None,
    kind: Annotated[str | None, typer.Option(help="operation, visualization or algorithm.")] = None,
    environment: Annotated[str | None, typer.Option(help="See `mlreef environment list`.")] = None,
    version: Annotated[str | None, typer.Option(help="Default: the next patch version.")] = None,
    changelog: Annotated[str | None, typer.Option(help="What is new; default: the changelog file's section.")] = None,
    consent_network: Annotated[
        bool, typer.Option("--consent-network", help="Agree to `network: open` (maintainers).")
    ] = False,
    as_json: output.AsJson = False,
) -> None:
    """Publish programs as immutable, versioned processors and wait for their images."""
    reef = session.connect()
    order = _order(reef, what, entries or [], ref)
    if name is not None and len(order.entries) > 1:
        raise invalid("--name is for one program; leave it out, or publish them one after another")
    fields = {"name": name, "kind": kind, "environment": environment, "version": version, "changelog": changelog}
    given: dict[str, Any] = {key: value for key, value in fields.items() if value is not None}
    if consent_network:
        given["consent_network"] = True
    begun = [reef.publish(order.project, ref=order.ref, entry=one, **given) for one in order.entries]
    done = [_wait(reef, one) for one in begun]
    if as_json:
        output.document(done if len(done) > 1 else done[0])
    failed = [one for one in done if one["status"] != "succeeded"]
    for one in done:
        if one["status"] == "succeeded" and not as_json:
            output.out.print(f"{one['processor']['slug']}@{one['version']}", highlight=False, soft_wrap=True)
    if failed:
        reasons = "; ".join(f"{one['name']}: {one.get('reason')}" for one in failed)
        raise PlatformError(Kind.INVALID, f"publication failed: {reasons}")


def _order(reef: MLReef, what: str, more: list[str], ref: str | None) -> Order:
    if Path(what).exists():
        return _from_clone(reef, [what, *more], ref)
    if "/" not in what and not what.isdigit():
        raise invalid(f"{what} is neither a file or folder here nor a project such as group/name")
    return Order(what, ref or "main", more or [manifests.FILE])


def _from_clone(reef: MLReef, paths: list[str], ref: str | None) -> Order:
    """The order that a clone means: its commit must be at the server, and be all there is."""
    targets = [files.find(Path(one)) for one in paths]
    roots = {one.root for one in targets}
    if len(roots) > 1:
        raise invalid("these belong to several repositories; publish them one after another")
    root = roots.pop()
    if files.toplevel(root) is None:
        raise conflict(f"{root} is no git clone; name the project: mlreef processor publish group/project FILE")
    clone = processor_clone.inspect(root)
    known = {urlsplit(address).netloc for address in (reef.http.url, _forge_url(reef))}
    if clone.host not in known:
        raise conflict(f"the remote {clone.remote} is at {clone.host}, but you are logged in to {reef.http.url}")
    if ref is None:
        processor_clone.refuse_changes(clone, [one.file for one in targets])
        ref = _pushed(reef, clone)
    output.note(f"publishing from {clone.project} at {ref[:12]}")
    return Order(clone.project, ref, [one.entry for one in targets])


def _forge_url(reef: MLReef) -> str:
    found: Mapping[str, Any] = reef.http.call("GET", "/api/v1/server")
    return str(found.get("forge_url") or reef.http.url)


def _pushed(reef: MLReef, clone: processor_clone.Clone) -> str:
    """The branch when it stands at the clone's commit at the server, else the commit, if it is there."""
    project = f"/api/v4/projects/{quote(clone.project, safe='')}"
    if clone.branch is not None:
        path = f"{project}/repository/branches/{quote(clone.branch, safe='')}"
        found = _find(reef, path)
        if found is not None and found["commit"]["id"] == clone.commit:
            return clone.branch
    if _find(reef, f"{project}/repository/commits/{clone.commit}") is None:
        push = f"git push {clone.remote} {clone.branch or 'HEAD:main'}"
        raise conflict(f"commit {clone.commit[:12]} is not at the server (or you may not see the project): {push}")
    return clone.commit


def _find(reef: MLReef, path: str) -> Any:
    try:
        return reef.http.call("GET", path)
    except PlatformError as exc:
        if exc.kind is Kind.NOT_FOUND:
            return None
        raise


def _wait(reef: MLReef, begun: Mapping[str, Any]) -> dict[str, Any]:
    shown = f"{begun['name']}@{begun['version']}"
    with output.err.status(f"building {shown}"):
        return reef.wait_publication(begun["id"])
