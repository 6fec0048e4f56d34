"""Opaque ids and secret tokens.

Ids are time-ordered (48 bits of milliseconds, 80 random) so that indexes stay compact; tokens are 256 random bits
behind a typed prefix with a checksum, shown once and stored only as a SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import zlib

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32, lower case


def _base32(value: int, length: int) -> str:
    out = []
    for _ in range(length):
        out.append(_ALPHABET[value & 31])
        value >>= 5
    return "".join(reversed(out))


def new_id(prefix: str) -> str:
    """A time-ordered opaque id such as `run_01k...` (26 characters after the prefix)."""
    millis = time.time_ns() // 1_000_000
    return f"{prefix}_{_base32((millis << 80) | secrets.randbits(80), 26)}"


def new_token(prefix: str) -> str:
    """A secret such as `glpat-...`: 256 random bits and a checksum that finds mistyped tokens without a look-up."""
    body = secrets.token_urlsafe(32).replace("-", "x").replace("_", "y")
    return f"{prefix}{body}{_checksum(prefix + body)}"


def valid_token(token: str, prefix: str) -> bool:
    """Whether `token` has the shape of one made by `new_token(prefix)`; says nothing about its being known."""
    return token.startswith(prefix) and len(token) > len(prefix) + 6 and _checksum(token[:-6]) == token[-6:]


def hash_token(token: str) -> str:
    """The verifier kept in the database in place of the token (256-bit random, so a plain hash suffices)."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Constant-time comparison of two secrets."""
    return hmac.compare_digest(left.encode(), right.encode())


def _checksum(text: str) -> str:
    return _base32(zlib.crc32(text.encode()), 6)
