"""The one error class of the platform.

Domain code raises `PlatformError` (or a subclass that stands beside the code raising it) with a kind and a message
that says what is wrong and what to do. It knows nothing of HTTP: each service's `wire.py` renders a kind in its own
dialect (GitLab JSON, LFS JSON, OCI `errors[]`, REST v1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What sort of failure it is; every dialect maps each kind exactly once."""

    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    FORBIDDEN = "forbidden"
    UNAUTHENTICATED = "unauthenticated"
    INVALID = "invalid"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    GONE = "gone"


HTTP_STATUS: dict[Kind, int] = {
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.FORBIDDEN: 403,
    Kind.UNAUTHENTICATED: 401,
    Kind.INVALID: 400,
    Kind.TOO_LARGE: 413,
    Kind.RATE_LIMITED: 429,
    Kind.UNAVAILABLE: 503,
    Kind.GONE: 410,
}


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a user's file: one-based line and column."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Detail:
    """One fault of several: which field or place, what is wrong, and how to mend it."""

    field: str
    message: str
    location: Location | None = None
    remedy: str | None = None


class PlatformError(Exception):
    """A failure that is somebody's to know about: its kind, one clear message, and all details at once."""

    def __init__(self, kind: Kind, message: str, *, details: Sequence[Detail] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.details = tuple(details)

    @property
    def status(self) -> int:
        """The HTTP status that fits the kind; dialects may choose another."""
        return HTTP_STATUS[self.kind]


def not_found(thing: str) -> PlatformError:
    """The answer for what does not exist and for what the caller may not know about: the two never differ."""
    return PlatformError(Kind.NOT_FOUND, f"{thing} Not Found")


def invalid(message: str, *, details: Sequence[Detail] = ()) -> PlatformError:
    """Bad input: `message` says what is wrong and what to do."""
    return PlatformError(Kind.INVALID, message, details=details)


def conflict(message: str) -> PlatformError:
    """The request is well formed but the present state forbids it."""
    return PlatformError(Kind.CONFLICT, message)


def forbidden(message: str) -> PlatformError:
    """The caller may see the thing, but not do this with it."""
    return PlatformError(Kind.FORBIDDEN, message)


def unauthenticated(message: str = "Unauthorized") -> PlatformError:
    """No credential, or one that is not valid."""
    return PlatformError(Kind.UNAUTHENTICATED, message)


def unavailable(message: str) -> PlatformError:
    """Something needed does not answer now; the caller may try again later."""
    return PlatformError(Kind.UNAVAILABLE, message)
