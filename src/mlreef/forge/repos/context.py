"""What the slices of git are given: where repositories lie and who hears of pushes. Made once at start."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mlreef.forge.repos import events, moving, refs
from mlreef.forge.repos.listings import Listings
from mlreef.forge.repos.storage import Storage

MAX_PUSH_BYTES = 64 << 30
"""Largest pack of one push; disks end sooner."""

MAX_COMMIT_BYTES = 300 << 20
"""Largest request to the files and commits API; more belongs into a push or LFS."""


@dataclass(frozen=True, slots=True)
class Repos:
    """The collaborators of everything that has to do with git; `state.parts["repos"]`."""

    storage: Storage
    hooks: events.PushHooks = field(default_factory=events.PushHooks)
    listings: Listings = field(default_factory=Listings)


def open_repos(root: Path) -> Repos:
    """Prepare the directory of repositories; what a killed server left behind is swept."""
    repos = Repos(Storage(root))
    repos.storage.sweep()
    return repos


async def moved(repos: Repos, project_id: int, user_id: int, move: moving.Move) -> None:
    """Tell the listeners of a reference that the API moved, and that is durable by now."""
    if move.before == refs.ZERO:
        adopted = await moving.adopt_default(repos.storage.path(project_id), [move.ref])
        if adopted is not None:
            await repos.hooks.changed_default(project_id, adopted)
    await repos.hooks.publish(events.PushEvent(project_id, move.ref, move.before, move.after, user_id))
