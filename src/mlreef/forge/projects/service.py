"""Finding projects for a caller: hidden ones do not exist, visible ones say what may not be done with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from sqlalchemy.engine import RowMapping

from mlreef.forge.access import policy
from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import store as groups_store
from mlreef.forge.projects import store
from mlreef.kit.db import Tx
from mlreef.kit.errors import forbidden, not_found, unauthenticated


@dataclass(frozen=True, slots=True)
class Project:
    """A project as one caller found it; `level` is the caller's effective access level."""

    id: int
    name: str
    path: str
    full_path: str
    namespace_id: int
    namespace_path: str
    """Full path of the namespace."""
    group_ids: tuple[int, ...]
    """The groups it lies in, nearest first; empty in a user's namespace."""
    root_namespace_id: int
    visibility: str
    default_branch: str
    archived: bool
    description: str
    ci_config_path: str | None
    creator_id: int
    level: int
    row: RowMapping
    """All columns of the project and its namespace."""

    @property
    def resource(self) -> policy.Resource:
        """The project as the policy sees it."""
        return policy.Resource(visibility=self.visibility, level=self.level, project_id=self.id, archived=self.archived)


async def get_project(tx: Tx, who: Principal, wanted: str | int, action: str = "guest") -> Project:
    """A project by number or full path, for a caller that may do `action`.

    404 when it does not exist or is hidden, 401 when logging in may help, 403 when seeing it is not enough.
    """
    found = await find_project(tx, who, wanted)
    if found is None:
        raise not_found("404 Project")
    require(who, action, found.resource)
    return found


async def find_project(tx: Tx, who: Principal, wanted: str | int) -> Project | None:
    """A project that the caller may see."""
    row = await _row(tx, wanted)
    if row is None:
        return None
    found = of(row, await level_in(tx, who, row))
    return found if policy.visible(who, found.resource) else None


async def find_any(tx: Tx, project_id: int) -> Project | None:
    """A project by number, for what the platform does on its own; grants nothing to anybody."""
    row = await store.find_by_id(tx, project_id)
    return None if row is None else of(row, 0)


def require(who: Principal, action: str, resource: policy.Resource) -> None:
    """Raise what a caller is told who sees a resource but may not do `action` with it."""
    if policy.allowed(who, action, resource):
        return
    if who.anonymous:
        raise unauthenticated()
    if resource.archived and not policy.RULES[action].archived:
        raise forbidden("403 Forbidden - the project is archived: unarchive it to change its contents")
    raise forbidden("403 Forbidden")


async def level_in(tx: Tx, who: Principal, row: RowMapping) -> int:
    """The caller's effective level in a project."""
    if who.user_id is None:
        return 0
    today = who.at.astimezone(UTC).date()
    return await groups_store.level(tx, who.user_id, today, group_ids=ancestors(row["traversal"]), project_id=row["id"])


async def levels_in(tx: Tx, who: Principal, rows: Sequence[RowMapping]) -> dict[int, tuple[int, int]]:
    """For each project of a page: the caller's direct level, and the one inherited from groups."""
    if who.user_id is None or not rows:
        return {row["id"]: (0, 0) for row in rows}
    mine = await groups_store.memberships(tx, who.user_id, who.at.astimezone(UTC).date())
    direct = {one["source_id"]: one["access_level"] for one in mine if one["source_type"] == "project"}
    groups = [(one["traversal"], one["access_level"]) for one in mine if one["source_type"] == "group"]
    return {
        row["id"]: (
            direct.get(row["id"], 0),
            max((level for above, level in groups if row["traversal"].startswith(above)), default=0),
        )
        for row in rows
    }


def ancestors(traversal: str) -> tuple[int, ...]:
    """Ids of a namespace and those above it, nearest first."""
    return tuple(int(part) for part in reversed(traversal.strip("/").split("/")))


def of(row: RowMapping, level: int) -> Project:
    """A project from its row."""
    above = ancestors(row["traversal"])
    return Project(
        id=row["id"],
        name=row["name"],
        path=row["path"],
        full_path=row["full_path"],
        namespace_id=row["namespace_id"],
        namespace_path=row["namespace_full_path"],
        group_ids=above if row["namespace_kind"] == "group" else (),
        root_namespace_id=above[-1],
        visibility=row["visibility"],
        default_branch=row["default_branch"],
        archived=row["archived"],
        description=row["description"],
        ci_config_path=row["ci_config_path"],
        creator_id=row["creator_id"],
        level=level,
        row=row,
    )


async def _row(tx: Tx, wanted: str | int) -> RowMapping | None:
    text = str(wanted)
    if text.isascii() and text.isdecimal():
        return await store.find_by_id(tx, int(text)) if len(text) < 19 else None
    return await store.find_by_path(tx, text) if "/" in text else None
