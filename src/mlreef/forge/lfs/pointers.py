"""LFS pointer files: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md#the-pointer."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_BYTES = 1024

_VERSION = b"version https://git-lfs.github.com/spec/v1\n"
_OID = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)
_SIZE = re.compile(rb"^size (\d{1,18})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a pointer file stands for."""

    oid: str
    size: int

    def text(self) -> str:
        """The pointer file."""
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.oid}\nsize {self.size}\n"


def parse(data: bytes) -> Pointer | None:
    """The pointer that a file's bytes are, or None when they are just a file."""
    if len(data) > MAX_BYTES or not data.startswith(_VERSION):
        return None
    oid, size = _OID.search(data), _SIZE.search(data)
    return Pointer(oid[1].decode(), int(size[1])) if oid and size else None
