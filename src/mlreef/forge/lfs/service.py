"""The rules of LFS: what a batch answers, and who may lock and unlock.

An object that another project holds must still be uploaded here: possession is proven by bytes, never by its hash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlreef.forge.lfs import bundles, schemas, store, tickets
from mlreef.kit.db import Tx
from mlreef.kit.errors import Kind, PlatformError, forbidden, invalid, not_found

_OID = re.compile(r"[0-9a-f]{64}")
MAX_LOCKS = 100


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks about which project, as the routes found out."""

    project_id: int
    url: str
    """The repository's address, ending in `.git`."""
    user_id: int
    username: str
    may_push: bool
    may_maintain: bool = False
    public: bool = False
    """Whether anonymous people may read, so that transfers need no credential."""
    authorization: str | None = None
    """A credential to hand back instead of a ticket: a job's token dies with its job."""


class LockExists(PlatformError):
    """Somebody holds the lock already; the answer shows it."""

    def __init__(self, lock: Mapping[Any, Any]) -> None:
        super().__init__(Kind.CONFLICT, "already created lock")
        self.lock = schemas.lock(lock)


async def batch(
    tx: Tx, access: Access, request: schemas.Batch, *, secret: bytes, now: datetime, max_size: int
) -> dict[str, Any]:
    """Answer a batch request: where to send or fetch each object."""
    if request.operation == "upload" and not access.may_push:
        raise forbidden("You are not allowed to push LFS objects to this project.")
    named = [one.oid for one in request.objects if _OID.fullmatch(one.oid)]
    held = await store.sizes(tx, access.project_id, named)
    make = _upload if request.operation == "upload" else _download
    answers = []
    for one in request.objects:
        fault = _fault(one, max_size)
        base: dict[str, Any] = {"oid": one.oid, "size": one.size}
        answers.append(base | (fault or make(access, one, held.get(one.oid), secret, now)))
    answer: dict[str, Any] = {"transfer": "basic", "objects": answers, "hash_algo": "sha256"}
    if bundles.NAME in request.transfers:
        # Single objects go where their own actions say; small ones may come together.
        href = f"{access.url}/gitlab-lfs/bundle" + ("" if request.operation == "upload" else "/read")
        answer |= {"transfer": bundles.NAME, "bundle": {"href": href, "max_bytes": bundles.MAX_BYTES}}
    return answer


def _fault(one: schemas.Object, max_size: int) -> dict[str, Any] | None:
    if not _OID.fullmatch(one.oid):
        return {"error": {"code": 422, "message": "oid: 64 lower-case hexadecimal digits are needed"}}
    if not 0 <= one.size <= max_size:
        return {"error": {"code": 422, "message": f"size: 0 to {max_size} bytes are allowed"}}
    return None


def _upload(access: Access, one: schemas.Object, held: int | None, secret: bytes, now: datetime) -> dict[str, Any]:
    if held == one.size:
        return {}
    href = f"{access.url}/gitlab-lfs/objects/{one.oid}/{one.size}"
    header = _header(access, "upload", one.oid, one.size, secret=secret, now=now)
    header |= {"Content-Type": "application/octet-stream", "Transfer-Encoding": "chunked"}
    return {"authenticated": True, "actions": {"upload": {"href": href, "header": header} | _expiry(access)}}


def _download(access: Access, one: schemas.Object, held: int | None, secret: bytes, now: datetime) -> dict[str, Any]:
    if held is None:
        return {"error": {"code": 404, "message": "Object does not exist on the server or you don't have permissions"}}
    href = f"{access.url}/gitlab-lfs/objects/{one.oid}"
    header = {} if access.public else _header(access, "download", one.oid, 0, secret=secret, now=now)
    action = {"href": href, "header": header} | _expiry(access)
    return {"authenticated": True, "actions": {"download": action}}


def _header(access: Access, operation: str, oid: str, size: int, *, secret: bytes, now: datetime) -> dict[str, str]:
    if access.authorization is not None:
        return {"Authorization": access.authorization}
    expires = int(now.timestamp()) + tickets.SECONDS
    ticket = tickets.Ticket(operation, access.project_id, access.user_id, oid, size, expires)
    return {"Authorization": tickets.issue(secret, ticket)}


def _expiry(access: Access) -> dict[str, int]:
    # Clients renew early; a job's own token needs no renewal.
    return {} if access.authorization is not None else {"expires_in": tickets.SECONDS - 60}


def checked_oid(oid: str) -> str:
    """The object id, if it is one."""
    if not _OID.fullmatch(oid):
        raise not_found("LFS Object")
    return oid


async def get_object(tx: Tx, project_id: int, oid: str) -> int:
    """The size of an object that this project holds; raises not_found."""
    found = await store.sizes(tx, project_id, [checked_oid(oid)])
    if oid not in found:
        raise not_found("LFS Object")
    return found[oid]


async def lock(tx: Tx, access: Access, path: str, now: datetime) -> dict[str, Any]:
    """Take a lock; raises LockExists when somebody has it."""
    if not access.may_push:
        raise forbidden("You must have push access to create a lock")
    if not path or len(path) > 4096 or "\x00" in path:
        raise invalid("path: 1 to 4096 characters are needed")
    existing = await store.find_lock_of(tx, access.project_id, path)
    if existing is not None:
        raise LockExists(existing)
    values = {
        "project_id": access.project_id,
        "path": path,
        "user_id": access.user_id,
        "owner": access.username,
        "locked_at": now,
    }
    number = await store.add_lock(tx, values)
    return schemas.lock({**values, "id": number})


async def list_locks(
    tx: Tx, access: Access, *, cursor: str | None, limit: str | int | None, path: str | None, lock_id: str | None
) -> dict[str, Any]:
    """A page of locks."""
    size, after = _page(cursor, limit)
    number = _number(lock_id) if lock_id is not None else None
    rows = await store.list_locks(tx, access.project_id, after=after, limit=size + 1, path=path, lock_id=number)
    return schemas.locks(rows, size)


async def verify_locks(tx: Tx, access: Access, request: schemas.VerifyRequest) -> dict[str, Any]:
    """Before a push: which locks are the pusher's, and which would stop it."""
    if not access.may_push:
        raise forbidden("You must have push access to verify locks")
    size, after = _page(request.cursor, request.limit)
    rows: Sequence[Mapping[Any, Any]] = await store.list_locks(tx, access.project_id, after=after, limit=size + 1)
    return schemas.locks(rows, size, access.user_id)


async def unlock(tx: Tx, access: Access, lock_id: str, *, force: bool) -> dict[str, Any]:
    """Give a lock back; others' locks need force and Maintainer."""
    if not access.may_push:
        raise forbidden("You must have push access to delete a lock")
    found = await store.find_lock(tx, access.project_id, _number(lock_id))
    if found is None:
        raise not_found("Lock")
    if found["user_id"] != access.user_id and not (force and access.may_maintain):
        owner = found["owner"]
        raise forbidden(f"{found['path']} is locked by {owner}; a maintainer can unlock it with --force")
    await store.remove_lock(tx, found["id"])
    return schemas.lock(found)


def _page(cursor: str | None, limit: str | int | None) -> tuple[int, int]:
    try:
        size = min(MAX_LOCKS, max(1, int(limit or MAX_LOCKS)))
    except ValueError:
        raise invalid("limit must be a whole number") from None
    return size, _number(cursor) if cursor else 0


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise not_found("Lock")
    return int(text)
