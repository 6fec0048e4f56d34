"""The marketplace's contract: the same questions get the same answers from SQLite and PostgreSQL."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from code_project import Client, Code
from shelf import change, facet, found, market, publish_in

from mlreef.management import Settings


@pytest.fixture
def settings(settings: Settings, database_url: str, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"database_url": database_url, "signing_key_file": tmp_path / "signing.key"})


@pytest.fixture
async def shelf(code: Code) -> Code:
    await publish_in(code, "g/one", "crop", title="Crop images", description="Cuts pictures", tags=["vision"])
    await publish_in(code, "g/two", "noise", title="Add noise", description="Crops nothing of images", licence="MIT")
    await publish_in(code, "h/three", "train", title="Étude", kind="algorithm", description="learns the rate of images")
    await publish_in(code, "h/inner", "blur", title="Blur images", visibility="internal")
    await publish_in(code, "p/secret", "mask", title="Mask images", visibility="private", tags=["secret-tag"])
    return code


async def test_what_counts_most_is_where_the_words_are(shelf: Code) -> None:
    assert await found(shelf.maintainer, search="crop images") == ["g/one/crop", "g/two/noise"]
    assert await found(shelf.maintainer, search="cuts") == ["g/one/crop"]
    assert await found(shelf.maintainer, search="vision") == ["g/one/crop"]


async def test_the_last_word_may_be_a_beginning_and_accents_and_case_do_not_count(shelf: Code) -> None:
    assert await found(shelf.maintainer, search="add noi") == ["g/two/noise"]
    assert await found(shelf.maintainer, search="noi add") == []
    assert await found(shelf.maintainer, search="ETUD") == ["h/three/train"]


async def test_phrases_are_looked_for_as_they_are(shelf: Code) -> None:
    assert await found(shelf.maintainer, search='"rate of images"') == ["h/three/train"]
    assert await found(shelf.maintainer, search='"images of rate"') == []
    assert await found(shelf.maintainer, search='"crop imag"') == []


async def test_facets_disregard_their_own_filter_and_heed_the_others(shelf: Code) -> None:
    assert await facet(shelf.maintainer, "kind", search="images") == {"operation": 4, "algorithm": 1}
    assert await facet(shelf.maintainer, "kind", search="images", kind="algorithm") == {"operation": 4, "algorithm": 1}
    assert await facet(shelf.maintainer, "owner", kind="algorithm") == {"h": 1}
    assert await facet(shelf.maintainer, "licence") == {"MIT": 1}


async def test_filters_repeat(shelf: Code) -> None:
    both = await found(shelf.maintainer, kind=["algorithm", "operation"], owner="g", sort="name")
    assert both == ["g/two/noise", "g/one/crop"]


async def test_nothing_of_hidden_processors_is_counted_or_found(shelf: Code, client: Client) -> None:
    eve = client(shelf.forge.add_user("eve"))
    for caller, total in ((client(), 3), (eve, 4), (shelf.maintainer, 5)):
        whole = await market(caller, facets=True)
        assert whole["total"] == len(whole["items"]) == total
        assert sum(one["count"] for one in whole["facets"]["kind"]) == total
    assert await found(eve, search="mask") == []
    assert await facet(eve, "tag") == {"vision": 1}
    assert await facet(client(), "owner") == {"g": 2, "h": 1}


async def test_a_private_row_is_asked_of_the_forge_again(shelf: Code, client: Client) -> None:
    eve = shelf.forge.add_user("eve")
    inner = next(one for one in shelf.forge.projects.values() if one.path == "h/inner")
    inner.visibility = "private"  # the mirror does not know it yet
    whole = await market(client(eve), facets=True, search="blur")
    assert (whole["items"], whole["total"], whole["facets"]["kind"]) == ([], 0, [])


async def test_mine_and_starred(shelf: Code, client: Client) -> None:
    eve = shelf.forge.add_user("eve")
    one, two = [project for project in shelf.forge.projects.values() if project.path in {"g/one", "g/two"}]
    one.members["eve"] = 30
    two.stars.add("eve")
    assert await found(client(eve), mine=True) == ["g/one/crop"]
    assert await found(client(eve), starred=True) == ["g/two/noise"]
    assert await found(client(), mine=True) == []


async def test_stars_come_with_the_mirror(shelf: Code, state: object) -> None:
    from mlreef.management.processors import mirroring

    next(project for project in shelf.forge.projects.values() if project.path == "g/two").star_count = 7
    await mirroring.compare(state)  # type: ignore[arg-type]
    assert (await found(shelf.maintainer, sort="stars"))[0] == "g/two/noise"
    assert await found(shelf.maintainer, min_stars=7) == ["g/two/noise"]


async def test_a_processor_without_versions_vanishes_and_is_not_counted(shelf: Code) -> None:
    shown = (await market(shelf.maintainer, search="cuts pictures"))["items"][0]
    assert (await change(shelf, shown["latest"]["id"], "unpublish", {"reason": "wrong"})).status_code == 200
    whole = await market(shelf.maintainer, facets=True)
    assert whole["total"] == 4
    assert sum(one["count"] for one in whole["facets"]["kind"]) == 4


HOSTILE = [
    *('"', '""', '"a', "a*", "*", "NEAR(a b)", "names : x", "a AND", "OR", "NOT a", "^a", "a + b", "{names} : a"),
    *("a & b", "a | b", "!a", "a <-> b", "a:*", ":*", "'", "''", "a'b", "\\", "\\'", "%", "_", "a\x00b", "\x00", "😀"),
    *("\u202eabc", "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"), "ﷺ", "日本語", "İstanbul"),
    *("ß", "x" * 10_000, "word " * 2000, '"' * 10_000, "(" * 10_000, "\n\t", "; DROP TABLE processors", "-- a", "ก็็็็็"),
]


async def test_hostile_questions_never_fail(shelf: Code) -> None:
    chance = random.Random(5)
    noise = [
        "".join(chr(chance.choice([*range(128), 0x300, 0x4E00, 0x1F600, 0xE000])) for _ in range(40)) for _ in range(20)
    ]
    for text in (*HOSTILE, *noise):
        answer = await shelf.maintainer.get("/api/v1/processors", params={"search": text, "facets": True})
        assert answer.status_code == 200, (text[:50], answer.text)
    for name in ("kind", "owner", "tag"):
        assert await found(shelf.maintainer, **{name: "\x00' OR 1=1"}) == []
    assert (await shelf.maintainer.get("/api/v1/processors/a%00b/c%00/d")).status_code == 404


async def test_signs_without_spaces_are_found(code: Code) -> None:
    await publish_in(code, "g/jp", "cut", title="日本語の画像")
    assert await found(code.maintainer, search="画像") == ["g/jp/cut"]
    assert await found(code.maintainer, search="像画") == []
