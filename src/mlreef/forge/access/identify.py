"""From a request to a `Principal`, the same way for every transport: headers, parameters, Basic, job token, cookie.

The first credential that is present decides; one that is not valid is refused and never falls back to another.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from fastapi import Request
from sqlalchemy.engine import RowMapping

from mlreef.forge.access import passwords, store
from mlreef.forge.access.principal import ALL_SCOPES, JobPrincipal, Principal
from mlreef.forge.state import State
from mlreef.kit import ids
from mlreef.kit.db import Tx
from mlreef.kit.errors import Kind, PlatformError, forbidden, unauthenticated

SESSION_COOKIE, CSRF_COOKIE = "mlreef_session", "mlreef_csrf"
JOB_USER = "gitlab-ci-token"
TOKEN_PREFIX = "glpat-"  # noqa: S105 - a prefix, not a secret
_SAFE = {"GET", "HEAD", "OPTIONS"}


class InvalidToken(PlatformError):
    """A token that once was valid; GitLab says why."""

    def __init__(self, why: str) -> None:
        super().__init__(Kind.UNAUTHENTICATED, f"Token {why}. You have to re-authorize from the user.")


async def caller(state: State, request: Request, *, basic: bool = False) -> Principal:
    """Who makes this request; `basic` also takes `Authorization: Basic` (git, LFS, registry tokens)."""
    at = state.clock.now()
    ip = request.client.host if request.client else None
    async with state.db.read() as tx:
        who = await _present(state, tx, request, at=at, basic=basic)
        who = _with_ip(who, ip)
        sudo = request.headers.get("sudo") or request.query_params.get("sudo")
        return await _sudo(tx, who, sudo) if sudo and not who.anonymous else who


async def _present(state: State, tx: Tx, request: Request, *, at: datetime, basic: bool) -> Principal:
    headers, query = request.headers, request.query_params
    token = headers.get("private-token") or query.get("private_token")
    if token:
        return await by_token(state, tx, token, at)
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return await by_secret(state, tx, value.strip(), at)
    if basic and scheme.lower() == "basic":
        return await by_basic(state, tx, request, value.strip(), at)
    job_token = headers.get("job-token") or query.get("job_token")
    if job_token:
        return await by_job(state, tx, job_token, at)
    cookie = request.cookies.get(f"__Host-{SESSION_COOKIE}") or request.cookies.get(SESSION_COOKIE)
    if cookie:
        return await by_session(state, tx, request, cookie, at)
    return Principal(at=at)


async def by_secret(state: State, tx: Tx, secret: str, at: datetime) -> Principal:
    """By a personal access token or a job's token, told apart by their prefix."""
    if secret.startswith(TOKEN_PREFIX):
        return await by_token(state, tx, secret, at)
    return await by_job(state, tx, secret, at)


async def by_token(state: State, tx: Tx, token: str, at: datetime) -> Principal:
    """By a personal access token."""
    row = await store.find_token(tx, ids.hash_token(token))
    if row is None:
        raise unauthenticated()
    if row["revoked"]:
        raise InvalidToken("was revoked")
    if row["expires_at"] is not None and row["expires_at"] <= at.astimezone(UTC).date():
        raise InvalidToken("is expired")
    user = await store.find_user(tx, row["user_id"])
    if user is None:
        raise unauthenticated()
    state.uses.token(row, at)
    return _user(user, at, "personal_access_token", scopes=frozenset(row["scopes"]), token_id=row["id"])


async def by_job(state: State, tx: Tx, token: str, at: datetime) -> Principal:
    """By the token of a running job."""
    job = await state.job_tokens.find(tx, token)
    user = await store.find_user(tx, job.user_id) if job is not None else None
    if job is None or user is None:
        raise unauthenticated()
    return _user(user, at, "job", scopes=frozenset(), job=job)


async def by_basic(state: State, tx: Tx, request: Request, value: str, at: datetime) -> Principal:
    """By name and token, name and password, or a job's token under its fixed name."""
    try:
        name, separator, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise unauthenticated() from None
    if not separator or not secret:
        raise unauthenticated()
    if name == JOB_USER:
        return await by_job(state, tx, secret, at)
    if secret.startswith(TOKEN_PREFIX):
        return await by_token(state, tx, secret, at)
    keys = passwords.failure_keys(name, request.client.host if request.client else None)
    await passwords.check_rate(state, tx, keys, at)
    user = await passwords.find_user(tx, name, secret)
    if user is None:
        state.uses.failure(keys)
        raise unauthenticated()
    return _user(user, at, "password", scopes=ALL_SCOPES)


async def by_session(state: State, tx: Tx, request: Request, cookie: str, at: datetime) -> Principal:
    """By the browser's cookie; what changes something also needs the CSRF token and, if sent, the right origin."""
    row = await store.find_session(tx, ids.hash_token(cookie))
    idle = timedelta(seconds=state.settings.session_idle_seconds)
    user = await store.find_user(tx, row["user_id"]) if row is not None else None
    if row is None or user is None or row["expires_at"] <= at or row["seen_at"] <= at - idle:
        # Scripts cannot remove this cookie: refusing it would keep its owner from logging in again.
        return Principal(at=at)
    if request.method not in _SAFE:
        given = request.headers.get("x-csrf-token", "")
        if not ids.same(ids.hash_token(given), row["csrf_hash"]) or not _own_origin(state, request):
            raise forbidden("403 Forbidden - the CSRF token is missing or wrong: send the mlreef_csrf cookie's value")
    state.uses.session(row, at)
    return _user(user, at, "session", scopes=ALL_SCOPES, session_id=row["id"])


def _own_origin(state: State, request: Request) -> bool:
    origin = request.headers.get("origin")
    if origin is None:
        return True
    netloc = urlsplit(origin).netloc
    return netloc in {request.headers.get("host"), urlsplit(state.settings.external_url).netloc}


async def _sudo(tx: Tx, who: Principal, name: str) -> Principal:
    if not who.admin:
        raise forbidden("403 Forbidden - Must be admin to use sudo")
    if not who.has_scope("sudo"):
        raise forbidden("403 Forbidden - the token needs the scope sudo")
    user = await (store.find_user(tx, int(name)) if name.isdecimal() else store.find_by_username(tx, name))
    if user is None:
        raise PlatformError(Kind.NOT_FOUND, f"404 User with ID or username '{name}' Not Found")
    return _with_ip(_user(user, who.at, who.method, scopes=who.scopes, token_id=who.token_id), who.ip)


def _user(
    row: RowMapping,
    at: datetime,
    method: str,
    *,
    scopes: frozenset[str],
    token_id: int | None = None,
    session_id: int | None = None,
    job: JobPrincipal | None = None,
) -> Principal:
    return Principal(
        at=at,
        user_id=row["id"],
        username=row["username"],
        name=row["name"],
        email=row["email"],
        admin=row["admin"] and job is None,
        blocked=row["state"] != "active",
        external=row["external"],
        method=method,
        scopes=scopes,
        token_id=token_id,
        session_id=session_id,
        job=job,
    )


def _with_ip(who: Principal, ip: str | None) -> Principal:
    from dataclasses import replace

    return replace(who, ip=ip)
