"""Users of a list of rows, each read once, and a user's public form on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.ports import User
from mlreef.kit.db import Tx


async def of(ci: Ci, tx: Tx, user_ids: Iterable[int]) -> dict[int, User]:
    """The users by id."""
    return {user_id: await ci.directory.get_user(tx, user_id) for user_id in set(user_ids)}


def payload(user: User) -> dict[str, Any]:
    """The basic user object of GitLab."""
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "state": user.state,
        "avatar_url": user.avatar_url,
        "web_url": user.web_url,
    }
