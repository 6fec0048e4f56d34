"""One byte string per JSON value: what digests and cache keys are computed over.

Sorted keys, no spaces, UTF-8 without escapes, no NaN or infinity. The framework inside jobs writes the same form, so a
digest computed there can be checked here.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any


def encode(value: Any) -> bytes:
    """The canonical bytes of a JSON value; raises ValueError for what JSON cannot carry."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def digest(value: Any) -> str:
    """SHA-256, in hexadecimal, of the canonical bytes."""
    return hashlib.sha256(encode(value)).hexdigest()


def sha256(content: bytes) -> str:
    """SHA-256 of bytes that are canonical already."""
    return hashlib.sha256(content).hexdigest()
