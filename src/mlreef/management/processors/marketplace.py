"""Search over all processors that a caller may see: words by the database, everything else by the index in memory.

What counts is decided before anything is counted: public processors, internal ones for whoever is signed in, and those
of the caller's own projects. Rows that are not public are asked of the forge once more before they are shown; one that
it refuses is taken out of page, total and facets alike.
"""

from __future__ import annotations

import asyncio
import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlreef.kit.db import Database
from mlreef.kit.errors import invalid
from mlreef.kit.paging import Page, Paged
from mlreef.management.access.policy import Action
from mlreef.management.access.service import Access, Caller
from mlreef.management.processors import market_index, market_store, market_text, store
from mlreef.management.processors.market_index import FACETS, Index, Item
from mlreef.management.processors.records import Processor, Version
from mlreef.management.state import State

SORTS = ("relevance", "recent", "name", "usage", "stars")
SHOWN_VALUES = 30
_TRIES = 5
_BATCH = 2000
_REMEMBERED = 1000

Facets = dict[str, list[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for. `filters` by facet: any of the values of one, and all facets."""

    search: str = ""
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    min_stars: int = 0
    mine: bool = False
    starred: bool = False
    sort: str = "recent"
    facets: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A page of processors with the versions they are shown with."""

    page: Paged[Processor]
    latest: dict[str, Version]
    facets: Facets | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """What a caller may find: how open projects are for them, and their own and starred ones."""

    everything: bool
    visibilities: tuple[str, ...]
    member: frozenset[int]
    starred: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Words:
    """Where a question's words were found, as bits: the better places first, the last holds all."""

    tiers: tuple[int, ...]


class Market:
    """The index of one process, following the database, and where the terms are that were asked for lately."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = asyncio.Lock()
        self._terms: dict[market_text.Term, Words] = {}
        self._words_revision = 0
        self.index = Index()

    async def follow(self) -> Index:
        """The index, as new as the database."""
        async with self._db.read() as tx:
            newest, of_words = await market_store.revisions(tx)
        if newest != self.index.revision:
            async with self._lock:
                if self.index.revision < newest:
                    await self._catch_up()
        if of_words != self._words_revision:
            self._terms.clear()
            self._words_revision = of_words
        return self.index

    async def _catch_up(self) -> None:
        rows, after = list[tuple[int, Item | None]](), -1
        async with self._db.read() as tx:
            newest, _ = await market_store.revisions(tx)
            while batch := await market_store.list_changed(tx, self.index.revision, after, _BATCH):
                rows += [(row["number"], market_index.item(dict(row)) if row["listed"] else None) for row in batch]
                after = batch[-1]["number"]
        if not self.index.items:
            # In a thread, and as another index, so that nobody has to wait who asks for something else.
            fresh = Index()
            await asyncio.to_thread(fresh.fill, [one for _, one in rows if one is not None])
            self.index = fresh
        else:
            for number, one in rows:
                if one is None:
                    self.index.remove(number)
                else:
                    self.index.put(one)
        # What another transaction wrote after the revision was read comes again next time, which is no harm.
        self.index.revision = newest

    async def words(self, question: str) -> Words | None:
        """Where a question's words are; None when it has none that could be found."""
        terms = market_text.ask(question)
        found = [await self._find(term) for term in terms]
        if not found:
            return None
        return Words(
            tuple(functools.reduce(operator.and_, tier) for tier in zip(*(one.tiers for one in found), strict=True))
        )

    async def _find(self, term: market_text.Term) -> Words:
        known = self._terms.get(term)
        if known is None:
            asked = self._words_revision
            async with self._db.read() as tx:
                tiers = await market_store.match(tx, [term])
            known = Words(tuple(market_index.bits_of(one) for one in tiers))
            if asked == self._words_revision:
                while len(self._terms) >= _REMEMBERED:
                    del self._terms[next(iter(self._terms))]
                self._terms[term] = known
        return known


def of(state: State) -> Market:
    """The marketplace's index of this process."""
    found = state.parts.get(Market)
    if not isinstance(found, Market):
        found = state.parts[Market] = Market(state.db)
    return found


async def search(market: Market, db: Database, access: Access, caller: Caller, query: Query, *, page: Page) -> Found:
    """The matching processors that the caller may see."""
    if query.sort not in SORTS:
        raise invalid(f"sort: use one of {', '.join(SORTS)}")
    unknown = set(query.filters) - set(FACETS)
    if unknown:
        raise invalid(f"there is no filter {min(unknown)}")
    reach = await _reach(access, caller, query)
    index = await market.follow()
    words = await market.words(query.search) if query.search.strip() else None
    refused: set[int] = set()
    for _attempt in range(_TRIES):
        # Nothing is awaited between these lines: the index may be another one afterwards.
        chosen = Chosen(index, query, reach, words, frozenset(refused))
        items = [index.items[number] for number in chosen.page(page)]
        facets = chosen.facets() if query.facets else None
        again = await _refused(access, caller, items)
        if not again:
            break
        refused |= again
    ids = [one.id for one in items if one.project_id not in refused]
    async with db.read() as tx:
        processors = await store.list_processors(tx, ids)
        listed = [processors[one] for one in ids if one in processors]
        latest = await store.list_shown(tx, listed)
    return Found(Paged(listed, page, chosen.total), latest, facets)


async def of_project(db: Database, project_id: int, page: Page) -> Found:
    """The processors of one project, by name."""
    async with db.read() as tx:
        listed, total = await store.list_of_project(tx, project_id, offset=page.offset, limit=page.size)
        latest = await store.list_shown(tx, listed)
    return Found(Paged(listed, page, total), latest)


async def _reach(access: Access, caller: Caller, query: Query) -> Reach:
    member = await access.member_projects(caller)
    starred = await access.starred_projects(caller) if query.starred else frozenset[int]()
    open_to = ("public", "internal") if caller.user is not None else ("public",)
    return Reach(caller.is_admin, open_to, member, starred)


async def _refused(access: Access, caller: Caller, items: Sequence[Item]) -> set[int]:
    """Projects on a page that are not public and that the forge does not show the caller now."""
    asked = sorted({one.project_id for one in items if one.visibility != "public"})
    allowed = await asyncio.gather(*(access.allows(caller, one, Action.READ_PROJECT) for one in asked))
    return {one for one, yes in zip(asked, allowed, strict=True) if not yes}


class Chosen:
    """What a query chooses of an index: sets of bits, combined as they are needed."""

    def __init__(self, index: Index, query: Query, reach: Reach, words: Words | None, refused: frozenset[int]) -> None:
        self._index, self._query = index, query
        self._words = words
        base = _visible(index, reach)
        if query.search.strip():
            base &= words.tiers[-1] if words is not None else 0
        if query.mine:
            base &= index.of_projects(reach.member)
        if query.starred:
            base &= index.of_projects(reach.starred)
        if query.min_stars > 0:
            base &= index.with_stars(query.min_stars)
        if refused:
            base &= ~index.of_projects(refused)
        self._base = base
        self._filters = {name: index.with_value(name, values) for name, values in query.filters.items() if values}
        self.all = self._among()

    def _among(self, *, without: str | None = None) -> int:
        found = self._base
        for name, bits in self._filters.items():
            if name != without:
                found &= bits
        return found

    @property
    def total(self) -> int:
        """How many there are."""
        return self.all.bit_count()

    def page(self, page: Page) -> list[int]:
        """The numbers on a page."""
        sort = self._query.sort
        if sort != "relevance":
            return self._index.page(sort, self.all, page.offset, page.size)
        tiers = self._words.tiers if self._words is not None else ()
        found, seen, offset = list[int](), 0, page.offset
        for tier in (*tiers, self.all):
            part = self.all & tier & ~seen
            seen |= part
            size = part.bit_count()
            if offset < size:
                found += self._index.page("popular", part, offset, page.size - len(found))
            offset = max(0, offset - size)
            if len(found) >= page.size:
                break
        return found

    def facets(self) -> Facets:
        """Each facet's values with how many there would be; a facet's own filter does not count for itself."""
        numbers = market_index.numbers_of(self.all)
        return {
            name: self._index.count(name, self._among(without=name), SHOWN_VALUES)
            if name in self._filters
            else self._index.count(name, self.all, SHOWN_VALUES, numbers)
            for name in FACETS
        }


def _visible(index: Index, reach: Reach) -> int:
    if reach.everything:
        return index.visible(tuple(index.by_visibility))
    return index.visible(reach.visibilities) | index.of_projects(reach.member)


__all__ = ["SORTS", "Found", "Market", "Query", "of_project", "search"]
