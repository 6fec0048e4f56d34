"""Serves the web application: static assets for ever, `index.html` for every other path.

Only `assets/*` are files (immutable names, 404 when missing); all else is a page of the single-page application, also
paths with dots, which are names of files in repositories.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

_CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'self'; frame-ancestors 'none'; form-action 'self'"
)
_HEADERS = {
    "content-security-policy": _CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_ROOT_FILES = {"favicon.ico", "favicon.svg", "robots.txt", "manifest.webmanifest", "logo.svg"}


class Web:
    """The folder that the build of `frontend/` left in the package."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = (folder or Path(__file__).parent.parent / "web").resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(scope["method"], scope["path"].lstrip("/"))(scope, receive, send)

    def _answer(self, method: str, path: str) -> Response:
        if method not in {"GET", "HEAD"}:
            return PlainTextResponse("Method Not Allowed", status_code=405)
        if path.startswith("assets/") or path in _ROOT_FILES:
            return self._static(path)
        index = self._folder / "index.html"
        if not index.is_file():
            text = "The web application is not built. Run `./mlreef up` from a checkout, or install a released wheel.\n"
            return PlainTextResponse(text, status_code=503, headers=_HEADERS)
        return FileResponse(index, media_type="text/html", headers={**_HEADERS, "cache-control": "no-cache"})

    def _static(self, path: str) -> Response:
        file = (self._folder / path).resolve()
        if not file.is_relative_to(self._folder) or not file.is_file():
            return PlainTextResponse("Not Found", status_code=404)
        headers = {**_HEADERS, "cache-control": "public, max-age=31536000, immutable"}
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return FileResponse(file, media_type=media_type, headers=headers)
