"""Pushing a tag publishes the `processor.yaml` at it, for whoever pushed; what cannot be published says why."""

from __future__ import annotations

from typing import Any

import pytest
from code_project import SCRIPT, Code
from shelf import MANIFEST, project


def described(name: str = "augment", more: str = "") -> str:
    return MANIFEST.format(name=name, more=more)


@pytest.fixture
async def tagged(code: Code) -> Code:
    """A project that something was published from by hand, and that has a description."""
    there = project(code, "g/tagged", files={"processor.yaml": described()})
    await there.published(entry="processor.yaml")
    return there


async def push(code: Code, tag: str, user: str = "ada", **body: Any) -> None:
    code.project.branches[tag] = code.project.head
    account = code.forge.user_by_name(user)
    event = {
        "object_kind": "tag_push",
        "ref": f"refs/tags/{tag}",
        "after": code.project.head,
        "checkout_sha": code.project.head,
        "user_id": account.id,
        "user_username": account.username,
        "project_id": code.project.id,
        "project": {"id": code.project.id, "path_with_namespace": code.project.path, "visibility_level": 20},
        **body,
    }
    answer = await code.hook(event)
    assert answer.status_code == 200, answer.text


async def publications(code: Code) -> list[dict[str, Any]]:
    answer = await code.maintainer.get(f"/api/v1/projects/{code.project.id}/publications")
    return [one for one in answer.json()["items"] if one["trigger"] == "tag"]


async def test_the_hook_hears_of_tags(tagged: Code) -> None:
    assert tagged.project.hooks[0]["tag_push_events"] is True


async def test_a_tag_publishes_under_its_number_once(tagged: Code) -> None:
    await push(tagged, "v1.2.0")
    await push(tagged, "v1.2.0")
    (one,) = await publications(tagged)
    assert (one["version"], one["status"], one["ref"]) == ("1.2.0", "pending", "v1.2.0")
    assert one["created_by"]["username"] == "ada"
    assert (await tagged.build(one)).status_code == 200
    found = (await tagged.maintainer.get("/api/v1/processors/g/tagged/augment")).json()
    assert found["latest"]["version"] == "1.2.0"


@pytest.mark.parametrize("tag", ["1.2.0", "v1", "release", "v1.2", "vx.y.z"])
async def test_other_tags_mean_nothing(tagged: Code, tag: str) -> None:
    await push(tagged, tag)
    assert await publications(tagged) == []


async def test_a_deleted_tag_publishes_nothing(tagged: Code) -> None:
    await push(tagged, "v1.2.0", after="0" * 40, checkout_sha=None)
    assert await publications(tagged) == []


async def test_a_tag_names_one_of_several_processors(tagged: Code) -> None:
    files = {f"{name}/processor.yaml": described(name).encode() for name in ("crop", "blur")}
    files |= {f"{name}/augment.py": SCRIPT.encode() for name in ("crop", "blur")}
    tagged.project.commit("main", files, "two processors")
    await push(tagged, "blur/v3.0.0-rc.1")
    await push(tagged, "v3.0.0")
    told = {one["ref"]: (one["name"], one["status"], one["reason"]) for one in await publications(tagged)}
    assert told["blur/v3.0.0-rc.1"] == ("blur", "pending", None)
    assert told["v3.0.0"][1] == "failed"
    assert "name one with a tag such as blur/v3.0.0" in told["v3.0.0"][2]


async def test_what_is_wrong_is_a_failed_publication(tagged: Code) -> None:
    broken = {"augment.py": SCRIPT.encode(), "processor.yaml": described(more="kidn: operation").encode()}
    tagged.project.commit("main", broken, "broken")
    await push(tagged, "v2.0.0")
    (one,) = await publications(tagged)
    assert one["status"] == "failed"
    assert "kidn" in one["reason"]


async def test_who_may_not_publish_does_not_by_a_tag(tagged: Code) -> None:
    tagged.forge.add_user("guest")
    tagged.project.members["guest"] = 20
    await push(tagged, "v2.0.0", user="guest")
    (one,) = await publications(tagged)
    told = "guest may not publish from this project by a tag: that needs a member who is Developer or more"
    assert (one["status"], one["reason"]) == ("failed", f"{told}; administrators who are none publish by hand")


async def test_a_maintainer_decides_whether_tags_publish(tagged: Code) -> None:
    path = f"/api/v1/projects/{tagged.project.id}/publish-on-tag"
    assert (await tagged.maintainer.get(path)).json() == {"publish_on_tag": True, "chosen": None}
    answer = await tagged.maintainer.put(path, json={"publish_on_tag": False})
    assert answer.json() == {"publish_on_tag": False, "chosen": False}
    await push(tagged, "v2.0.0")
    assert await publications(tagged) == []


async def test_a_project_that_published_nothing_by_hand_is_left_alone(code: Code) -> None:
    there = project(code, "g/quiet", files={"processor.yaml": described()})
    assert (await there.maintainer.post(f"/api/v1/projects/{there.project.id}/connect")).status_code == 200
    await push(there, "v1.0.0")
    assert await publications(there) == []
