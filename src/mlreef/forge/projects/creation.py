"""The steps of making a project around its repository, and the sweeper of what was left half-made or half-deleted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from mlreef.forge.access.principal import Principal
from mlreef.forge.lfs import store as lfs_store
from mlreef.forge.projects import management, store
from mlreef.forge.repos import committing, edits
from mlreef.forge.state import State
from mlreef.kit import logs

log = logs.get(__name__)

Prepare = Callable[[], Awaitable[object]]
_ABANDONED = timedelta(minutes=30)


async def finish(state: State, who: Principal, project_id: int, prepare: Prepare) -> None:
    """Make the repository of a new project and declare the project ready; on failure nothing remains."""
    try:
        await prepare()
        async with state.db.write() as tx:
            await management.ready(tx, who, project_id)
    except BaseException:
        async with state.db.write() as tx:
            await store.remove(tx, project_id)
        await state.repos.storage.delete(project_id)
        raise


async def empty(state: State, project_id: int, branch: str) -> None:
    """An empty repository."""
    await state.repos.storage.create(project_id, default_branch=branch)


async def with_readme(state: State, who: Principal, project_id: int, branch: str, text: str) -> None:
    """A repository with a first commit."""
    repo = await state.repos.storage.create(project_id, default_branch=branch)
    person = committing.Person(who.name or who.username, who.email)
    action = edits.Action("create", "README.md", content=text.encode())
    await committing.commit(
        repo,
        committing.Change(
            branch=branch, message="Initial commit", actions=[action], author=person, committer=person, when=who.at
        ),
    )


async def forked(state: State, source_id: int, project_id: int) -> None:
    """A repository with the branches, tags and LFS objects of another."""
    await state.repos.storage.fork(source_id, project_id)
    async with state.db.write() as tx:
        await lfs_store.copy_links(tx, source_id, project_id, state.clock.now())


async def sweep(state: State) -> int:
    """Remove projects whose making was given up, and repositories without a project; returns how many."""
    before = state.clock.now() - _ABANDONED
    async with state.db.write() as tx:
        abandoned = await store.abandoned(tx, management.CREATING, before)
        for project_id in abandoned:
            await store.remove(tx, project_id)
    lying = state.repos.storage.project_ids()  # listed first: what is made meanwhile has its row already
    async with state.db.read() as tx:
        known = await store.all_ids(tx)
    orphans = [project_id for project_id in lying if project_id not in known]
    for project_id in orphans:
        await state.repos.storage.delete(project_id)
    if abandoned or orphans:
        log.info("projects swept", abandoned=len(abandoned), repositories=len(orphans))
    return len(orphans)
