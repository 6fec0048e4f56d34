"""Queries on namespaces and memberships."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, update
from sqlalchemy.engine import RowMapping

from mlreef.forge.access.tables import users
from mlreef.forge.groups.tables import members, namespaces
from mlreef.kit.db import Tx


async def find_by_id(tx: Tx, namespace_id: int) -> RowMapping | None:
    """A namespace by number."""
    return await tx.find(select(namespaces).where(namespaces.c.id == namespace_id))


async def find_by_path(tx: Tx, full_path: str) -> RowMapping | None:
    """A namespace by its full path, whatever the case."""
    return await tx.find(select(namespaces).where(func.lower(namespaces.c.full_path) == full_path.lower()))


async def find_of_user(tx: Tx, user_id: int) -> RowMapping | None:
    """A user's own namespace."""
    return await tx.find(select(namespaces).where(namespaces.c.kind == "user", namespaces.c.owner_id == user_id))


async def by_ids(tx: Tx, ids: Sequence[int]) -> dict[int, RowMapping]:
    """Several namespaces at once."""
    rows = await tx.all(select(namespaces).where(namespaces.c.id.in_(set(ids)))) if ids else []
    return {row["id"]: row for row in rows}


def live(today: date) -> ColumnElement[bool]:
    """Memberships that have not expired."""
    return or_(members.c.expires_at.is_(None), members.c.expires_at > today)


async def level(tx: Tx, user_id: int, today: date, *, group_ids: Sequence[int], project_id: int | None = None) -> int:
    """A user's effective level: the highest of the direct and inherited memberships."""
    sources = [and_(members.c.source_type == "group", members.c.source_id.in_(group_ids))]
    if project_id is not None:
        sources.append(and_(members.c.source_type == "project", members.c.source_id == project_id))
    highest = select(func.max(members.c.access_level)).where(members.c.user_id == user_id, live(today), or_(*sources))
    return await tx.scalar(highest) or 0


async def memberships(tx: Tx, user_id: int, today: date) -> Sequence[RowMapping]:
    """All memberships of a user that count, with the traversal of groups."""
    joined = members.outerjoin(
        namespaces, and_(members.c.source_type == "group", members.c.source_id == namespaces.c.id)
    )
    wanted = select(members, namespaces.c.traversal).select_from(joined)
    return await tx.all(wanted.where(members.c.user_id == user_id, live(today)))


def reachable(user_id: int, today: date, least: int = 1) -> Select[tuple[int]]:
    """Ids of namespaces in which a user is a member, directly or by a group above."""
    above = namespaces.alias("above")
    return (
        select(namespaces.c.id)
        .select_from(namespaces)
        .join(above, namespaces.c.traversal.startswith(above.c.traversal))
        .join(members, and_(members.c.source_type == "group", members.c.source_id == above.c.id))
        .where(members.c.user_id == user_id, members.c.access_level >= least, live(today))
    )


def shared(user_id: int, today: date, least: int = 1) -> Select[tuple[int]]:
    """Ids of projects in which a user is a direct member."""
    return select(members.c.source_id).where(
        members.c.source_type == "project",
        members.c.user_id == user_id,
        members.c.access_level >= least,
        live(today),
    )


async def list_members(
    tx: Tx, sources: Sequence[tuple[str, int]], query: str | None, today: date
) -> Sequence[RowMapping]:
    """Memberships in any of the sources that count, with their users."""
    where = [and_(members.c.source_type == kind, members.c.source_id == source) for kind, source in sources]
    wanted = (
        select(
            members.c.user_id,
            members.c.source_type,
            members.c.source_id,
            members.c.access_level,
            members.c.expires_at,
            members.c.created_at,
            members.c.created_by,
            users.c.username,
            users.c.name,
            users.c.state,
            users.c.avatar,
        )
        .select_from(members.join(users, users.c.id == members.c.user_id))
        .where(or_(*where), live(today))
        .order_by(members.c.id)
    )
    if query:
        text = query.lower()
        names = (func.lower(users.c.username), func.lower(users.c.name))
        wanted = wanted.where(or_(*(name.contains(text, autoescape=True) for name in names)))
    return await tx.all(wanted)


async def find_member(tx: Tx, kind: str, source_id: int, user_id: int) -> RowMapping | None:
    """A direct membership, be it expired."""
    return await tx.find(
        select(members).where(
            members.c.source_type == kind, members.c.source_id == source_id, members.c.user_id == user_id
        )
    )


async def add_member(tx: Tx, values: Mapping[str, Any]) -> None:
    """A new membership."""
    await tx.insert(members, values)


async def change_member(tx: Tx, member_id: int, values: Mapping[str, Any]) -> None:
    """Another level or end of a membership."""
    await tx.execute(update(members).where(members.c.id == member_id).values(**values))


async def remove_member(tx: Tx, member_id: int) -> None:
    """End a membership."""
    await tx.execute(delete(members).where(members.c.id == member_id))


async def remove_members_of(tx: Tx, kind: str, source_id: int) -> None:
    """End all memberships of what is deleted."""
    await tx.execute(delete(members).where(members.c.source_type == kind, members.c.source_id == source_id))


async def count_owners(tx: Tx, group_id: int, today: date) -> int:
    """How many direct owners a group has."""
    owners = select(func.count()).where(
        members.c.source_type == "group",
        members.c.source_id == group_id,
        members.c.access_level >= 50,
        live(today),
    )
    return await tx.scalar(owners) or 0
