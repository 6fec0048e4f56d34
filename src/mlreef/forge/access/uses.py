"""When credentials were used, kept in memory and written by a loop: a GET request changes no row by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.engine import RowMapping

_PRECISION = timedelta(minutes=5)


class Uses:
    """Uses and failures that are still to be written."""

    def __init__(self) -> None:
        self._tokens: dict[int, datetime] = {}
        self._sessions: dict[int, datetime] = {}
        self._failures: list[str] = []

    def token(self, row: RowMapping, at: datetime) -> None:
        """A token was used."""
        if row["last_used_at"] is None or at - row["last_used_at"] > _PRECISION:
            self._tokens[row["id"]] = at

    def session(self, row: RowMapping, at: datetime) -> None:
        """A session was used."""
        if at - row["seen_at"] > _PRECISION:
            self._sessions[row["id"]] = at

    def failure(self, keys: Sequence[str]) -> None:
        """A login failed while only reading."""
        self._failures.extend(keys)

    def taken(self) -> tuple[dict[int, datetime], dict[int, datetime], list[str]]:
        """Everything noted since the last call."""
        found = (self._tokens, self._sessions, self._failures)
        self._tokens, self._sessions, self._failures = {}, {}, []
        return found
