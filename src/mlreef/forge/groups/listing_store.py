"""Which groups and namespaces a list shows: what the caller may see, narrowed by what the request asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.engine import RowMapping

from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import store
from mlreef.forge.groups.tables import namespaces
from mlreef.kit.db import Tx
from mlreef.kit.paging import Page

ORDERS = ("name", "path", "id", "similarity")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of groups is narrowed to."""

    search: str | None = None
    visibility: str | None = None
    top_level: bool = False
    least: int | None = None
    """Least access level of the caller."""
    parent_id: int | None = None
    below: str | None = None
    """Traversal of the group whose descendants are wanted."""
    order: str = "name"
    descending: bool = False


async def list_groups(tx: Tx, who: Principal, wanted: Wanted, page: Page) -> tuple[Sequence[RowMapping], int]:
    """A page of groups."""
    where = [namespaces.c.kind == "group", *_visible(who), *_asked(who, wanted)]
    total = await tx.scalar(select(func.count()).select_from(namespaces).where(*where))
    column = namespaces.c["name" if wanted.order == "similarity" else wanted.order]
    listed = select(namespaces).where(*where).order_by(column.desc() if wanted.descending else column, namespaces.c.id)
    return await tx.all(listed.offset(page.offset).limit(page.size)), total


async def list_usable(tx: Tx, who: Principal, search: str | None) -> Sequence[RowMapping]:
    """Namespaces in which the caller may have projects; all for administrators."""
    where: list[ColumnElement[bool]] = []
    if not who.admin:
        usable = store.reachable(who.user_id or 0, who.at.astimezone(UTC).date(), 30)
        where.append(or_(namespaces.c.owner_id == who.user_id, namespaces.c.id.in_(usable)))
    if search:
        where.append(func.lower(namespaces.c.full_path).contains(search.lower(), autoescape=True))
    return await tx.all(select(namespaces).where(*where).order_by(namespaces.c.id))


def _visible(who: Principal) -> list[ColumnElement[bool]]:
    if who.admin:
        return []
    if who.user_id is None:
        return [namespaces.c.visibility == "public"]
    open_ones = ["public"] if who.external else ["public", "internal"]
    member = store.reachable(who.user_id, who.at.astimezone(UTC).date())
    return [or_(namespaces.c.visibility.in_(open_ones), namespaces.c.id.in_(member))]


def _asked(who: Principal, wanted: Wanted) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if wanted.search:
        text = wanted.search.lower()
        names = (func.lower(namespaces.c.name), func.lower(namespaces.c.full_path))
        where.append(or_(*(name.contains(text, autoescape=True) for name in names)))
    if wanted.visibility:
        where.append(namespaces.c.visibility == wanted.visibility)
    if wanted.top_level:
        where.append(namespaces.c.parent_id.is_(None))
    if wanted.least is not None and who.user_id is not None:
        member = store.reachable(who.user_id, who.at.astimezone(UTC).date(), wanted.least)
        where.append(namespaces.c.id.in_(member))
    if wanted.parent_id is not None:
        where.append(namespaces.c.parent_id == wanted.parent_id)
    if wanted.below is not None:
        where.append(namespaces.c.traversal.startswith(wanted.below, autoescape=True))
        where.append(namespaces.c.traversal != wanted.below)
    return where
