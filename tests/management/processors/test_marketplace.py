"""The marketplace shows what the caller may see, and finds it by words, filters and order."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from code_project import SCRIPT, Client, Code
from fake_forge import FakeForge


async def found(client: httpx.AsyncClient, **query: Any) -> list[str]:
    answer = await client.get("/api/v1/processors", params=query)
    assert answer.status_code == 200, answer.text
    return [one["slug"] for one in answer.json()["items"]]


async def publish_in(code: Code, path: str, name: str, *, visibility: str = "public", **fields: Any) -> None:
    project = code.forge.add_project(path, visibility=visibility, members={"ada": 40}, files={"augment.py": SCRIPT})
    there = Code(code.forge, code.client, project, code.maintainer)
    done = await there.published(name=name, **fields)
    assert done["status"] == "succeeded"


async def test_only_processors_of_visible_projects_are_shown(code: Code, client: Client) -> None:
    await publish_in(code, "g/open", "crop")
    await publish_in(code, "g/inner", "blur", visibility="internal")
    await publish_in(code, "g/secret", "mask", visibility="private")
    assert set(await found(client())) == {"g/open/crop"}
    assert set(await found(client(code.forge.add_user("eve")))) == {"g/open/crop", "g/inner/blur"}
    assert set(await found(code.maintainer)) == {"g/open/crop", "g/inner/blur", "g/secret/mask"}
    assert (await client().get("/api/v1/processors/g/secret/mask")).status_code == 404


async def test_words_are_looked_for_everywhere_and_all_must_match(code: Code) -> None:
    await publish_in(code, "g/one", "crop", title="Cut pictures", description="To a 100% square_")
    await publish_in(code, "h/two", "noise", title="Add noise")
    assert await found(code.maintainer, search="PICTURES cut") == ["g/one/crop"]
    assert await found(code.maintainer, search="rotate noise") == ["h/two/noise"]
    assert await found(code.maintainer, search="100% square_") == ["g/one/crop"]
    assert await found(code.maintainer, search="%") == []


async def test_filters_and_orders(code: Code, forge: FakeForge, state: Any) -> None:
    await publish_in(code, "g/one", "crop", title="B", kind="operation")
    await publish_in(code, "h/two", "train", title="A", kind="algorithm")
    assert await found(code.maintainer, kind="algorithm") == ["h/two/train"]
    assert await found(code.maintainer, owner="g") == ["g/one/crop"]
    assert await found(code.maintainer, environment="tensorflow-2") == []
    assert await found(code.maintainer, sort="name") == ["h/two/train", "g/one/crop"]
    next(one for one in forge.projects.values() if one.path == "g/one").star_count = 5
    assert (await found(code.maintainer, sort="stars"))[0] == "g/one/crop"
    assert (await code.maintainer.get("/api/v1/processors?sort=price")).status_code == 400


async def test_pages_are_cut(code: Code) -> None:
    for number in range(3):
        await publish_in(code, f"g/p{number}", f"step{number}", title=f"Step {number}")
    answer = (await code.maintainer.get("/api/v1/processors?sort=name&page=2&per_page=2")).json()
    assert ([one["name"] for one in answer["items"]], answer["total"]) == (["step2"], 3)


async def test_a_project_lists_its_own_processors(code: Code) -> None:
    await code.published()
    answer = (await code.maintainer.get(f"/api/v1/projects/{code.project.id}/processors")).json()
    assert [one["slug"] for one in answer["items"]] == ["g/code/augment"]


@pytest.mark.parametrize("image", ["ubuntu", "host/image:latest", "host/image@sha256:abc"])
async def test_environments_are_named_by_digest(code: Code, client: Client, image: str) -> None:
    admin = client(code.forge.user_by_name("root"))
    answer = await admin.post("/api/v1/environments", json={"name": "x", "image": image})
    assert answer.json()["error"]["details"][0]["field"] == "image"


async def test_built_in_environments_wait_for_their_image(code: Code) -> None:
    listed = (await code.maintainer.get("/api/v1/environments")).json()["items"]
    assert {one["name"]: one["selectable"] for one in listed} == {
        "python-3.11": True,
        "scikit-learn": False,
        "tensorflow-2": False,
        "tensorflow-2-gpu": False,
        "pytorch-2": False,
        "pytorch-2-gpu": False,
    }
