"""Wire shapes of the LFS batch and locking API.

https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md and locking.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mlreef.kit import clock
from mlreef.kit.errors import Kind, PlatformError, invalid

MEDIA_TYPE = "application/vnd.git-lfs+json"
MAX_OBJECTS = 10_000


class Object(msgspec.Struct):
    """An object as a client names it."""

    oid: str
    size: int


class Batch(msgspec.Struct):
    """A request for transfers."""

    operation: str
    objects: list[Object] = []
    transfers: list[str] = []
    hash_algo: str = "sha256"


class LockRequest(msgspec.Struct):
    """A request for a lock."""

    path: str


class VerifyRequest(msgspec.Struct):
    """Which locks are mine?"""

    cursor: str | None = None
    limit: int | None = None


class UnlockRequest(msgspec.Struct):
    """Give a lock back."""

    force: bool = False


class ObjectRequest(msgspec.Struct):
    """An object that a client says it has stored."""

    oid: str
    size: int


def decode(body: bytes, kind: type[Any]) -> Any:
    """The request; raises invalid with the first thing that does not fit."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise invalid(f"the LFS request does not fit: {exc}") from exc


def batch(body: bytes) -> Batch:
    """A batch request within its limits."""
    found: Batch = decode(body, Batch)
    if found.operation not in {"upload", "download"}:
        raise invalid("operation must be upload or download")
    if found.hash_algo != "sha256":
        raise PlatformError(Kind.CONFLICT, "hash_algo: only sha256 is supported")
    if found.transfers and "basic" not in found.transfers:
        raise invalid("transfers: only basic is supported")
    if len(found.objects) > MAX_OBJECTS:
        raise PlatformError(Kind.TOO_LARGE, f"more than {MAX_OBJECTS} objects in one batch; send several")
    return found


def lock(row: Mapping[Any, Any]) -> dict[str, Any]:
    """One lock."""
    owner = {"name": row["owner"]}
    return {"id": str(row["id"]), "path": row["path"], "locked_at": clock.iso(row["locked_at"]), "owner": owner}


def locks(rows: Sequence[Mapping[Any, Any]], limit: int, user_id: int | None = None) -> dict[str, Any]:
    """A page of locks; `rows` holds one more than `limit` when there are more. With a user: split by owner."""
    page, more = rows[:limit], len(rows) > limit
    cursor = {"next_cursor": str(page[-1]["id"])} if more else {}
    if user_id is None:
        return {"locks": [lock(row) for row in page], **cursor}
    ours = [lock(row) for row in page if row["user_id"] == user_id]
    theirs = [lock(row) for row in page if row["user_id"] != user_id]
    return {"ours": ours, "theirs": theirs, **cursor}
