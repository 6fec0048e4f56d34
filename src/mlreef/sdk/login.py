"""From a password to a token: the one moment when the SDK sees a password."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta

import httpx

from mlreef.kit.errors import Kind
from mlreef.sdk.http import ApiError, error_from

_SCOPES = ["api", "read_user", "read_repository", "write_repository", "read_registry", "write_registry"]


def login(url: str, username: str, password: str, *, name: str | None = None, days: int = 90) -> str:
    """Log in and return a new personal access token that lasts `days`; the session itself is ended again."""
    base = url.rstrip("/")
    expires = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    body = {"name": name or f"cli on {socket.gethostname()}", "scopes": _SCOPES, "expires_at": expires}
    try:
        with httpx.Client(base_url=base, timeout=30) as client:
            answer = client.post("/-/session", json={"login": username, "password": password})
            if answer.status_code >= 400:
                raise error_from(answer)
            headers = {"x-csrf-token": client.cookies.get("mlreef_csrf") or ""}
            made = client.post("/-/personal_access_tokens", json=body, headers=headers)
            client.delete("/-/session", headers=headers)
    except httpx.TransportError as exc:
        raise ApiError(Kind.UNAVAILABLE, f"{base} does not answer: {exc}") from exc
    if made.status_code >= 400:
        raise error_from(made)
    token: str = made.json()["token"]
    return token


def register(url: str, username: str, password: str, email: str, *, name: str | None = None) -> None:
    """Make an account."""
    body = {"username": username, "password": password, "email": email, "name": name or username}
    answer = httpx.post(f"{url.rstrip('/')}/-/users", json=body, timeout=30)
    if answer.status_code >= 400:
        raise error_from(answer)
