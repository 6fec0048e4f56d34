"""Requests and answers of CI's routes: parameters from wherever clients put them, pages, raw bodies.

GitLab takes parameters from the query, from forms and from JSON on every verb; so does this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol
from urllib.parse import parse_qsl, urlencode

from fastapi import Path, Request
from fastapi.responses import JSONResponse

from mlreef.forge.ci.context import Ci
from mlreef.kit import http, paging
from mlreef.kit.db import Database, Tx
from mlreef.kit.errors import Kind, PlatformError, invalid

MAX_BODY = 4 << 20

Id = Annotated[int, Path(ge=0, le=(1 << 63) - 1)]
"""A number in a path, within what databases hold."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a request was let through to: the project and who asks (None when anybody may read)."""

    project_id: int
    user_id: int | None


class Gate(Protocol):
    """Decides about requests; raises what the caller must be told: 401, 403, or 404 for what is hidden."""

    async def project(self, request: Request, project: str, action: str) -> Grant:
        """A project by id or encoded path, for callers who may do the action (a name of `access.policy.RULES`)."""
        ...

    async def user(self, request: Request) -> int:
        """Any logged-in user."""
        ...

    async def admin(self, request: Request) -> int:
        """An administrator."""
        ...

    async def group(self, request: Request, group: str, action: str) -> int:
        """A group by id or encoded path, for callers who may do the action."""
        ...

    async def is_admin(self, request: Request) -> bool:
        """Whether the caller is an administrator."""
        ...

    async def record(self, request: Request, tx: Tx, action: str, *, target: tuple[str, int, str]) -> None:
        """Write the audit entry of a change into its transaction; `target` is kind, number and name."""
        ...


def state(request: Request) -> tuple[Ci, Database]:
    """CI's collaborators and the database of this application."""
    return request.app.state.ci, request.app.state.db


def gate(request: Request) -> Gate:
    """Who decides about requests in this application."""
    found: Gate = request.app.state.gate
    return found


def page(request: Request) -> paging.Page:
    """The page that a list request asks for."""
    return paging.parse(request.query_params.get("page"), request.query_params.get("per_page"))


def listed(request: Request, items: Sequence[Any], total: int, wanted: paging.Page) -> JSONResponse:
    """A page of a list with GitLab's paging headers."""
    last = max(1, -(-total // wanted.size))
    links = {"first": 1, "last": last}
    if wanted.number > 1:
        links["prev"] = min(wanted.number - 1, last)
    if wanted.number < last:
        links["next"] = wanted.number + 1
    base = f"{state(request)[0].settings.external_url}{http.raw_path(request)}"
    query = [pair for pair in request.query_params.multi_items() if pair[0] not in {"page", "per_page"}]
    written = [
        f'<{base}?{urlencode([*query, ("page", str(number)), ("per_page", str(wanted.size))])}>; rel="{name}"'
        for name, number in links.items()
    ]
    headers = {
        "x-page": str(wanted.number),
        "x-per-page": str(wanted.size),
        "x-next-page": str(links.get("next", "")),
        "x-prev-page": str(links.get("prev", "")),
        "x-total": str(total),
        "x-total-pages": str(last),
        "link": ", ".join(written),
    }
    return JSONResponse(list(items), headers=headers)


def client_ip(request: Request) -> str | None:
    """The address the request came from."""
    return request.client.host if request.client else None


async def body(request: Request, limit: int) -> bytes:
    """The raw body, bounded."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise PlatformError(Kind.TOO_LARGE, f"the body is larger than {limit} bytes")
    return bytes(data)


async def params(request: Request) -> dict[str, Any]:
    """Query, form and JSON parameters as one mapping; the body wins."""
    found = nested(list(request.query_params.multi_items()))
    kind = request.headers.get("content-type", "").split(";", maxsplit=1)[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form(max_files=0, max_fields=1000, max_part_size=MAX_BODY) as form:
            pairs = [(key, value) for key, value in form.multi_items() if isinstance(value, str)]
        return {**found, **nested(pairs)}
    raw = await body(request, MAX_BODY)
    if not raw.strip():
        return found
    if kind == "application/x-www-form-urlencoded":
        try:
            return {**found, **nested(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=1000))}
        except ValueError as exc:
            raise invalid(f"the form cannot be read: {exc}") from exc
    try:
        decoded = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise invalid(f"the body is not valid JSON: {exc}") from exc
    if not isinstance(decoded, dict):
        raise invalid("the body must be a JSON object")
    return {**found, **decoded}


def nested(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Form names as Rails reads them: `a[]` is a list, `a[b]` a mapping, `a[][key]` a list of mappings."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        base, bracket, rest = name.partition("[")
        if not bracket:
            result[base] = value
        elif rest == "]":
            _as(result, base, list).append(value)
        elif rest.startswith("][") and rest.endswith("]"):
            key, entries = rest[2:-1], _as(result, base, list)
            if not entries or not isinstance(entries[-1], dict) or key in entries[-1]:
                entries.append({})
            entries[-1][key] = value
        elif rest.endswith("]"):
            _as(result, base, dict)[rest[:-1]] = value
    return result


def text(values: Mapping[str, Any], name: str, *, required: bool = False) -> str | None:
    """A text parameter; lists and mappings in its place are refused."""
    value = values.get(name)
    if value is None:
        if required:
            raise invalid(f"{name} is missing")
        return None
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise invalid(f"{name} is invalid")
    return str(value)


def texts(values: Mapping[str, Any], name: str) -> list[str]:
    """A parameter that is one text or a list of texts."""
    value = values.get(name)
    items = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in items):
        raise invalid(f"{name} is invalid")
    return list(items)


def _as(result: dict[str, Any], name: str, kind: type) -> Any:
    held = result.get(name)
    if not isinstance(held, kind):
        held = result[name] = kind()
    return held
