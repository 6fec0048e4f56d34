"""Names of upload sessions: what opens one is in its name, so nothing has to be written before bytes arrive.

A name holds when and for which repository the session was opened, 128 random bits, and a check over them. Any process
can continue it, after a restart too. Nobody signs it: one that a caller makes up opens what POST gives with the same
token, and no more, for every request of a session needs the right to push to its repository. Sessions that have
received bytes or were given up have a row (`uploads`), and then the row decides.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta

_NAME = re.compile(r"([0-9a-f]{11})[0-9a-f]{32}([0-9a-f]{16})")
_CLOCKS = timedelta(minutes=10)
"""By how much the clocks of several processes may differ."""


def new(repository: str, now: datetime) -> str:
    """A name for a session that begins now."""
    stem = f"{round(now.timestamp() * 1000):011x}{secrets.token_hex(16)}"
    return stem + _check(repository, stem)


def find_begin(repository: str, upload: str, now: datetime, hours: float) -> datetime | None:
    """When a session without a row was opened; None when it was not opened here, or too long ago."""
    match = _NAME.fullmatch(upload)
    if match is None or match[2] != _check(repository, upload[:-16]):
        return None
    begin = datetime.fromtimestamp(int(match[1], 16) / 1000, UTC)
    return begin if now - timedelta(hours=hours) <= begin <= now + _CLOCKS else None


def _check(repository: str, stem: str) -> str:
    return hashlib.sha256(f"{repository}\n{stem}".encode()).hexdigest()[:16]
