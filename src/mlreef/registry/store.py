"""Queries over repositories, namespaces, blobs and objects.

Every look-up of a blob names the repository it must belong to. Whoever changes what a namespace holds takes its row
first (`lock_namespace`): pushes, deletions and the garbage collection of one namespace come one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Executable, RowMapping, Table, bindparam, delete, exists, func, select, update

from mlreef.kit.db import Tx, upsert
from mlreef.registry.tables import blobs, manifests, namespaces, objects, repositories

_MOST_NAMED = 500
"""Values in one `IN`: SQLite takes 32,766 parameters, and plans of long lists cost."""

# What every push and pull asks is put together once: building a statement costs more than SQLite takes to answer it.
_REPOSITORY = select(repositories.c.id, repositories.c.namespace_id).where(repositories.c.name == bindparam("name"))
_NAMESPACE = select(namespaces).where(namespaces.c.id == bindparam("id")).with_for_update()
_NAMESPACE_NAMED = select(namespaces).where(namespaces.c.name == bindparam("name"))
_ADD_USED = (
    update(namespaces)
    .where(namespaces.c.id == bindparam("namespace"))
    .values(used=namespaces.c.used + bindparam("size"))
)
_BLOB_NAMED = (
    select(blobs.c.size, blobs.c.touched_at, blobs.c.repository_id)
    .join(repositories, repositories.c.id == blobs.c.repository_id)
    .where(repositories.c.name == bindparam("name"), blobs.c.digest == bindparam("wanted"))
)
_TOUCH_BLOB = (
    update(blobs)
    .where(blobs.c.repository_id == bindparam("repository"), blobs.c.digest == bindparam("wanted"))
    .values(touched_at=bindparam("now"))
)
_TOUCH_OBJECT = update(objects).where(objects.c.digest == bindparam("wanted")).values(touched_at=bindparam("now"))


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository by its keys."""

    id: int
    namespace_id: int


async def insert_missing(tx: Tx, table: Table, *rows: Mapping[str, Any]) -> int:
    """Insert rows whose keys are not there yet; how many were new. Two writers at once are no error."""
    statement = _insert_missing(table, tx.dialect)
    new = 0
    for row in rows:
        new += (await tx.execute(statement, row)).rowcount
    return new


@cache
def _insert_missing(table: Table, dialect: str) -> Executable:
    return upsert.insert(dialect, table).on_conflict_do_nothing()


def batches(values: Iterable[str]) -> Iterable[list[str]]:
    """Distinct values in lists short enough for one statement."""
    ordered = sorted(set(values))
    return (ordered[at : at + _MOST_NAMED] for at in range(0, len(ordered), _MOST_NAMED))


async def find_repository(tx: Tx, name: str) -> Repository | None:
    """The repository called `name`."""
    row = await tx.find(_REPOSITORY, {"name": name})
    return None if row is None else Repository(row["id"], row["namespace_id"])


async def ensure_repository(tx: Tx, name: str, now: datetime) -> Repository:
    """The repository called `name`, made with its namespace when it is new."""
    found = await find_repository(tx, name)
    if found is None:
        namespace = await ensure_namespace(tx, name.partition("/")[0])
        row = {"name": name, "created_at": now, "namespace_id": namespace}
        await insert_missing(tx, repositories, row)
        made = await tx.scalar(select(repositories.c.id).where(repositories.c.name == name))
        return Repository(made, namespace)
    return found


async def ensure_namespace(tx: Tx, name: str) -> int:
    """The id of a namespace, made when it is new."""
    await insert_missing(tx, namespaces, {"name": name, "used": 0})
    found: int = await tx.scalar(select(namespaces.c.id).where(namespaces.c.name == name))
    return found


async def lock_namespace(tx: Tx, namespace: int) -> RowMapping:
    """A namespace (name, used, quota), held until the transaction ends."""
    return await tx.one(_NAMESPACE, {"id": namespace})


async def find_namespace(tx: Tx, name: str) -> RowMapping | None:
    """A namespace by name."""
    return await tx.find(_NAMESPACE_NAMED, {"name": name})


async def list_namespaces(tx: Tx, after: str, limit: int) -> Sequence[RowMapping]:
    """Namespaces in order of their names, behind one."""
    query = select(namespaces).where(namespaces.c.name > after).order_by(namespaces.c.name).limit(limit)
    return await tx.all(query)


