"""The OCI dialect: error bodies, header names, and the shape of names, tags and digests.

Source: OCI distribution specification 1.1, sections "Error Codes" and "Pulling manifests".
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import JSONResponse

from mlreef.kit.errors import Kind, PlatformError

NAME = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_OTHER_DIGEST = re.compile(r"[a-z0-9]+([+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")

VERSION = {"docker-distribution-api-version": "registry/2.0"}

_CODES: dict[Kind, tuple[int, str]] = {
    Kind.NOT_FOUND: (404, "NAME_UNKNOWN"),
    Kind.CONFLICT: (409, "DENIED"),
    Kind.FORBIDDEN: (403, "DENIED"),
    Kind.UNAUTHENTICATED: (401, "UNAUTHORIZED"),
    Kind.INVALID: (400, "UNSUPPORTED"),
    Kind.TOO_LARGE: (413, "SIZE_INVALID"),
    Kind.RATE_LIMITED: (429, "TOOMANYREQUESTS"),
    Kind.UNAVAILABLE: (503, "UNAVAILABLE"),
    Kind.GONE: (404, "NAME_UNKNOWN"),
}


class RegistryError(PlatformError):
    """An error with an OCI code of its own and, where needed, headers such as the bearer challenge."""

    def __init__(self, kind: Kind, code: str, message: str, *, status: int | None = None, **headers: str) -> None:
        super().__init__(kind, message)
        self.code = code
        self.status_override = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


async def render(_request: Request, exc: Exception) -> JSONResponse:
    """Every failure as `{"errors": [{code, message, detail}]}`."""
    if not isinstance(exc, PlatformError):
        return JSONResponse({"errors": [{"code": "UNKNOWN", "message": "internal error"}]}, status_code=500)
    status, code = _CODES[exc.kind]
    headers: dict[str, str] = {}
    if isinstance(exc, RegistryError):
        status, code, headers = exc.status_override or status, exc.code, exc.headers
    body = {"errors": [{"code": code, "message": exc.message, "detail": None}]}
    return JSONResponse(body, status_code=status, headers=headers)


def repository_name(text: str) -> str:
    """`text` if it may name a repository."""
    if len(text) > 255 or not NAME.fullmatch(text):
        raise RegistryError(Kind.INVALID, "NAME_INVALID", f"repository name {text[:80]!r}: lower-case path segments")
    return text


def is_digest(reference: str) -> bool:
    """Whether a reference is meant as a digest: tags have no colon."""
    return ":" in reference


def digest_hex(text: str) -> str:
    """The 64 hexadecimal digits of a `sha256:` digest, the only algorithm kept here."""
    match = DIGEST.fullmatch(text)
    if match is None and _OTHER_DIGEST.fullmatch(text) and not text.startswith("sha256:"):
        message = f"digest algorithm {text.partition(':')[0][:20]!r} is not kept here: name the content by its sha256"
        raise RegistryError(Kind.INVALID, "DIGEST_INVALID", message)
    if match is None:
        raise RegistryError(Kind.INVALID, "DIGEST_INVALID", "digest: sha256:<64 lower-case hexadecimal digits>")
    return match[1]


def name_unknown(name: str) -> RegistryError:
    """No such repository."""
    return RegistryError(Kind.NOT_FOUND, "NAME_UNKNOWN", f"repository name not known: {name}")


def next_page(path: str, **query: str | int) -> dict[str, str]:
    """The header that names the next page (RFC 5988)."""
    return {"link": f'<{path}?{urlencode(query)}>; rel="next"'}


def is_unchanged(request: Request, tag: str) -> bool:
    """Whether the client holds what it asks for (RFC 9110, If-None-Match)."""
    given = request.headers.get("if-none-match", "")
    return given.strip() == "*" or f'"{tag}"' in given


def denied(message: str) -> RegistryError:
    """A valid token, and still not allowed."""
    return RegistryError(Kind.FORBIDDEN, "DENIED", message)


def blob_unknown(digest: str) -> RegistryError:
    """No such blob in this repository."""
    return RegistryError(Kind.NOT_FOUND, "BLOB_UNKNOWN", f"blob unknown to this repository: {digest}")


def manifest_unknown(reference: str) -> RegistryError:
    """No such manifest or tag in this repository."""
    return RegistryError(Kind.NOT_FOUND, "MANIFEST_UNKNOWN", f"manifest unknown to this repository: {reference}")


def upload_unknown() -> RegistryError:
    """The upload never existed, was finished, or was swept."""
    return RegistryError(Kind.NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "upload unknown: start again with POST blobs/uploads/")
