"""Deleting projects: rows of every slice in one transaction, the repository once that is durable."""

from __future__ import annotations

from sqlalchemy.engine import RowMapping

from mlreef.forge import audit
from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import store as groups_store
from mlreef.forge.projects import store
from mlreef.forge.state import State
from mlreef.kit.db import Tx


async def remove(state: State, tx: Tx, who: Principal, project: RowMapping) -> None:
    """Delete a project; repositories without a project are swept by a loop, which is woken after the commit."""
    for forget in state.forgetters:
        await forget(tx, project["id"])
    if project["forked_from_id"] is not None:
        await store.count_fork(tx, project["forked_from_id"], -1)
    await groups_store.remove_members_of(tx, "project", project["id"])
    await store.remove(tx, project["id"])
    await audit.record(tx, who, "project.delete", kind="project", id=project["id"], target=project["full_path"])
    tx.after_commit(state.wake_sweeper)


async def remove_below(state: State, tx: Tx, who: Principal, traversal: str) -> None:
    """Delete every project of a namespace and of the groups below it."""
    for project_id in await store.ids_below(tx, traversal):
        row = await store.find_by_id(tx, project_id)
        if row is not None:
            await remove(state, tx, who, row)