async def set_quota(tx: Tx, namespace: int, quota: int | None) -> None:
    """Give a namespace a quota of its own; None takes it away again."""
    await tx.execute(update(namespaces).where(namespaces.c.id == namespace).values(quota=quota))


async def add_used(tx: Tx, namespace: int, size: int) -> None:
    """Count bytes in, or out when negative."""
    await tx.execute(_ADD_USED, {"namespace": namespace, "size": size})


async def list_repositories(tx: Tx, after: str, limit: int) -> list[str]:
    """Names of repositories that hold a manifest, in order, behind a name."""
    held = exists().where(manifests.c.repository_id == repositories.c.id)
    query = select(repositories.c.name).where(repositories.c.name > after, held)
    return [row["name"] for row in await tx.all(query.order_by(repositories.c.name).limit(limit))]


async def list_repository_keys(tx: Tx, after: int, limit: int) -> Sequence[RowMapping]:
    """All repositories (id, namespace_id) in order of their ids, behind one."""
    query = select(repositories.c.id, repositories.c.namespace_id).where(repositories.c.id > after)
    return await tx.all(query.order_by(repositories.c.id).limit(limit))


async def find_blob(tx: Tx, repository: int, digest: str) -> RowMapping | None:
    """A blob of the repository: size and touched_at."""
    query = select(blobs.c.size, blobs.c.touched_at)
    return await tx.find(query.where(blobs.c.repository_id == repository, blobs.c.digest == digest))


async def find_blob_by_name(tx: Tx, name: str, digest: str) -> RowMapping | None:
    """A blob of the repository called `name`, in one query: what every pull asks."""
    return await tx.find(_BLOB_NAMED, {"name": name, "wanted": digest})


async def missing_blobs(tx: Tx, repository: int, digests: Iterable[str]) -> list[str]:
    """Which of the digests are no blobs of the repository."""
    missing: list[str] = []
    for batch in batches(digests):
        query = select(blobs.c.digest).where(blobs.c.repository_id == repository, blobs.c.digest.in_(batch))
        held = {row["digest"] for row in await tx.all(query)}
        missing += [digest for digest in batch if digest not in held]
    return missing


async def touch_blob(tx: Tx, repository: int, digest: str, now: datetime) -> bool:
    """Note that somebody counts on a blob from now on; whether it is one of the repository."""
    values = {"repository": repository, "wanted": digest, "now": now}
    return bool((await tx.execute(_TOUCH_BLOB, values)).rowcount)


async def insert_blob(tx: Tx, repository: int, digest: str, size: int, now: datetime) -> None:
    """Make the stored bytes a blob of the repository."""
    row = {"repository_id": repository, "digest": digest, "size": size, "created_at": now, "touched_at": now}
    await insert_missing(tx, blobs, row)


async def unlink_blob(tx: Tx, repository: int, digest: str) -> bool:
    """Take a blob from the repository; whether it was there."""
    done = await tx.execute(delete(blobs).where(blobs.c.repository_id == repository, blobs.c.digest == digest))
    return bool(done.rowcount)


async def namespace_holds(tx: Tx, namespace: int, digest: str) -> bool:
    """Whether any repository of the namespace has the blob: it is counted once."""
    query = (
        select(blobs.c.size)
        .join(repositories, repositories.c.id == blobs.c.repository_id)
        .where(blobs.c.digest == digest, repositories.c.namespace_id == namespace)
        .limit(1)
    )
    return await tx.find(query) is not None


async def touch_object(tx: Tx, digest: str, size: int, now: datetime) -> bool:
    """Record stored bytes, or that somebody counts on them again; True when they were not known.

    The row stays locked until the transaction ends, and the garbage collection removes bytes under the same lock.
    """
    row = {"digest": digest, "size": size, "touched_at": now}
    if await insert_missing(tx, objects, row):
        return True
    await tx.execute(_TOUCH_OBJECT, {"wanted": digest, "now": now})
    return False


async def count_objects(tx: Tx) -> tuple[int, int]:
    """How many byte sequences are kept, and their size together."""
    row = await tx.one(select(func.count(objects.c.digest).label("n"), func.sum(objects.c.size).label("size")))
    return int(row["n"]), int(row["size"] or 0)
