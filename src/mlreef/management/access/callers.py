"""From a request to a credential: access token, bearer token, or the browser's session cookie with CSRF protection.

The cookie alone never suffices for a change: the request must repeat the CSRF cookie in a header, which only pages of
the own origin can read, and an `Origin` it names must be the own one. The forge checks both again.
"""

from __future__ import annotations

from fastapi import Request

from mlreef.clients import credentials
from mlreef.clients.credentials import Credential
from mlreef.kit import ids
from mlreef.kit.errors import forbidden, invalid
from mlreef.management.settings import Settings

_SAFE = {"GET", "HEAD", "OPTIONS"}


def credential_of(request: Request, settings: Settings) -> Credential:
    """The first credential that a request brings, in GitLab's order; anonymous when it brings none."""
    token = request.headers.get("private-token")
    if token:
        return credentials.pat(_clean(token))
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return credentials.bearer(_clean(value.strip()))
    return _session(request, settings)


def _session(request: Request, settings: Settings) -> Credential:
    names = (settings.session_cookie, f"__Host-{settings.session_cookie}")
    found = next(((name, request.cookies[name]) for name in names if request.cookies.get(name)), None)
    if found is None:
        return credentials.ANONYMOUS
    cookie = f"{found[0]}={_clean(found[1])}"
    if request.method in _SAFE:
        return credentials.session(cookie)
    csrf = request.headers.get("x-csrf-token", "")
    cookies = (settings.csrf_cookie, f"__Host-{settings.csrf_cookie}")
    expected = next((request.cookies[name] for name in cookies if request.cookies.get(name)), "")
    origin = request.headers.get("origin")
    if not csrf or not expected or not ids.same(csrf, expected):
        raise forbidden("the request brings no valid CSRF token: repeat the CSRF cookie in X-CSRF-Token")
    if origin is not None and origin.rstrip("/") != _origin(settings.external_url):
        raise forbidden("the request comes from another origin")
    cookie += "".join(f"; {name}={_clean(request.cookies[name])}" for name in cookies if request.cookies.get(name))
    return credentials.session(cookie, csrf=_clean(csrf), origin=origin)


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _clean(value: str) -> str:
    if len(value) > 8192 or not value.isascii() or any(char in value for char in "\r\n;, "):
        raise invalid("the credential has characters that no credential has")
    return value
