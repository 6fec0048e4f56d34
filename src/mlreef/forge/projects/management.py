"""Making, changing and forking projects.

A project is made in three steps: its row in state `creating`, its repository, then `ready`. What a crash leaves between
them was never acknowledged, and the sweeper removes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge import audit
from mlreef.forge.access import policy
from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import namespace_store, namespaces
from mlreef.forge.groups import service as groups
from mlreef.forge.groups import store as groups_store
from mlreef.forge.projects import service, store
from mlreef.forge.projects.tables import projects
from mlreef.kit.db import Tx
from mlreef.kit.errors import Detail, forbidden, invalid, not_found

CREATING, READY = "creating", "ready"
_NAME = re.compile(r"[\w\U0001f300-\U0001faff][\w\U0001f300-\U0001faff .+\-()/&,]*", re.UNICODE)


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project to be made."""

    name: str
    path: str
    visibility: str = "private"
    description: str = ""
    default_branch: str = "main"
    ci_config_path: str | None = None
    topics: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    avatar: str | None = None
    forked_from_id: int | None = None


async def find_namespace(tx: Tx, who: Principal, wanted: str | None, owner_id: int | None = None) -> RowMapping:
    """The namespace a project shall be in (by number or path; the caller's own without), which the caller may use."""
    if wanted is None:
        row = await groups_store.find_of_user(tx, owner_id or who.user_id or 0)
    elif wanted.isascii() and wanted.isdecimal():
        row = await groups_store.find_by_id(tx, int(wanted)) if len(wanted) < 19 else None
    else:
        row = await groups_store.find_by_path(tx, wanted)
    if row is None:
        raise not_found("404 Namespace")
    if row["kind"] == "user":
        if row["owner_id"] != who.user_id and not who.admin:
            raise not_found("404 Namespace")
        return row
    group = await groups.get_group(tx, who, row["id"])
    if not policy.allowed(who, "developer", group.resource):
        raise forbidden("403 Forbidden - projects of a group are made by its developers and above")
    return row


async def create(tx: Tx, who: Principal, namespace: RowMapping, new: NewProject) -> int:
    """The row of a project whose repository is still to be made."""
    _check_name(new.name)
    namespaces.check_path(new.path, below=True)
    if namespace["kind"] == "group":
        _check_visibility(new.visibility, namespace["visibility"])
    full_path = f"{namespace['full_path']}/{new.path}"
    if await namespace_store.taken(tx, full_path):
        fault = ["has already been taken"]
        raise invalid("taken", details=[Detail(name, fault[0]) for name in ("name", "path")])
    project_id: int = await tx.insert(
        projects,
        {
            "namespace_id": namespace["id"],
            "name": new.name,
            "path": new.path,
            "full_path": full_path,
            "description": new.description,
            "visibility": new.visibility,
            "creator_id": who.user_id,
            "archived": False,
            "default_branch": new.default_branch,
            "ci_config_path": new.ci_config_path,
            "settings": dict(new.settings),
            "avatar": new.avatar,
            "star_count": 0,
            "forks_count": 0,
            "forked_from_id": new.forked_from_id,
            "state": CREATING,
            "created_at": who.at,
            "updated_at": who.at,
            "last_activity_at": who.at,
        },
    )
    await store.set_topics(tx, project_id, new.topics)
    if namespace["kind"] == "user":
        await _own(tx, who, project_id, namespace["owner_id"])
    elif not who.admin and await _level(tx, who, namespace) < policy.Level.MAINTAINER:
        await _own(tx, who, project_id, who.user_id, policy.Level.MAINTAINER)
    return project_id


async def ready(tx: Tx, who: Principal, project_id: int) -> None:
    """The repository exists: the project is complete."""
    row = await _get(tx, project_id)
    await store.change(tx, project_id, {"state": READY})
    details = {"visibility": row["visibility"], "forked_from": row["forked_from_id"]}
    await audit.record(
        tx, who, "project.create", kind="project", id=project_id, target=row["full_path"], details=details
    )
    if row["forked_from_id"] is not None:
        await store.count_fork(tx, row["forked_from_id"], 1)


