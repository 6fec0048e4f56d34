"""The marketplace's index in the database: words by FTS5 on SQLite and by `tsvector` on PostgreSQL, and a revision.

Both answer the same question the same way: which entries have all terms in their names, in what is told of them, or
anywhere. Every change of an entry takes the next revision while it holds the one row of `market_state`, so whoever has
seen a revision has seen all that came before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import RowMapping, insert, select, text, update

from mlreef.kit.db import Tx, upsert
from mlreef.management.processors.market_text import BORDER, Term, Texts
from mlreef.management.processors.tables import entries, market_state, processors

COLUMNS = ("names", "told", "everything")
_MAX_POSITION = 16_383  # of a tsvector
_BATCH = 500


_ENTRIES, _WORDS = 1, 2  # rows of `market_state`


async def revisions(tx: Tx) -> tuple[int, int]:
    """The newest revision of the entries, and that of their words, which change more rarely."""
    found = {row["id"]: row["revision"] for row in await tx.all(select(market_state))}
    return found[_ENTRIES], found.get(_WORDS, 0)


async def touch(tx: Tx, processor_ids: Iterable[str]) -> None:
    """What is listed of these processors changed, but not their words."""
    where = entries.c.processor_id.in_(list(processor_ids))
    await tx.execute(update(entries).where(where).values(revision=await _next(tx)))


async def put(tx: Tx, processor_id: str, texts: Texts | None) -> None:
    """Put a processor into the index under its words, or take it out."""
    values = {"listed": texts is not None, "revision": await _next(tx)}
    statement = upsert.insert(tx.dialect, entries).values(processor_id=processor_id, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["processor_id"], set_=values))
    await _words_changed(tx, values["revision"])
    number = await tx.scalar(select(entries.c.number).where(entries.c.processor_id == processor_id))
    await put_words(tx, number, texts)


async def put_words(tx: Tx, number: int, texts: Texts | None) -> None:
    """Replace the words of an entry."""
    key = "rowid" if tx.dialect == "sqlite" else "number"
    await tx.execute(text(f"DELETE FROM market_words WHERE {key} = :number"), {"number": number})  # noqa: S608
    if texts is not None:
        await _insert_words(tx, [(number, texts)])


async def _insert_words(tx: Tx, rows: Sequence[tuple[int, Texts]]) -> None:
    if tx.dialect == "sqlite":
        values = ":names, :told, :everything"
        statement = f"INSERT INTO market_words (rowid, names, told, everything) VALUES (:number, {values})"  # noqa: S608 - names of columns
        given = [{"number": number, **{one: getattr(texts, one) for one in COLUMNS}} for number, texts in rows]
    else:
        values = ", ".join(f"CAST(CAST(:{one} AS text) AS tsvector)" for one in COLUMNS)
        statement = f"INSERT INTO market_words (number, names, told, everything) VALUES (:number, {values})"  # noqa: S608 - names of columns
        given = [{"number": number, **{one: vector(getattr(texts, one)) for one in COLUMNS}} for number, texts in rows]
    await tx.execute(text(statement), given)


async def _next(tx: Tx) -> int:
    statement = update(market_state).where(market_state.c.id == _ENTRIES)
    changed = statement.values(revision=market_state.c.revision + 1).returning(market_state.c.revision)
    found: int = await tx.scalar(changed)
    return found


async def _words_changed(tx: Tx, revision: int) -> None:
    statement = upsert.insert(tx.dialect, market_state).values(id=_WORDS, revision=revision)
    await tx.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"revision": revision}))


# -- reading


_LISTED = (
    *("id", "project_id", "project_path", "name", "title", "kind", "environment", "input_types", "output_types"),
    *("model_type", "ml_category", "tags", "licence", "framework", "visibility", "star_count", "usage_count"),
    *("published_at", "verified_version_id", "latest_version_id"),
)


async def list_changed(tx: Tx, since: int, after: int, limit: int) -> Sequence[RowMapping]:
    """Entries with a revision greater than `since` as the index in memory keeps them, by number."""
    columns = [entries.c.number, entries.c.listed, *(processors.c[name] for name in _LISTED)]
    found = select(*columns).join(processors, processors.c.id == entries.c.processor_id)
    found = found.where(entries.c.revision > since, entries.c.number > after)
    return await tx.all(found.order_by(entries.c.number).limit(limit))


async def list_missing(tx: Tx) -> list[str]:
    """Processors that are not in the index yet: they are older than it."""
    found = select(processors.c.id).where(~processors.c.id.in_(select(entries.c.processor_id))).limit(_BATCH)
    return [row["id"] for row in await tx.all(found)]


async def match(tx: Tx, terms: Sequence[Term]) -> tuple[list[int], list[int], list[int]]:
    """Numbers of the entries with all terms in their names, in what is told of them, and anywhere."""
    if tx.dialect == "sqlite":
        asked = {one: f"{{{one}}} : ({_fts5(terms)})" for one in COLUMNS}
        part = "(SELECT group_concat(rowid) FROM market_words WHERE market_words MATCH :{})"
        row = await tx.one(text("SELECT " + ", ".join(f"{part.format(one)} AS {one}" for one in COLUMNS)), asked)
        return tuple([int(one) for one in row[name].split(",")] if row[name] else [] for name in COLUMNS)  # type: ignore[return-value]
    query = _tsquery(terms)
    part = "(SELECT array_agg(number) FROM market_words WHERE {} @@ CAST(CAST(:query AS text) AS tsquery))"
    statement = text("SELECT " + ", ".join(f"{part.format(one)} AS {one}" for one in COLUMNS))
    row = await tx.one(statement, {"query": query})
    return row["names"] or [], row["told"] or [], row["everything"] or []


def _fts5(terms: Sequence[Term]) -> str:
    """https://www.sqlite.org/fts5.html#full_text_query_syntax; words are letters and digits alone."""
    return " AND ".join(f'"{" ".join(one.words)}"{" *" if one.prefix else ""}' for one in terms)


def _tsquery(terms: Sequence[Term]) -> str:
    """https://www.postgresql.org/docs/current/datatype-textsearch.html#DATATYPE-TSQUERY, in its stored form."""
    made = []
    for term in terms:
        quoted = [f"'{word}'" for word in term.words]
        if term.prefix:
            quoted[-1] += ":*"
        made.append(f"({' <-> '.join(quoted)})")
    return " & ".join(made)


def vector(joined: str) -> str:
    """A `tsvector` in its stored form, made here: PostgreSQL's parser would cut words in ways of its own."""
    places: dict[str, list[int]] = {}
    for position, word in enumerate(joined.split(), 1):
        if word != BORDER.strip():
            places.setdefault(word, []).append(min(position, _MAX_POSITION))
    return " ".join(f"'{word}':{','.join(map(str, at[:200]))}" for word, at in places.items())


async def add_many(tx: Tx, rows: Sequence[tuple[int, str, Texts]]) -> None:
    """Add many entries at once: number, processor and its words."""
    step = await _next(tx)
    listed = [{"number": number, "processor_id": of, "listed": True, "revision": step} for number, of, _ in rows]
    await tx.execute(insert(entries), listed)
    await _insert_words(tx, [(number, texts) for number, _, texts in rows])
    await _words_changed(tx, step)
