"""Rules of groups: who finds and makes them, names, visibility, deletion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge import audit
from mlreef.forge.access import policy
from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import namespace_store, namespaces, store
from mlreef.forge.projects import removal
from mlreef.forge.projects import service as projects
from mlreef.forge.state import State
from mlreef.kit.db import Tx
from mlreef.kit.errors import Detail, forbidden, invalid, not_found

VISIBILITIES = ("private", "internal", "public")


@dataclass(frozen=True, slots=True)
class Group:
    """A group as one caller found it."""

    row: RowMapping
    level: int

    @property
    def id(self) -> int:
        """Its number."""
        return int(self.row["id"])

    @property
    def group_ids(self) -> tuple[int, ...]:
        """The group and those above it, nearest first."""
        return projects.ancestors(self.row["traversal"])

    @property
    def resource(self) -> policy.Resource:
        """The group as the policy sees it."""
        return policy.Resource(visibility=self.row["visibility"], level=self.level)


async def get_group(tx: Tx, who: Principal, wanted: str | int, action: str = "guest") -> Group:
    """A group by number or full path, for a caller that may do `action`; see `projects.service.get_project`."""
    row = await _row(tx, str(wanted))
    if row is None:
        raise not_found("404 Group")
    found = Group(row, await level_in(tx, who, row))
    if not policy.visible(who, found.resource):
        raise not_found("404 Group")
    projects.require(who, action, found.resource)
    return found


async def level_in(tx: Tx, who: Principal, row: RowMapping) -> int:
    """The caller's effective level in a group."""
    if who.user_id is None:
        return 0
    today = who.at.astimezone(UTC).date()
    return await store.level(tx, who.user_id, today, group_ids=projects.ancestors(row["traversal"]))


async def create(tx: Tx, who: Principal, values: Mapping[str, Any], parent: Group | None) -> RowMapping:
    """A group; its creator owns it."""
    name, path, visibility = values["name"], values["path"], values["visibility"]
    namespaces.check_path(path, below=parent is not None)
    if parent is not None:
        _check_inside(visibility, parent.row["visibility"])
        if len(parent.group_ids) >= namespaces.DEEPEST:
            raise invalid(f"groups can be nested {namespaces.DEEPEST} deep")
    full_path = f"{parent.row['full_path']}/{path}" if parent is not None else path
    if await namespace_store.taken(tx, full_path):
        fault = "has already been taken"
        raise invalid(f"path {fault}", details=[Detail("path", fault)])
    group_id = await namespace_store.create(
        tx,
        kind="group",
        path=path,
        name=name,
        parent=parent.row if parent is not None else None,
        now=who.at,
        visibility=visibility,
        description=values.get("description") or "",
        settings=values.get("settings"),
        avatar=values.get("avatar"),
    )
    owner = {"source_type": "group", "source_id": group_id, "user_id": who.user_id, "access_level": policy.Level.OWNER}
    await store.add_member(tx, {**owner, "created_at": who.at, "created_by": who.user_id})
    await audit.record(tx, who, "group.create", kind="group", id=group_id, target=full_path)
    return await _get(tx, group_id)


async def change(tx: Tx, who: Principal, group: Group, values: dict[str, Any]) -> RowMapping:
    """Change a group; making it less visible needs everything in it to be at most as visible."""
    row = group.row
    if "visibility" in values:
        parent = await store.find_by_id(tx, row["parent_id"]) if row["parent_id"] is not None else None
        if parent is not None:
            _check_inside(values["visibility"], parent["visibility"])
        await _check_contents(tx, row, values["visibility"])
    if "path" in values and values["path"] != row["path"]:
        namespaces.check_path(values["path"], below=row["parent_id"] is not None)
        above = row["full_path"].rpartition("/")[0]
        await namespaces.move_paths(tx, row, f"{above}/{values['path']}" if above else values["path"])
    if "settings" in values:
        values["settings"] = {**row["settings"], **values["settings"]}
    if values:
        await namespace_store.change(tx, row["id"], values)
    await audit.record(
        tx, who, "group.update", kind="group", id=row["id"], target=row["full_path"], details={"fields": sorted(values)}
    )
    return await _get(tx, row["id"])


async def remove(state: State, tx: Tx, who: Principal, group: Group) -> None:
    """Delete a group with its subgroups and projects."""
    row = group.row
    await removal.remove_below(state, tx, who, row["traversal"])
    for one in await namespace_store.below(tx, row["traversal"]):
        await store.remove_members_of(tx, "group", one["id"])
        await namespace_store.remove(tx, one["id"])
    await audit.record(tx, who, "group.delete", kind="group", id=row["id"], target=row["full_path"])


async def full_names(tx: Tx, rows: list[RowMapping]) -> dict[int, str]:
    """`Parent / Child` for every row."""
    above = {one for row in rows for one in projects.ancestors(row["traversal"])}
    known = await store.by_ids(tx, list(above))
    return {
        row["id"]: " / ".join(known[one]["name"] for one in reversed(projects.ancestors(row["traversal"])))
        for row in rows
    }


def may_create_in(who: Principal, group: Group) -> None:
    """Subgroups are made by maintainers, as the group's default settings say."""
    if not policy.allowed(who, "maintainer", group.resource):
        raise forbidden("403 Forbidden")


async def _get(tx: Tx, group_id: int) -> RowMapping:
    found = await store.find_by_id(tx, group_id)
    if found is None:
        raise not_found("404 Group")
    return found


async def _row(tx: Tx, wanted: str) -> RowMapping | None:
    if wanted.isascii() and wanted.isdecimal():
        row = await store.find_by_id(tx, int(wanted)) if len(wanted) < 19 else None
    else:
        row = await store.find_by_path(tx, wanted)
    return row if row is not None and row["kind"] == "group" else None


def _check_inside(visibility: str, outer: str) -> None:
    if VISIBILITIES.index(visibility) > VISIBILITIES.index(outer):
        fault = f"{visibility} is not allowed since the parent group has a {outer} visibility"
        raise invalid(fault, details=[Detail("visibility_level", fault)])


async def _check_contents(tx: Tx, row: RowMapping, visibility: str) -> None:
    wider = VISIBILITIES[VISIBILITIES.index(visibility) + 1 :]
    if await namespace_store.has_wider(tx, row, wider):
        fault = f"{visibility} is not allowed since there are contents with higher visibility"
        raise invalid(fault, details=[Detail("visibility_level", fault)])
