"""The error dialect of REST v1: `{"error": {"kind", "message", "details": [{field, message, location?, remedy?}]}}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mlreef.kit.errors import HTTP_STATUS, Detail, Kind, PlatformError
from mlreef.kit.paging import Paged

_KINDS = {status: kind for kind, status in HTTP_STATUS.items()}


async def render(_request: Request, exc: Exception) -> JSONResponse:
    """Every failure in one shape."""
    if isinstance(exc, PlatformError):
        return _answer(exc)
    if isinstance(exc, RequestValidationError):
        return _answer(validation(exc.errors()))
    if isinstance(exc, HTTPException):
        kind = _KINDS.get(exc.status_code, Kind.INVALID)
        return _body(exc.status_code, kind, str(exc.detail), (), exc.headers or {})
    return _body(500, "internal", "the service failed; the request id names the log entry", (), {})


def _answer(exc: PlatformError) -> JSONResponse:
    headers: dict[str, str] = {}
    if exc.kind is Kind.UNAUTHENTICATED:
        headers["www-authenticate"] = 'Bearer realm="MLReef"'
    if exc.kind in {Kind.UNAVAILABLE, Kind.RATE_LIMITED}:
        headers["retry-after"] = "2"
    return _body(exc.status, exc.kind.value, exc.message, exc.details, headers)


def _body(status: int, kind: str, message: str, details: Sequence[Detail], headers: Mapping[str, str]) -> JSONResponse:
    error = {"kind": str(kind), "message": message, "details": [detail_json(one) for one in details]}
    return JSONResponse({"error": error}, status_code=status, headers=dict(headers))


def detail_json(detail: Detail) -> dict[str, Any]:
    """One fault on the wire."""
    found: dict[str, Any] = {"field": detail.field, "message": detail.message}
    if detail.location is not None:
        place = detail.location
        found["location"] = {"file": place.file, "line": place.line, "column": place.column}
    if detail.remedy is not None:
        found["remedy"] = detail.remedy
    return found


def validation(errors: Sequence[Any]) -> PlatformError:
    """The faults that pydantic found, each with the field as clients write it."""
    details = [Detail(_field(one["loc"]), str(one["msg"])) for one in errors[:100]]
    return PlatformError(Kind.INVALID, "the request is not valid", details=details)


def _field(location: Sequence[Any]) -> str:
    parts = [part for part in location if part not in {"body", "query", "path", "header"}]
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def paged(page: Paged[Any]) -> dict[str, Any]:
    """A list's answer."""
    return {
        "items": list(page.items),
        "total": page.total,
        "page": page.page.number,
        "per_page": page.page.size,
    }
