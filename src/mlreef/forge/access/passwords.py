"""Passwords: Argon2id, at least twelve characters, and a limit on guessing per account and per address."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.engine import RowMapping

from mlreef.forge.access import store
from mlreef.forge.state import State
from mlreef.kit.db import Tx
from mlreef.kit.errors import Detail, Kind, PlatformError, invalid

LEAST = 12
MOST = 128

_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)  # OWASP's minimum for Argon2id
_FOOL = "$argon2id$v=19$m=19456,t=2,p=1$zN1iLD6+/GVLE10p2kQCAw$Lrt7AtySaT9vQWjwMzmRfuiROyQDHCYhrtGDFFbKDBc"
"""The verifier of a forgotten password: compared with when there is no such user."""
_COMMON = {"password1234", "passwordpassword", "123456789012", "qwertyuiopas", "mlreefmlreef"}


async def hashed(password: str, username: str = "") -> str:
    """The verifier of a password; refuses short and obvious ones."""
    fault = None
    if len(password) < LEAST:
        fault = f"is too short (minimum is {LEAST} characters)"
    elif len(password) > MOST:
        fault = f"is too long (maximum is {MOST} characters)"
    elif password.lower() in _COMMON or len(set(password)) < 4 or (username and password.lower() == username.lower()):
        fault = "is too easy to guess"
    if fault is not None:
        raise invalid(f"password {fault}", details=[Detail("password", fault)])
    return await asyncio.to_thread(_hasher.hash, password)


async def find_user(tx: Tx, login: str, password: str) -> RowMapping | None:
    """The user that this login (name or address) and password belong to; takes as long when there is none."""
    row = await (store.find_by_email(tx, login) if "@" in login else store.find_by_username(tx, login))
    verifier = row["password_hash"] if row is not None else None
    matches = await asyncio.to_thread(_matches, verifier or _FOOL, password[: MOST + 1])
    return row if matches and verifier is not None else None


def _matches(verifier: str, password: str) -> bool:
    try:
        return _hasher.verify(verifier, password)
    except (VerificationError, InvalidHashError):
        return False


def failure_keys(login: str, ip: str | None) -> list[str]:
    """What failed logins are counted under: the account and the address, both only as hashes."""
    return [hashlib.sha256(part.encode()).hexdigest() for part in (f"login {login.lower()}", f"ip {ip or '-'}")]


async def check_rate(state: State, tx: Tx, keys: Sequence[str], now: datetime) -> None:
    """Refuse a login when too many failed; an address may fail ten times as often as an account."""
    since = now - timedelta(seconds=state.settings.login_window_seconds)
    limit = state.settings.login_attempts
    account, address = await store.count_failures(tx, keys[:1], since), await store.count_failures(tx, keys[1:], since)
    if account >= limit or address >= limit * 10:
        raise PlatformError(Kind.RATE_LIMITED, "Retry later")
