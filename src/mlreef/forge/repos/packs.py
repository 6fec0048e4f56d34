"""New objects, made in memory and handed to git as one pack.

The API writes the way a push does: the same checks (fsck), the same durability, one file for thousands of objects.
Pack format: gitformat-pack(5).
"""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

from mlreef.forge.repos import git
from mlreef.kit.errors import invalid

_TYPES = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_LOOSE = 100
"""Up to this many objects are kept one by one, as `git receive-pack` does, to avoid many tiny packs."""


class Batch:
    """Objects that belong together, each once."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[str, bytes]] = {}

    def add(self, kind: str, data: bytes) -> str:
        """Take an object and return its id."""
        sha = hashlib.sha1(b"%s %d\x00" % (kind.encode(), len(data)) + data, usedforsecurity=False).hexdigest()
        self._objects[sha] = (kind, data)
        return sha

    def __len__(self) -> int:
        return len(self._objects)

    def pack(self) -> bytes:
        """All objects as a pack stream."""
        out = bytearray(b"PACK" + (2).to_bytes(4, "big") + len(self._objects).to_bytes(4, "big"))
        for kind, data in self._objects.values():
            out += _header(_TYPES[kind], len(data))
            out += zlib.compress(data, 1)
        out += hashlib.sha1(out, usedforsecurity=False).digest()
        return bytes(out)


async def keep(repo: Path, pack: bytes, objects: int) -> None:
    """Give a pack to git, which checks every object and refuses hostile ones."""
    command = (
        ["unpack-objects", "-q", "--strict"]
        if objects <= _LOOSE
        else ["index-pack", "--stdin", "--strict", "--fix-thin"]
    )
    try:
        await git.run(repo, *command, input=pack)
    except git.GitFailed as exc:
        raise invalid(f"git refused the content: {exc.said.strip()[-300:]}") from exc


def _header(kind: int, size: int) -> bytes:
    out, byte = bytearray(), (kind << 4) | (size & 15)
    size >>= 4
    while size:
        out.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    out.append(byte)
    return bytes(out)
