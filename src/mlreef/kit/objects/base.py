"""What every object store does, and what it refuses."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlreef.kit.errors import Kind, PlatformError, invalid

CHUNK = 1 << 20
"""Bytes per read on the way out: small chunks cost uvicorn two thirds of its throughput."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class DigestMismatch(PlatformError):
    """The bytes received are not those that were announced; nothing of them was kept."""

    def __init__(self, expected: str, received: str) -> None:
        super().__init__(Kind.INVALID, f"digest mismatch: announced {expected}, received {received}; send it again")


class SizeMismatch(PlatformError):
    """Fewer or more bytes arrived than announced; nothing of them was kept."""

    def __init__(self, expected: int, received: int) -> None:
        super().__init__(Kind.INVALID, f"size mismatch: announced {expected} bytes, received {received}; send it again")


class TooLarge(PlatformError):
    """More bytes than the limit; nothing of them was kept."""

    def __init__(self, limit: int) -> None:
        super().__init__(Kind.TOO_LARGE, f"larger than the limit of {limit} bytes")


@dataclass(frozen=True, slots=True)
class Stored:
    """What was kept: SHA-256 as 64 hexadecimal digits, and its size in bytes."""

    digest: str
    size: int


class ObjectStore(Protocol):
    """Content-addressed storage. `put` returns only when the bytes and their name survive a power cut."""

    async def put(
        self,
        chunks: AsyncIterable[bytes],
        *,
        expect: str | None = None,
        size: int | None = None,
        max_size: int | None = None,
    ) -> Stored:
        """Keep the bytes of `chunks`, hashed while they arrive.

        Raises DigestMismatch, SizeMismatch or TooLarge, and then keeps nothing.
        """
        ...

    async def stat(self, digest: str) -> int | None:
        """The size in bytes, or None when there is no such object."""
        ...

    def open(self, digest: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Stream the bytes from `start` up to, not including, `end`; raises not_found on the first read."""
        ...

    def local_path(self, digest: str) -> Path | None:
        """The file that holds the object, when the store is a local directory."""
        ...

    async def delete(self, digest: str) -> None:
        """Forget the object; deleting what is not there is no error."""
        ...

    def iter_all(self) -> AsyncIterator[tuple[str, int]]:
        """Every object (digest, size), in any order; what comes or goes meanwhile may be told or not."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def checked(digest: str) -> str:
    """The digest itself if it is one: nothing else may ever become part of a path or key."""
    if not _DIGEST.fullmatch(digest):
        raise invalid("not a SHA-256 digest: 64 lower-case hexadecimal digits are needed")
    return digest


def is_digest(name: str) -> bool:
    """Whether a name found in a store is an object's."""
    return _DIGEST.fullmatch(name) is not None


def verify(digest: str, received: int, expect: str | None, size: int | None) -> None:
    """Compare what arrived with what was announced."""
    if size is not None and received != size:
        raise SizeMismatch(size, received)
    if expect is not None and digest != expect:
        raise DigestMismatch(expect, digest)
