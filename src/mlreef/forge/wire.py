"""GitLab's dialect: how failures, pages and absolute URLs look on the wire.

Sources: https://docs.gitlab.com/api/rest/ (status codes, pagination) and GitLab's Grape helpers for exact texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from mlreef.forge import state as states
from mlreef.forge.access.deps import InsufficientScope
from mlreef.forge.access.identify import InvalidToken
from mlreef.kit import http, logs, paging
from mlreef.kit.errors import Kind, PlatformError
from mlreef.kit.paging import Page

log = logs.get(__name__)

TOTAL_LIMIT = 10_000
"""Lists with more rows than this do not say how many there are."""

_STATUS = re.compile(r"\d{3} ")
_PARAMETER = re.compile(r".+ (is missing|is invalid|is empty|does not have a valid value)")
_TEXT = {403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}


class Refused(PlatformError):
    """A refusal whose body GitLab's clients know word by word."""

    def __init__(self, status: int, body: Any) -> None:
        kinds = {400: Kind.INVALID, 403: Kind.FORBIDDEN, 404: Kind.NOT_FOUND, 409: Kind.CONFLICT}
        super().__init__(kinds.get(status, Kind.INVALID), str(body))
        self.answer = (status, body)


async def render(request: Request, exc: Exception) -> Response:
    """Any failure in GitLab's words; what nobody foresaw is logged and answers 500 without details."""
    if isinstance(exc, PlatformError):
        return _platform(exc)
    if isinstance(exc, RequestValidationError):
        return _validation(exc)
    if isinstance(exc, HTTPException):
        return _http(request, exc)
    log.error("request failed", method=request.method, path=request.url.path, exc_info=exc)
    return JSONResponse({"message": "500 Internal Server Error"}, status_code=500)


def _platform(exc: PlatformError) -> Response:
    if isinstance(exc, Refused):
        return JSONResponse(exc.answer[1], status_code=exc.answer[0])
    if isinstance(exc, InvalidToken):
        body = {"error": "invalid_token", "error_description": exc.message}
        challenge = f'Bearer realm="Protected by OAuth 2.0", error="invalid_token", error_description="{exc.message}"'
        return JSONResponse(body, status_code=401, headers={"WWW-Authenticate": challenge})
    if isinstance(exc, InsufficientScope):
        body = {"error": "insufficient_scope", "error_description": exc.message, "scope": exc.scope}
        return JSONResponse(body, status_code=403)
    if exc.kind is Kind.RATE_LIMITED:
        return PlainTextResponse("Retry later", status_code=429, headers={"Retry-After": "60"})
    headers = {"Retry-After": "1"} if exc.kind is Kind.UNAVAILABLE else None
    return JSONResponse(_body(exc), status_code=exc.status, headers=headers)


def _body(exc: PlatformError) -> dict[str, Any]:
    if exc.details:
        faults: dict[str, list[str]] = {}
        for detail in exc.details:
            faults.setdefault(detail.field, []).append(detail.message)
        return {"message": faults}
    if exc.kind is Kind.INVALID:
        if _PARAMETER.fullmatch(exc.message):
            return {"error": exc.message}
        return {"message": exc.message if _STATUS.match(exc.message) else f"400 Bad request - {exc.message}"}
    if exc.kind is Kind.CONFLICT or _STATUS.match(exc.message):
        return {"message": exc.message}
    return {"message": f"{exc.status} {exc.message}"}


def _validation(exc: RequestValidationError) -> Response:
    first = exc.errors()[0]
    name = str(first["loc"][-1]) if first.get("loc") else "request"
    fault = "is missing" if first.get("type") == "missing" else "is invalid"
    return JSONResponse({"error": f"{name} {fault}"}, status_code=400)


def _http(request: Request, exc: HTTPException) -> Response:
    if exc.status_code == 404 and request.url.path.startswith("/api/"):
        return JSONResponse({"error": "404 Not Found"}, status_code=404)
    text = _TEXT.get(exc.status_code, exc.detail)
    return JSONResponse({"message": f"{exc.status_code} {text}"}, status_code=exc.status_code, headers=exc.headers)


def validation_failed(**faults: str | Sequence[str]) -> Refused:
    """What a model's validation found: `{"message": {"path": ["has already been taken"]}}`."""
    listed = {name: [fault] if isinstance(fault, str) else list(fault) for name, fault in faults.items()}
    return Refused(400, {"message": listed})


def page(request: Request) -> Page:
    """The page that a list request asks for."""
    return paging.parse(request.query_params.get("page"), request.query_params.get("per_page"))


def listed(request: Request, items: Sequence[Any], total: int, wanted: Page) -> JSONResponse:
    """A page of a list with GitLab's paging headers."""
    last = max(1, -(-total // wanted.size))
    numbers = {"first": 1}
    if wanted.number > 1:
        numbers["prev"] = wanted.number - 1
    if wanted.number < last:
        numbers["next"] = wanted.number + 1
    headers = {
        "x-page": str(wanted.number),
        "x-per-page": str(wanted.size),
        "x-next-page": str(numbers.get("next", "")),
        "x-prev-page": str(numbers.get("prev", "")),
    }
    if total <= TOTAL_LIMIT:
        numbers["last"] = last
        headers |= {"x-total": str(total), "x-total-pages": str(last)}
    order = [name for name in ("prev", "next", "first", "last") if name in numbers]
    headers["link"] = ", ".join(
        link(request, name, {"page": str(numbers[name]), "per_page": str(wanted.size)}) for name in order
    )
    return JSONResponse(list(items), headers=headers)


def keyset(request: Request, items: Sequence[Any], following: dict[str, str] | None) -> JSONResponse:
    """A page of a keyset list; `following` are the parameters of the next page, None at the end."""
    headers = {"link": link(request, "next", following)} if following else None
    return JSONResponse(list(items), headers=headers)


def link(request: Request, relation: str, values: dict[str, str]) -> str:
    """One entry of a `Link` header: the same request with other parameters, under the URL that clients use."""
    kept = [pair for pair in request.query_params.multi_items() if pair[0] not in values]
    kept = [pair for pair in kept if pair[0] not in {"private_token", "job_token"}]
    base = f"{states.of(request).settings.external_url}{http.raw_path(request)}"
    return f'<{base}?{urlencode([*kept, *values.items()])}>; rel="{relation}"'
