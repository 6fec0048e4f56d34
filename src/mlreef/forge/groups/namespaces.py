"""Namespaces: one per user, and the tree of groups. A path is unique over both, whatever its case."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy.engine import RowMapping

from mlreef.forge.groups import namespace_store, store
from mlreef.kit.db import Tx
from mlreef.kit.errors import Detail, invalid

PATH = re.compile(r"[A-Za-z0-9_.](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_-])?")
DEEPEST = 20

# First segments that the origin or its front end answers itself.
_RESERVED = frozenset({
    "-", "api", "v2", "oauth", "jwt", "uploads", "assets", "metrics", "admin", "dashboard", "explore", "groups", "help",
    "login", "logout", "projects", "public", "register", "search", "settings", "users", ".well-known", "favicon.ico",
    "robots.txt", "index.html", "marketplace", "experiments", "runs", "snippets", "import", "files", "unsubscribes",
    "account",
})  # fmt: skip
_RESERVED_BELOW = frozenset({
    "-", "badges", "blame", "blob", "builds", "commits", "create", "create_dir", "edit", "find_file",
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


async def create_for_user(tx: Tx, user_id: int, username: str, name: str, now: datetime) -> int:
    """The namespace that every user has."""
    check_path(username, below=False)
    return await namespace_store.create(
        tx, kind="user", path=username, name=name, parent=None, now=now, owner_id=user_id
    )


async def rename_of_user(tx: Tx, user_id: int, username: str) -> None:
    """A user's namespace follows the user's name."""
    own = await store.find_of_user(tx, user_id)
    if own is None:
        return
    check_path(username, below=False)
    await move_paths(tx, own, username)
    await namespace_store.change(tx, own["id"], {"path": username})


async def move_paths(tx: Tx, namespace: RowMapping, full_path: str) -> None:
    """Give a namespace another full path, and everything below it."""
    if full_path.lower() != namespace["full_path"].lower() and await namespace_store.taken(tx, full_path):
        raise invalid("path has already been taken", details=[Detail("path", "has already been taken")])
    await namespace_store.move(tx, namespace, full_path)
