"""Search over all processors that a caller may see: the forge says which projects, the database the rest."""

from __future__ import annotations

from dataclasses import dataclass

from mlreef.kit.db import Database
from mlreef.kit.errors import invalid
from mlreef.kit.paging import Page, Paged
from mlreef.management.access.service import Access, Caller
from mlreef.management.processors import store
from mlreef.management.processors.records import Processor, Version

SORTS = ("recent", "name", "usage", "stars")
_MAX_WORDS = 10
_IN_LIST = 10_000


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for."""

    search: str | None = None
    kind: str | None = None
    environment: str | None = None
    owner: str | None = None
    sort: str = "recent"


@dataclass(frozen=True, slots=True)
class Found:
    """A page of processors with their newest versions."""

    page: Paged[Processor]
    latest: dict[str, Version]


async def search(db: Database, access: Access, caller: Caller, query: Query, page: Page) -> Found:
    """The matching processors of the projects that the caller may see."""
    if query.sort not in SORTS:
        raise invalid(f"sort: use one of {', '.join(SORTS)}")
    async with db.read() as tx:
        with_processors = await store.list_project_ids(tx)
    visible = await access.visible_projects(caller) if with_processors else {}
    projects = sorted(with_processors & visible.keys())[:_IN_LIST]
    words = (query.search or "").split()[:_MAX_WORDS]
    found = store.matching(projects, words=words, kind=query.kind, environment=query.environment, owner=query.owner)
    async with db.read() as tx:
        total = await store.count(tx, found)
        if query.sort == "stars":
            listed = await store.list_sorted(tx, found, "recent", offset=0, limit=_IN_LIST)
            listed.sort(key=lambda one: -visible[one.project_id].star_count)
            listed = listed[page.offset : page.offset + page.size]
        else:
            listed = await store.list_sorted(tx, found, query.sort, offset=page.offset, limit=page.size)
        latest = await store.list_by_ids(tx, [one.latest_version_id for one in listed if one.latest_version_id])
    return Found(Paged(listed, page, total), latest)


async def of_project(db: Database, project_id: int, page: Page) -> Found:
    """The processors of one project, by name."""
    found = store.matching([project_id], kind=None, environment=None, owner=None)
    async with db.read() as tx:
        total = await store.count(tx, found)
        listed = await store.list_sorted(tx, found, "name", offset=page.offset, limit=page.size)
        latest = await store.list_by_ids(tx, [one.latest_version_id for one in listed if one.latest_version_id])
    return Found(Paged(listed, page, total), latest)
