"""HTTP to the management service: one place for credentials, errors and retries."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from mlreef import __version__
from mlreef.kit.errors import HTTP_STATUS, Detail, Kind, PlatformError

_KINDS = {status: kind for kind, status in HTTP_STATUS.items()}
_RETRIED = {429, 502, 503, 504}


class ApiError(PlatformError):
    """What the server refused: its kind, message, and every fault with the field that it belongs to."""

    def __str__(self) -> str:
        lines = [self.message]
        for detail in self.details:
            where = f"{detail.field}: " if detail.field else ""
            place = f" ({detail.location.file}:{detail.location.line})" if detail.location else ""
            lines.append(f"  {where}{detail.message}{place}" + (f" - {detail.remedy}" if detail.remedy else ""))
        return "\n".join(lines)


class Http:
    """A connection to one server with one user's token; safe calls are retried while the server restarts."""

    def __init__(self, url: str, token: str | None, *, timeout: float = 60.0) -> None:
        self.url = url.rstrip("/")
        headers = {"user-agent": f"mlreef/{__version__}"}
        if token is not None:
            headers["private-token"] = token
        self._client = httpx.Client(base_url=self.url, headers=headers, timeout=timeout, follow_redirects=False)

    def call(self, method: str, path: str, *, json: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """Send a request and return the decoded answer (None when it is empty); raises ApiError."""
        given = {key: value for key, value in (params or {}).items() if value is not None}
        answer = self._send(method, path, json, given)
        if answer.status_code >= 400:
            raise error_from(answer)
        return answer.json() if answer.content else None

    def _send(self, method: str, path: str, json: Any, params: Mapping[str, Any]) -> httpx.Response:
        for attempt in range(5):
            try:
                answer = self._client.request(method, path, json=json, params=params)
            except httpx.TransportError as exc:
                if method != "GET" or attempt == 4:
                    message = f"{self.url} does not answer: {exc}. Is the server running? (`mlreef up`)"
                    raise ApiError(Kind.UNAVAILABLE, message) from exc
            else:
                if answer.status_code not in _RETRIED or method != "GET" or attempt == 4:
                    return answer
            time.sleep(0.2 * 2**attempt)
        raise ApiError(Kind.UNAVAILABLE, f"{self.url} does not answer")  # pragma: no cover - the loop returns or raises

    def pages(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """All items of a paged list, page after page."""
        page = 1
        while True:
            answer = self.call("GET", path, params={**(params or {}), "page": page, "per_page": 100})
            yield from answer["items"]
            if page * answer["per_page"] >= answer["total"] or not answer["items"]:
                return
            page += 1

    @contextmanager
    def stream(self, path: str, *, params: Mapping[str, Any] | None = None) -> Iterator[httpx.Response]:
        """An answer that is read while it arrives."""
        timeout = httpx.Timeout(60.0, read=120.0)
        try:
            with self._client.stream("GET", path, params=params, timeout=timeout) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    raise error_from(answer)
                yield answer
        except httpx.TransportError as exc:
            raise ApiError(Kind.UNAVAILABLE, f"{self.url}: the connection was lost: {exc}") from exc

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def error_from(answer: httpx.Response) -> ApiError:
    """The error in an answer of the management service or, in GitLab's shape, of the forge."""
    kind = _KINDS.get(answer.status_code, Kind.UNAVAILABLE if answer.status_code >= 500 else Kind.INVALID)
    try:
        body = answer.json()
    except ValueError:
        return ApiError(kind, f"{answer.status_code} {answer.reason_phrase}: {answer.text[:200]}")
    if not isinstance(body, dict):
        return ApiError(kind, str(body))
    error = body.get("error")
    if isinstance(error, dict):
        listed = error.get("details") or []
        details = [Detail(str(d.get("field", "")), str(d.get("message", "")), None, d.get("remedy")) for d in listed]
        return ApiError(kind, str(error.get("message")), details=details)
    return ApiError(kind, str(body.get("message") or error or answer.reason_phrase))
