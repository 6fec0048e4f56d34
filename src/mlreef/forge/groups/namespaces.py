"""Namespaces: one per user, and the tree of groups. A path is unique over both, whatever its case."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sqlalchemy import func, update
from sqlalchemy.engine import RowMapping

from mlreef.forge.groups import store
from mlreef.forge.groups.tables import namespaces
from mlreef.forge.projects.tables import projects
from mlreef.kit.db import Tx
from mlreef.kit.errors import Detail, invalid

PATH = re.compile(r"[A-Za-z0-9_.](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_-])?")
DEEPEST = 20

# First segments that the origin or its front end answers itself.
_RESERVED = frozenset({
    "-", "api", "v2", "oauth", "jwt", "uploads", "assets", "metrics", "admin", "dashboard", "explore", "groups", "help",
    "login", "logout", "projects", "public", "register", "search", "settings", "users", ".well-known", "favicon.ico",
    "robots.txt", "index.html", "marketplace", "experiments", "runs", "snippets", "import", "files", "unsubscribes",
})  # fmt: skip
_RESERVED_BELOW = frozenset({
    "-", "badges", "blame", "blob", "builds", "commits", "create", "create_dir", "edit", "environments", "find_file",
    "gitlab-lfs", "info", "new", "preview", "raw", "refs", "tree", "update", "wikis",
})  # fmt: skip


def check_path(path: str, *, below: bool) -> None:
    """Refuse what cannot be one segment of a URL, or would hide a page."""
    reserved = _RESERVED_BELOW if below else _RESERVED
    if not PATH.fullmatch(path) or path.lower().endswith((".git", ".atom")) or ".." in path or path == ".":
        fault = (
            "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-', end in '.', "
            "'.git' or '.atom', or contain '..'"
        )
        raise invalid(f"path {fault}", details=[Detail("path", fault)])
    if path.lower() in reserved:
        raise invalid(f"path {path} is a reserved name", details=[Detail("path", f"{path} is a reserved name")])


async def taken(tx: Tx, full_path: str) -> bool:
    """Whether a namespace or project has this path."""
    if await store.find_by_path(tx, full_path) is not None:
        return True
    found = await tx.find(projects.select().where(func.lower(projects.c.full_path) == full_path.lower()))
    return found is not None


async def create_for_user(tx: Tx, user_id: int, username: str, name: str, now: datetime) -> int:
    """The namespace that every user has."""
    check_path(username, below=False)
    return await create(tx, kind="user", path=username, name=name, parent=None, now=now, owner_id=user_id)


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


async def rename_of_user(tx: Tx, user_id: int, username: str) -> None:
    """A user's namespace follows the user's name."""
    own = await store.find_of_user(tx, user_id)
    if own is None:
        return
    check_path(username, below=False)
    await move_paths(tx, own, username)
    await change(tx, own["id"], {"path": username})


async def move_paths(tx: Tx, namespace: RowMapping, full_path: str) -> None:
    """Give a namespace another full path, and everything below it."""
    old = namespace["full_path"]
    if full_path.lower() != old.lower() and await taken(tx, full_path):
        raise invalid("path has already been taken", details=[Detail("path", "has already been taken")])
    start = len(old) + 1
    below = namespaces.c.traversal.startswith(namespace["traversal"], autoescape=True)
    ids = [row["id"] for row in await tx.all(namespaces.select().where(below))]
    for table, where in ((projects, projects.c.namespace_id.in_(ids)), (namespaces, below)):
        moved = full_path + func.substr(table.c.full_path, start)
        await tx.execute(update(table).where(where).values(full_path=moved))
