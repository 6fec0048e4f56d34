"""Statements that make, change and move namespaces."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, update
from sqlalchemy.engine import RowMapping

from mlreef.forge.groups import store
from mlreef.forge.groups.tables import namespaces
from mlreef.forge.projects.tables import projects
from mlreef.kit.db import Tx


async def taken(tx: Tx, full_path: str) -> bool:
    """Whether a namespace or project has this path, whatever its case."""
    if await store.find_by_path(tx, full_path) is not None:
        return True
    found = await tx.find(projects.select().where(func.lower(projects.c.full_path) == full_path.lower()))
    return found is not None


async def create(
    tx: Tx,
    *,
    kind: str,
    path: str,
    name: str,
    parent: RowMapping | None,
    now: datetime,
    owner_id: int | None = None,
    visibility: str = "public",
    description: str = "",
    settings: dict[str, Any] | None = None,
    avatar: str | None = None,
) -> int:
    """A new namespace; the caller has checked that its path is free."""
    namespace_id: int = await tx.insert(
        namespaces,
        {
            "kind": kind,
            "name": name,
            "path": path,
            "full_path": f"{parent['full_path']}/{path}" if parent is not None else path,
            "parent_id": parent["id"] if parent is not None else None,
            "traversal": "",
            "owner_id": owner_id,
            "visibility": visibility,
            "description": description,
            "settings": settings or {},
            "avatar": avatar,
            "created_at": now,
        },
    )
    traversal = f"{parent['traversal'] if parent is not None else ''}{namespace_id}/"
    await change(tx, namespace_id, {"traversal": traversal})
    return namespace_id


async def change(tx: Tx, namespace_id: int, values: dict[str, Any]) -> None:
    """Set columns of a namespace."""
    await tx.execute(update(namespaces).where(namespaces.c.id == namespace_id).values(**values))


async def below(tx: Tx, traversal: str) -> list[RowMapping]:
    """A namespace and everything under it, the deepest first."""
    found = namespaces.c.traversal.startswith(traversal, autoescape=True)
    return sorted(await tx.all(namespaces.select().where(found)), key=lambda row: -len(row["traversal"]))


async def move(tx: Tx, namespace: RowMapping, full_path: str) -> None:
    """Give a namespace another full path, and everything below it."""
    start = len(namespace["full_path"]) + 1
    under = namespaces.c.traversal.startswith(namespace["traversal"], autoescape=True)
    ids = [row["id"] for row in await tx.all(namespaces.select().where(under))]
    for table, where in ((projects, projects.c.namespace_id.in_(ids)), (namespaces, under)):
        moved = full_path + func.substr(table.c.full_path, start)
        await tx.execute(update(table).where(where).values(full_path=moved))


async def remove(tx: Tx, namespace_id: int) -> None:
    """Forget a namespace."""
    await tx.execute(namespaces.delete().where(namespaces.c.id == namespace_id))


async def has_wider(tx: Tx, namespace: RowMapping, visibilities: tuple[str, ...]) -> bool:
    """Whether something in a group has one of these visibilities."""
    under = namespaces.c.traversal.startswith(namespace["traversal"], autoescape=True)
    inner = namespaces.select().where(
        under, namespaces.c.id != namespace["id"], namespaces.c.visibility.in_(visibilities)
    )
    ids = [row["id"] for row in await tx.all(namespaces.select().where(under))]
    inside = projects.select().where(projects.c.namespace_id.in_(ids), projects.c.visibility.in_(visibilities))
    return await tx.find(inner) is not None or await tx.find(inside) is not None
