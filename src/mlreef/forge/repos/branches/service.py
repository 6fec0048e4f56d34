"""Small rules of branches and tags: the first commit of an empty repository, annotated tags, searching, ordering."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from mlreef.forge.access.principal import Principal
from mlreef.forge.repos import committing, edits, moving, objects, packs, refs

Pair = tuple[objects.Reference, objects.Commit]


def matches(name: str, search: str | None) -> bool:
    """GitLab's search: a part of the name, `^begin`, or `end$`; letters of either case."""
    if not search:
        return True
    name, wanted = name.lower(), search.lower()
    begins, ends = wanted.startswith("^"), wanted.endswith("$")
    wanted = wanted.removeprefix("^").removesuffix("$")
    if begins and ends:
        return name == wanted
    if begins:
        return name.startswith(wanted)
    return name.endswith(wanted) if ends else wanted in name


def tag_order(order: str) -> Callable[[Pair], Any]:
    """The sort key of tags."""
    if order == "updated":
        return lambda pair: (pair[0].created or pair[1].committed, pair[0].name)
    return lambda pair: pair[0].name


async def first_commit(repo: Path, title: str, who: Principal, now: datetime) -> moving.Move:
    """A README on the default branch, so that there is something to branch from."""
    by = person(who)
    action = edits.Action("create", "README.md", content=f"# {title}\n".encode())
    branch = refs.short(objects.head(repo))
    return await committing.commit(repo, committing.Change(branch, "Initial commit", [action], by, by, now))


def person(who: Principal) -> committing.Person:
    """How commits and tags name a caller."""
    return committing.Person(who.name or who.username, who.email)


async def annotate(repo: Path, name: str, commit: str, *, message: str, by: str) -> str:
    """A tag object; returns its id."""
    lines = [f"object {commit}", "type commit", f"tag {name}", f"tagger {by}", "", message.rstrip("\n")]
    batch = packs.Batch()
    sha = batch.add("tag", ("\n".join(lines) + "\n").encode(errors="replace"))
    await packs.keep(repo, batch.pack(), len(batch))
    return sha