async def change(tx: Tx, who: Principal, project: service.Project, values: dict[str, Any]) -> None:
    """Change settings; what only owners may change is checked here."""
    if "visibility" in values and values["visibility"] != project.visibility:
        service.require(who, "owner", project.resource)
        namespace = await groups_store.find_by_id(tx, project.namespace_id)
        if namespace is not None and namespace["kind"] == "group":
            _check_visibility(values["visibility"], namespace["visibility"])
    if "name" in values:
        _check_name(values["name"])
    if "path" in values and values["path"] != project.path:
        namespaces.check_path(values["path"], below=True)
        await _move(tx, project, f"{project.namespace_path}/{values['path']}")
    if "settings" in values:
        values["settings"] = {**project.row["settings"], **values["settings"]}
    topics = values.pop("topics", None)
    if topics is not None:
        await store.set_topics(tx, project.id, topics)
    await store.change(tx, project.id, {**values, "updated_at": who.at})
    details = {"fields": sorted(values)}
    await audit.record(
        tx, who, "project.update", kind="project", id=project.id, target=project.full_path, details=details
    )


async def archive(tx: Tx, who: Principal, project: service.Project, *, archived: bool) -> None:
    """Make a project read-only, or writable again."""
    await store.change(tx, project.id, {"archived": archived, "updated_at": who.at})
    action = "project.archive" if archived else "project.unarchive"
    await audit.record(tx, who, action, kind="project", id=project.id, target=project.full_path)


async def transfer(tx: Tx, who: Principal, project: service.Project, wanted: str) -> None:
    """Move a project to another namespace; memberships of the old one no longer count."""
    namespace = await find_namespace(tx, who, wanted)
    if namespace["kind"] == "group":
        _check_visibility(project.visibility, namespace["visibility"])
    await _move(tx, project, f"{namespace['full_path']}/{project.path}")
    await store.change(tx, project.id, {"namespace_id": namespace["id"], "updated_at": who.at})
    if namespace["kind"] == "user":
        held = await groups_store.find_member(tx, "project", project.id, namespace["owner_id"])
        if held is not None:
            await groups_store.remove_member(tx, held["id"])
        await _own(tx, who, project.id, namespace["owner_id"])
    details = {"to": namespace["full_path"]}
    await audit.record(
        tx, who, "project.transfer", kind="project", id=project.id, target=project.full_path, details=details
    )


async def star(tx: Tx, who: Principal, project: service.Project, *, starred: bool) -> bool:
    """Add or remove the caller's star; whether something changed."""
    if starred:
        values = {"project_id": project.id, "user_id": who.user_id, "created_at": who.at}
        changed = await store.star(tx, values)
    else:
        changed = await store.unstar(tx, project.id, who.user_id or 0)
    if changed:
        action = "project.star" if starred else "project.unstar"
        await audit.record(tx, who, action, kind="project", id=project.id, target=project.full_path)
    return changed


def path_from(name: str) -> str:
    """The path of a project that was only given a name."""
    kept = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")
    return kept.lower() if kept else name


async def _get(tx: Tx, project_id: int) -> RowMapping:
    row = await store.find_by_id(tx, project_id)
    if row is None:
        raise not_found("404 Project")
    return row


async def _own(tx: Tx, who: Principal, project_id: int, user_id: int | None, level: int = policy.Level.OWNER) -> None:
    member = {"source_type": "project", "source_id": project_id, "user_id": user_id, "access_level": int(level)}
    await groups_store.add_member(tx, {**member, "created_at": who.at, "created_by": who.user_id})


async def _level(tx: Tx, who: Principal, namespace: RowMapping) -> int:
    return await groups.level_in(tx, who, namespace)


async def _move(tx: Tx, project: service.Project, full_path: str) -> None:
    if full_path.lower() != project.full_path.lower() and await namespace_store.taken(tx, full_path):
        raise invalid("taken", details=[Detail("path", "has already been taken")])
    await store.change(tx, project.id, {"full_path": full_path})


def _check_name(name: str) -> None:
    if len(name) > 255 or not _NAME.fullmatch(name):
        fault = "can contain only letters, digits, emoji, '_', '.', '+', dashes, or spaces"
        raise invalid(f"name {fault}", details=[Detail("name", fault)])


def _check_visibility(visibility: str, outer: str) -> None:
    if groups.VISIBILITIES.index(visibility) > groups.VISIBILITIES.index(outer):
        fault = f"{visibility} is not allowed in a {outer} group."
        raise invalid(fault, details=[Detail("visibility_level", fault)])
