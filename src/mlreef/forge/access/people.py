"""Rules of user accounts: names, registration, changes, blocking."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge import audit
from mlreef.forge.access import store
from mlreef.forge.access.principal import Principal
from mlreef.forge.access.tables import users
from mlreef.forge.groups import namespace_store, namespaces
from mlreef.kit.db import Tx
from mlreef.kit.errors import Detail, conflict, invalid, not_found

USERNAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_-])?")
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*")
PROFILE = ("bio", "location", "public_email", "website_url", "organization", "job_title", "pronouns", "note")
BLOCKED, ACTIVE = "blocked", "active"


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be made; the password is hashed already, outside of any transaction."""

    username: str
    name: str
    email: str
    password_hash: str | None
    admin: bool = False
    external: bool = False
    bot: bool = False
    profile: Mapping[str, Any] | None = None
    avatar: str | None = None


async def create(tx: Tx, who: Principal, new: NewUser) -> RowMapping:
    """A user with a namespace of the same name."""
    check_username(new.username)
    _check(name=new.name, email=new.email)
    if await store.find_by_email(tx, new.email):
        raise conflict("Email has already been taken")
    if await store.find_by_username(tx, new.username) or await namespace_store.taken(tx, new.username):
        raise conflict("Username has already been taken")
    user_id = await tx.insert(
        users,
        {
            "username": new.username,
            "name": new.name,
            "email": new.email.lower(),
            "password_hash": new.password_hash,
            "state": ACTIVE,
            "admin": new.admin,
            "external": new.external,
            "bot": new.bot,
            "profile": dict(new.profile or {}),
            "avatar": new.avatar,
            "created_at": who.at,
            "created_by": who.user_id,
        },
    )
    await namespaces.create_for_user(tx, user_id, new.username, new.name, who.at)
    details = {"username": new.username, "admin": new.admin}
    await audit.record(tx, who, "user.create", kind="user", id=user_id, target=new.username, details=details)
    return await get(tx, user_id)


async def get(tx: Tx, user_id: int) -> RowMapping:
    """A user that exists."""
    found = await store.find_user(tx, user_id)
    if found is None:
        raise not_found("404 User")
    return found


async def find(tx: Tx, wanted: str) -> RowMapping | None:
    """A user by number or name."""
    if wanted.isascii() and wanted.isdecimal():
        return await store.find_user(tx, int(wanted)) if len(wanted) < 19 else None
    return await store.find_by_username(tx, wanted)


async def change(tx: Tx, who: Principal, user: RowMapping, values: Mapping[str, Any]) -> RowMapping:
    """Change a user; who gets a new password or loses rights is logged out everywhere."""
    _check(name=values.get("name"), email=values.get("email"))
    if "email" in values:
        other = await store.find_by_email(tx, values["email"])
        if other is not None and other["id"] != user["id"]:
            raise conflict("Email has already been taken")
    if "username" in values and values["username"] != user["username"]:
        check_username(values["username"])
        await namespaces.rename_of_user(tx, user["id"], values["username"])
    await store.change_user(tx, user["id"], values)
    if values.keys() & {"password_hash", "admin"}:
        await store.remove_sessions(tx, user_id=user["id"])
    fields = sorted(values)
    await audit.record(
        tx, who, "user.update", kind="user", id=user["id"], target=user["username"], details={"fields": fields}
    )
    return await get(tx, user["id"])


async def set_state(tx: Tx, who: Principal, user: RowMapping, state: str) -> None:
    """Block or unblock; a blocked user's sessions end at once, tokens stop working."""
    await store.change_user(tx, user["id"], {"state": state})
    if state != ACTIVE:
        await store.remove_sessions(tx, user_id=user["id"])
    await audit.record(
        tx, who, "user.state", kind="user", id=user["id"], target=user["username"], details={"state": state}
    )


async def remove(tx: Tx, who: Principal, user: RowMapping) -> None:
    """Delete a user; their projects must be gone."""
    await store.remove_user(tx, user["id"])
    await audit.record(tx, who, "user.delete", kind="user", id=user["id"], target=user["username"])


def check_username(username: str) -> None:
    """Refuse names that could not be part of a path."""
    good = USERNAME.fullmatch(username) and not username.lower().endswith((".git", ".atom")) and ".." not in username
    if not good:
        fault = "can contain only letters, digits, '_', '-', '.'; it cannot start with '-' or '.' or end with '.'"
        raise invalid(f"username {fault}", details=[Detail("username", fault)])


def _check(*, name: str | None, email: str | None) -> None:
    faults = []
    if name is not None and not 1 <= len(name.strip()) <= 255:
        faults.append(Detail("name", "is too long (maximum is 255 characters)" if name.strip() else "can't be blank"))
    if email is not None and (len(email) > 254 or not EMAIL.fullmatch(email)):
        faults.append(Detail("email", "is invalid"))
    if faults:
        raise invalid("the user is not valid", details=faults)
