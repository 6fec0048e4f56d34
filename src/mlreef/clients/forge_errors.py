"""The forge's failures as the platform's own: translated here, once, for every call."""

from __future__ import annotations

import httpx

from mlreef.kit.errors import Kind, PlatformError

_KINDS = {
    400: Kind.INVALID,
    401: Kind.UNAUTHENTICATED,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    405: Kind.CONFLICT,
    409: Kind.CONFLICT,
    410: Kind.GONE,
    412: Kind.CONFLICT,
    413: Kind.TOO_LARGE,
    422: Kind.INVALID,
    429: Kind.RATE_LIMITED,
}


class ForgeError(PlatformError):
    """The forge refused a request; `http_status` is what it answered."""

    def __init__(self, kind: Kind, message: str, http_status: int) -> None:
        super().__init__(kind, message)
        self.http_status = http_status


def from_answer(answer: httpx.Response) -> ForgeError:
    """What an error answer means; the answer must have been read."""
    status = answer.status_code
    kind = _KINDS.get(status, Kind.UNAVAILABLE if status >= 500 or 300 <= status < 400 else Kind.INVALID)
    return ForgeError(kind, message_of(answer), status)


def from_transport(exc: httpx.HTTPError, url: str) -> PlatformError:
    """The forge did not answer at all."""
    return PlatformError(Kind.UNAVAILABLE, f"the forge at {url} does not answer: {type(exc).__name__}")


def message_of(answer: httpx.Response) -> str:
    """The text in any of the shapes that GitLab answers with."""
    try:
        body = answer.json()
    except ValueError:
        return f"{answer.status_code} {answer.reason_phrase}"
    if isinstance(body, dict):
        found = body.get("message") or body.get("error_description") or body.get("error")
        if found:
            return _flat(found)
    return f"{answer.status_code} {answer.reason_phrase}"


def _flat(found: object) -> str:
    if isinstance(found, dict):
        return "; ".join(f"{key}: {_flat(value)}" if key != "base" else _flat(value) for key, value in found.items())
    if isinstance(found, list):
        return ", ".join(_flat(one) for one in found)
    return str(found)[:2000]
