"""Queries on users, tokens, sessions and failed logins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.engine import RowMapping

from mlreef.forge.access.tables import login_failures, sessions, tokens, users
from mlreef.kit.db import Tx
from mlreef.kit.paging import Page


async def find_user(tx: Tx, user_id: int) -> RowMapping | None:
    """A user by number."""
    return await tx.find(select(users).where(users.c.id == user_id))


async def find_by_username(tx: Tx, username: str) -> RowMapping | None:
    """A user by name, whatever the case."""
    return await tx.find(select(users).where(func.lower(users.c.username) == username.lower()))


async def find_by_email(tx: Tx, email: str) -> RowMapping | None:
    """A user by address, whatever the case."""
    return await tx.find(select(users).where(func.lower(users.c.email) == email.lower()))


async def users_by_id(tx: Tx, ids: Sequence[int]) -> dict[int, RowMapping]:
    """Several users at once."""
    rows = await tx.all(select(users).where(users.c.id.in_(set(ids)))) if ids else []
    return {row["id"]: row for row in rows}


async def list_users(tx: Tx, filters: Mapping[str, Any], page: Page) -> tuple[Sequence[RowMapping], int]:
    """A page of users that match, and how many match."""
    where: list[ColumnElement[bool]] = []
    if filters.get("username"):
        where.append(func.lower(users.c.username) == str(filters["username"]).lower())
    if filters.get("search"):
        text = str(filters["search"]).lower()
        names = (func.lower(users.c.username), func.lower(users.c.name))
        where.append(or_(*(name.contains(text, autoescape=True) for name in names), func.lower(users.c.email) == text))
    where += [users.c.state == state for state in ("active", "blocked") if filters.get(state)]
    where += [users.c[flag].is_(filters[flag]) for flag in ("external", "admin") if filters.get(flag) is not None]
    if filters.get("id_after"):
        where.append(users.c.id > filters["id_after"])
    total = await tx.scalar(select(func.count()).select_from(users).where(*where))
    column = users.c[filters.get("order_by") or "id"]
    order = column.asc() if filters.get("sort") == "asc" else column.desc()
    rows = await tx.all(select(users).where(*where).order_by(order, users.c.id).offset(page.offset).limit(page.size))
    return rows, total


async def change_user(tx: Tx, user_id: int, values: Mapping[str, Any]) -> None:
    """Set columns of a user."""
    await tx.execute(update(users).where(users.c.id == user_id).values(**values))


async def remove_user(tx: Tx, user_id: int) -> None:
    """Forget a user; tokens, sessions, memberships and stars go along."""
    await tx.execute(delete(users).where(users.c.id == user_id))


async def find_token(tx: Tx, token_hash: str) -> RowMapping | None:
    """A token by the hash of its secret."""
    return await tx.find(select(tokens).where(tokens.c.token_hash == token_hash))


async def find_token_by_id(tx: Tx, token_id: int) -> RowMapping | None:
    """A token by number."""
    return await tx.find(select(tokens).where(tokens.c.id == token_id))


async def list_tokens(tx: Tx, filters: Mapping[str, Any], page: Page) -> tuple[Sequence[RowMapping], int]:
    """A page of tokens: `user_id`, `search`, `revoked`, `state` with `today`."""
    where: list[ColumnElement[bool]] = []
    if filters.get("user_id") is not None:
        where.append(tokens.c.user_id == filters["user_id"])
    if filters.get("search"):
        where.append(func.lower(tokens.c.name).contains(str(filters["search"]).lower(), autoescape=True))
    if filters.get("revoked") is not None:
        where.append(tokens.c.revoked.is_(filters["revoked"]))
    live = tokens.c.revoked.is_(False) & or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > filters["today"])
    if filters.get("state") == "active":
        where.append(live)
    elif filters.get("state") == "inactive":
        where.append(~live)
    total = await tx.scalar(select(func.count()).select_from(tokens).where(*where))
    listed = select(tokens).where(*where).order_by(tokens.c.id.desc()).offset(page.offset).limit(page.size)
    return await tx.all(listed), total


async def revoke_token(tx: Tx, token_id: int) -> None:
    """A revoked token never works again."""
    await tx.execute(update(tokens).where(tokens.c.id == token_id).values(revoked=True))


async def note_use(tx: Tx, used: Mapping[int, datetime], seen: Mapping[int, datetime]) -> None:
    """When tokens and sessions were last used."""
    for token_id, moment in used.items():
        await tx.execute(update(tokens).where(tokens.c.id == token_id).values(last_used_at=moment))
    for session_id, moment in seen.items():
        await tx.execute(update(sessions).where(sessions.c.id == session_id).values(seen_at=moment))


async def find_session(tx: Tx, token_hash: str) -> RowMapping | None:
    """A session by the hash of its cookie."""
    return await tx.find(select(sessions).where(sessions.c.token_hash == token_hash))


async def remove_sessions(tx: Tx, *, session_id: int | None = None, user_id: int | None = None) -> None:
    """End one session, or all of a user."""
    where = sessions.c.id == session_id if session_id is not None else sessions.c.user_id == user_id
    await tx.execute(delete(sessions).where(where))


async def count_failures(tx: Tx, keys: Sequence[str], since: datetime) -> int:
    """The most failed logins that any of these keys has had lately."""
    recent = select(func.max(login_failures.c.count)).where(
        login_failures.c.key.in_(keys), login_failures.c.since > since
    )
    return await tx.scalar(recent) or 0


async def add_failure(tx: Tx, key: str, now: datetime, window: timedelta) -> None:
    """Count one more failed login."""
    row = await tx.find(select(login_failures).where(login_failures.c.key == key))
    if row is None:
        await tx.insert(login_failures, {"key": key, "since": now, "count": 1})
        return
    fresh = row["since"] <= now - window
    values = {"since": now, "count": 1} if fresh else {"count": login_failures.c.count + 1}
    await tx.execute(update(login_failures).where(login_failures.c.key == key).values(**values))


async def clear_failures(tx: Tx, key: str) -> None:
    """A success starts the count afresh."""
    await tx.execute(delete(login_failures).where(login_failures.c.key == key))


async def purge(tx: Tx, *, now: datetime, idle: timedelta, window: timedelta) -> None:
    """Forget sessions and failures that no longer count."""
    await tx.execute(delete(sessions).where(or_(sessions.c.expires_at <= now, sessions.c.seen_at <= now - idle)))
    await tx.execute(delete(login_failures).where(login_failures.c.since <= now - window))
