"""Rules of memberships, the same for groups and projects.

Nobody gives more than they have, and no group loses its last owner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date

from sqlalchemy.engine import RowMapping

from mlreef.forge import audit
from mlreef.forge.access import store as access_store
from mlreef.forge.access.policy import Level
from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import store
from mlreef.kit.db import Tx
from mlreef.kit.errors import conflict, forbidden, invalid, not_found

LEVELS = (5, 10, 15, 20, 30, 40, 50)


@dataclass(frozen=True, slots=True)
class Place:
    """Where memberships are: a group or project, the groups above it, and the caller's own level there."""

    kind: str  # group or project
    id: int
    name: str
    group_ids: tuple[int, ...]
    level: int

    @property
    def sources(self) -> list[tuple[str, int]]:
        """The place itself and everything that it inherits from."""
        own = [(self.kind, self.id)]
        return own + [("group", one) for one in self.group_ids if (("group", one)) not in own]


async def list_all(tx: Tx, who: Principal, place: Place, query: str | None, *, inherited: bool) -> Sequence[RowMapping]:
    """Members; with `inherited`, everybody once with their highest level."""
    sources = place.sources if inherited else place.sources[:1]
    rows = await store.list_members(tx, sources, query, _today(who))
    best: dict[int, RowMapping] = {}
    for row in rows:
        held = best.get(row["user_id"])
        if held is None or row["access_level"] > held["access_level"]:
            best[row["user_id"]] = row
    return list(best.values())


async def get(tx: Tx, who: Principal, place: Place, user_id: int, *, inherited: bool) -> RowMapping:
    """One member."""
    rows = await list_all(tx, who, place, None, inherited=inherited)
    found = next((row for row in rows if row["user_id"] == user_id), None)
    if found is None:
        raise not_found("404")
    return found


async def add(
    tx: Tx, who: Principal, place: Place, user_ids: Sequence[int], *, level: int, expires_at: date | None
) -> None:
    """Make users members."""
    _check(who, place, level, expires_at)
    for user_id in user_ids:
        user = await access_store.find_user(tx, user_id)
        if user is None:
            raise not_found("404 User")
        held = await store.find_member(tx, place.kind, place.id, user_id)
        if held is not None and (held["expires_at"] is None or held["expires_at"] > _today(who)):
            raise conflict("Member already exists")
        if held is not None:
            await store.remove_member(tx, held["id"])
        inherited = await store.level(tx, user_id, _today(who), group_ids=place.group_ids)
        if inherited > level:
            raise invalid(f"access_level should be greater than or equal to {inherited}: the user inherits that much")
        values = {"source_type": place.kind, "source_id": place.id, "user_id": user_id, "access_level": level}
        values |= {"expires_at": expires_at, "created_at": who.at, "created_by": who.user_id}
        await store.add_member(tx, values)
        details = {"user": user["username"], "access_level": level}
        await audit.record(tx, who, "member.add", kind=place.kind, id=place.id, target=place.name, details=details)


async def change(
    tx: Tx, who: Principal, place: Place, user_id: int, *, level: int, expires_at: date | None, keep_end: bool
) -> None:
    """Another level or end; an owner is changed by owners only."""
    held = await _direct(tx, place, user_id)
    _check(who, place, max(level, held["access_level"]), expires_at)
    if held["access_level"] >= Level.OWNER and level < Level.OWNER:
        await _keep_owner(tx, who, place)
    values = {"access_level": level} if keep_end else {"access_level": level, "expires_at": expires_at}
    await store.change_member(tx, held["id"], values)
    details = {"user_id": user_id, "access_level": level}
    await audit.record(tx, who, "member.update", kind=place.kind, id=place.id, target=place.name, details=details)


async def remove(tx: Tx, who: Principal, place: Place, user_id: int) -> None:
    """End a membership; everybody may leave."""
    held = await _direct(tx, place, user_id)
    if user_id != who.user_id:
        _check(who, place, held["access_level"], None)
    if held["access_level"] >= Level.OWNER:
        await _keep_owner(tx, who, place)
    await store.remove_member(tx, held["id"])
    details = {"user_id": user_id}
    await audit.record(tx, who, "member.remove", kind=place.kind, id=place.id, target=place.name, details=details)


async def find_user_ids(tx: Tx, user_ids: Sequence[str], username: str | None) -> list[int]:
    """The users a request names, by number or by name."""
    if username is not None:
        found = await access_store.find_by_username(tx, username)
        if found is None:
            raise not_found("404 User")
        return [found["id"]]
    if not user_ids or not all(one.isdecimal() and len(one) < 19 for one in user_ids):
        raise invalid("user_id is invalid" if user_ids else "user_id is missing")
    return [int(one) for one in user_ids]


async def _direct(tx: Tx, place: Place, user_id: int) -> RowMapping:
    held = await store.find_member(tx, place.kind, place.id, user_id)
    if held is None:
        raise not_found("404")
    return held


def _check(who: Principal, place: Place, level: int, expires_at: date | None) -> None:
    if level not in LEVELS:
        raise invalid("access_level does not have a valid value")
    if not who.admin and (place.level < Level.MAINTAINER or level > place.level):
        raise forbidden("403 Forbidden")
    if expires_at is not None and expires_at <= _today(who):
        raise invalid("expires_at cannot be a date in the past")


async def _keep_owner(tx: Tx, who: Principal, place: Place) -> None:
    """A group without owners could be managed by nobody; neither could a personal project."""
    if place.kind == "project" and not place.group_ids:
        raise forbidden("403 Forbidden - the owner of a personal project stays")
    alone = place.kind == "group" and len(place.group_ids) == 1
    if alone and await store.count_owners(tx, place.id, _today(who)) <= 1:
        raise forbidden("403 Forbidden - the last owner of a group stays: make somebody else an owner first")


def _today(who: Principal) -> date:
    return who.at.astimezone(UTC).date()
