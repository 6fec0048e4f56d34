"""`mlreef registry`: what an operator does with the container registry: collect garbage, see and set quotas."""

from __future__ import annotations

import re
from typing import Annotated, Any

import httpx
import typer

from mlreef.cli import output, session
from mlreef.kit.errors import Kind, PlatformError, invalid

app = typer.Typer(help="The container registry: garbage and quotas (administrators).", no_args_is_help=True)
_UNITS = {"": 1, "K": 10, "M": 20, "G": 30, "T": 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
Registry = Annotated[str | None, typer.Option("--url", help="The registry; default: the server's own origin.")]


@app.command("gc")
def collect(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be removed, remove nothing.")] = False,
    url: Registry = None,
    as_json: output.AsJson = False,
) -> None:
    """Remove what no tag, signature or recent push leads to, while the registry goes on serving."""
    found = _call("POST", "gc", url, json={"dry_run": dry_run})
    if as_json:
        output.document(found)
        return
    output.fields(found)


@app.command("quota")
def quota(
    namespace: Annotated[str | None, typer.Argument(help="First part of repositories' names; default: all.")] = None,
    size: Annotated[str | None, typer.Option("--set", help="10GiB, 500M, 0 for no limit.")] = None,
    default: Annotated[bool, typer.Option("--default", help="Give it the default of the settings again.")] = False,
    url: Registry = None,
    as_json: output.AsJson = False,
) -> None:
    """Show how much namespaces hold and may hold, or give one a quota of its own."""
    if size is not None or default:
        if namespace is None:
            raise invalid("name the namespace whose quota is to change")
        body = {"quota_bytes": None if size is None else parsed(size)}
        rows = [_call("PUT", f"namespaces/{namespace}", url, json=body)]
    else:
        rows = [one for one in _namespaces(url) if namespace in {None, one["name"]}]
    output.show(rows, as_json, ("name", "used_bytes", "quota_bytes", "own_quota"))


def parsed(text: str) -> int:
    """Bytes from `10GiB`, `1.5G`, `500M` or a number; units are powers of 1024."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise invalid(f"size {text!r}: a number and a unit, such as 10GiB or 500M")
    return int(float(match[1]) * (1 << _UNITS[match[2].upper()] if match[2] else 1))


def _namespaces(url: str | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = _call("GET", "namespaces", url, params={"last": found[-1]["name"]} if found else {})["namespaces"]
        found += page
        if len(page) < 1000:
            return found


def _call(method: str, path: str, url: str | None, **sent: Any) -> Any:
    """Ask an administrators' endpoint, with a token that the forge gives for it."""
    credentials = session.load()
    where = f"{(url or credentials.url).rstrip('/')}/v2/_mlreef/{path}"
    try:
        with httpx.Client(timeout=600) as client:
            asked = client.get(where.partition("/_mlreef")[0] + "/")
            challenge = dict(_CHALLENGE.findall(asked.headers.get("www-authenticate", "")))
            if "realm" not in challenge:
                raise PlatformError(Kind.UNAVAILABLE, f"{where} does not belong to a registry of MLReef")
            query = {"service": challenge.get("service", ""), "scope": "registry:catalog:*"}
            given = client.get(challenge["realm"], params=query, auth=("token", credentials.token))
            token = given.json().get("token") if given.is_success else None
            headers = {"authorization": f"Bearer {token}"} if token else {}
            answer = client.request(method, where, headers=headers, **sent)
    except httpx.HTTPError as exc:
        raise PlatformError(Kind.UNAVAILABLE, f"the registry cannot be reached: {exc}") from exc
    return _checked(answer)


def _checked(answer: httpx.Response) -> Any:
    if answer.status_code == 401:
        raise PlatformError(Kind.FORBIDDEN, "only administrators may do this; the token needs the scope api")
    if answer.status_code == 404:
        raise PlatformError(Kind.NOT_FOUND, "this registry has no administrators' endpoints: it is not MLReef's own")
    if not answer.is_success:
        raise PlatformError(Kind.INVALID, answer.json()["errors"][0]["message"])
    return answer.json()
