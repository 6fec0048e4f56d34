"""A column whose texts are encrypted at rest (AES-128-CBC with HMAC, "Fernet"), transparently for whoever queries.

The key lies in a file beside the database, so a copy of the database alone tells nothing. A database that was opened
without a key refuses such columns instead of writing them in the clear.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Text
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator

from mlreef.kit import secret_files
from mlreef.kit.errors import Kind, PlatformError

_MARK = "sealed:1:"
_ATTRIBUTE = "mlreef_seal"


class Seal:
    """Encrypts and decrypts with one key."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)

    @classmethod
    def load(cls, path: Path) -> Seal:
        """The key in a file, made when there is none; of two processes that start at once, the first one's stays."""
        if not path.exists():
            secret_files.make(path, Fernet.generate_key())
        return cls(path.read_bytes())

    def close(self, text: str) -> str:
        """The text as it is stored."""
        return _MARK + self._fernet.encrypt(text.encode()).decode()

    def open(self, stored: str) -> str:
        """The text again; raises when the key is another one."""
        try:
            return self._fernet.decrypt(stored.removeprefix(_MARK)).decode()
        except InvalidToken as exc:
            message = "a stored secret cannot be decrypted: the key file is not the one it was written with"
            raise PlatformError(Kind.UNAVAILABLE, message) from exc


class SealedText(TypeDecorator[str]):
    """Text that is stored encrypted with the key its database was opened with."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Encrypt."""
        return None if value is None else _seal_of(dialect).close(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Decrypt."""
        return None if value is None else _seal_of(dialect).open(value)


def give(dialect: Dialect, seal: Seal) -> None:
    """Let the sealed columns of an engine use this key."""
    setattr(dialect, _ATTRIBUTE, seal)


def _seal_of(dialect: Dialect) -> Seal:
    seal: Any = getattr(dialect, _ATTRIBUTE, None)
    if not isinstance(seal, Seal):
        raise RuntimeError("this database was opened without a key for its sealed columns")
    return seal
