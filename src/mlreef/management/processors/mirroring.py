"""What the marketplace believes of the forge's projects: path, visibility and stars.

Webhooks carry path and visibility of connected projects; a loop compares everything. A mirror may hide late, so rows
that are not public are asked of the forge again whenever they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlreef.clients.forge_models import Project
from mlreef.kit import logs
from mlreef.kit.db import Tx
from mlreef.kit.errors import Kind, PlatformError
from mlreef.management.processors import standing, store
from mlreef.management.state import State

log = logs.get(__name__)

_LEVELS = {0: "private", 10: "internal", 20: "public"}
HIDDEN = "private"


def told(project: Mapping[str, Any]) -> dict[str, Any]:
    """What a webhook's `project` says; nothing that it does not say."""
    found: dict[str, Any] = {}
    path, level = project.get("path_with_namespace"), project.get("visibility_level")
    if isinstance(path, str) and path:
        found["project_path"] = path
    if isinstance(level, int) and level in _LEVELS:
        found["visibility"] = _LEVELS[level]
    return found


def facts(project: Project) -> dict[str, Any]:
    """What the forge says of a project."""
    return {"project_path": project.path, "visibility": project.visibility, "star_count": project.star_count}


async def take_over(tx: Tx, project_id: int, values: Mapping[str, Any]) -> None:
    """Believe it; a path is among the words that a processor is found by."""
    if not values:
        return
    for processor_id in await store.mirror(tx, project_id, values):
        if "project_path" in values:
            await standing.settle(tx, processor_id)


async def refresh(state: State, project_id: int) -> None:
    """Ask the forge about one project."""
    try:
        project = await state.bot.get_project(project_id)
    except PlatformError as exc:
        # What the service account cannot see any more is at least not public.
        if exc.kind in {Kind.NOT_FOUND, Kind.FORBIDDEN}:
            async with state.db.write() as tx:
                await take_over(tx, project_id, {"visibility": HIDDEN})
            return
        log.warning("a project could not be mirrored", project=project_id, error=exc.message)
        return
    async with state.db.write() as tx:
        await take_over(tx, project_id, facts(project))


async def compare(state: State) -> None:
    """Ask the forge about all projects that have processors; what it does not list is hidden."""
    async with state.db.write() as tx:
        while await standing.index_missing(tx):
            pass
    async with state.db.read() as tx:
        believed = await store.list_mirrored(tx)
    if not believed or state.bot.credential.anonymous:
        return
    listed = {one.id: facts(one) async for one in state.bot.iter_projects() if one.id in believed}
    for project_id, now in believed.items():
        values = listed.get(project_id)
        if values is None:
            values = {"visibility": HIDDEN}
        if any(now[name] != value for name, value in values.items()):
            async with state.db.write() as tx:
                await take_over(tx, project_id, values)
