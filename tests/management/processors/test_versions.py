"""How versions stand, which one a definition gets, and what differs between two."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from code_project import SCRIPT, Client, Code
from shelf import change, found, processor, version

from mlreef.management import Settings


@pytest.fixture
def settings(settings: Settings, database_url: str, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"database_url": database_url, "signing_key_file": tmp_path / "signing.key"})


@pytest.fixture
def code(code: Code) -> Code:
    code.project.visibility = "public"
    files = {"augment.py": SCRIPT.encode(), "train/x.txt": b"x"}
    code.project.commit("main", files, "with data")
    return code


def definition(wanted: str) -> dict[str, Any]:
    source = {"branch": "main", "path": "train"}
    step = {"name": "one", "processor": f"g/code/augment@{wanted}", "inputs": {"input_path": source}}
    return {"version": 1, "name": "p", "kind": "dataops", "steps": [step]}


async def validate(code: Code, wanted: str) -> dict[str, Any]:
    body = {"definition": definition(wanted)}
    answer: dict[str, Any] = (
        await code.maintainer.post(f"/api/v1/projects/{code.project.id}/pipelines/validate", json=body)
    ).json()
    return answer


async def chosen(code: Code, wanted: str) -> str | None:
    answer = await validate(code, wanted)
    return answer["plan"][0]["processor"]["version"] if answer["valid"] else None


async def run(code: Code, wanted: str) -> Any:
    body = {"definition": definition(wanted)}
    return await code.maintainer.post(f"/api/v1/projects/{code.project.id}/runs", json=body)


async def test_ranges_are_resolved_at_start_and_recorded_exactly(code: Code) -> None:
    for number in ("1.0.0", "1.2.0", "1.2.5", "2.0.0", "2.1.0-rc.1"):
        await version(code, number)
    wanted = {"^1.0": "1.2.5", "~1.2.0": "1.2.5", "1.x": "1.2.5", ">=1.0 <1.2": "1.0.0", "latest": "2.0.0"}
    wanted |= {"2.1.0-rc.1": "2.1.0-rc.1", ">=2.1.0-rc.0": "2.1.0-rc.1", "^3": None}
    assert {text: await chosen(code, text) for text in wanted} == wanted
    started = (await run(code, "^1.0")).json()
    assert started["steps"][0]["processor"]["version"] == "1.2.5"
    assert started["definition"]["steps"][0]["processor"] == "g/code/augment@^1.0"
    assert "has no version '^3'; it has 2.1.0-rc.1, 2.0.0" in (await validate(code, "^3"))["errors"][0]["message"]


async def test_a_pre_release_is_never_latest(code: Code) -> None:
    await version(code, "1.0.0-rc.1")
    assert (await processor(code))["latest"] is None
    assert await found(code.maintainer, search="augment") == ["g/code/augment"]
    assert (await code.publish()).json()["version"] == "1.0.0"


async def test_a_deprecated_version_warns_and_ranges_avoid_it(code: Code) -> None:
    await version(code, "1.0.0")
    newest = await version(code, "1.1.0")
    answer = await change(code, newest, "deprecate", {"message": "loses colour", "replacement": "1.0.0"})
    told = answer.json()
    assert (told["status"], told["status_by"], told["replacement"]) == ("deprecated", "ada", "1.0.0")
    assert told["status_at"].startswith("20")
    assert (await processor(code))["latest"]["version"] == "1.0.0"
    assert await chosen(code, "^1.0") == "1.0.0"
    warnings = (await validate(code, "1.1.0"))["warnings"]
    assert [(one["field"], "loses colour" in one["message"]) for one in warnings] == [("steps[0].processor", True)]
    assert (await change(code, newest, "undeprecate")).json()["status"] == "published"
    assert (await processor(code))["latest"]["version"] == "1.1.0"
    assert (await change(code, newest, "undeprecate")).status_code == 409


@pytest.mark.parametrize("replacement", ["9.9.9", "1.0.0", "no processor"])
async def test_a_replacement_must_be_something(code: Code, replacement: str) -> None:
    only = await version(code, "1.0.0")
    answer = await change(code, only, "deprecate", {"message": "old", "replacement": replacement})
    assert answer.json()["error"]["details"][0]["field"] == "replacement"


async def test_an_unpublished_version_cannot_be_chosen_but_its_runs_can_be_repeated(code: Code) -> None:
    await version(code, "1.0.0")
    newest = await version(code, "1.1.0")
    before = (await run(code, "latest")).json()
    assert (await change(code, newest, "unpublish", {"reason": "leaks"})).json()["status"] == "unpublished"
    assert (await processor(code))["latest"]["version"] == "1.0.0"
    assert await chosen(code, "latest") == "1.0.0"
    refused = (await run(code, "1.1.0")).json()["error"]
    assert refused["details"][0]["message"] == "g/code/augment@1.1.0 was unpublished: leaks"
    again = await code.maintainer.post(f"/api/v1/runs/{before['id']}/rerun")
    assert (again.status_code, again.json()["steps"][0]["processor"]["version"]) == (201, "1.1.0")
    taken = await code.publish(version="1.1.0")
    assert taken.status_code == 409


async def test_without_versions_a_processor_is_shown_to_nobody_in_the_marketplace(code: Code) -> None:
    only = await version(code, "1.0.0")
    await change(code, only, "unpublish", {"reason": "wrong"})
    assert await found(code.maintainer) == []
    assert (await processor(code))["versions"][0]["status"] == "unpublished"
    again = await change(code, only, "republish")
    assert (again.status_code, again.json()["version"], again.json()["trigger"]) == (202, "1.0.1", "republish")
    assert (await code.build(again.json())).status_code == 200
    assert await found(code.maintainer) == ["g/code/augment"]
    assert (await processor(code))["latest"]["commit"] == (await processor(code))["versions"][1]["commit"]


async def test_of_two_changes_at_once_both_or_one_come_true_but_nothing_between(code: Code) -> None:
    first, second = await version(code, "1.0.0"), await version(code, "1.1.0")
    answers = await asyncio.gather(
        *(change(code, one, "unpublish", {"reason": "x"}) for one in (first, second, second)),
        change(code, first, "deprecate", {"message": "old"}),
        run(code, "latest"),
    )
    assert sorted(one.status_code for one in answers[:3]) == [200, 200, 409]
    assert answers[3].status_code in {200, 409}
    assert (await processor(code))["latest"] is None
    assert await found(code.maintainer) == []
    assert answers[4].status_code in {201, 400, 409}


async def test_only_maintainers_change_how_versions_stand(code: Code, client: Client) -> None:
    only = await version(code, "1.0.0")
    dan = code.forge.add_user("dan")
    code.project.members["dan"] = 30
    answer = await client(dan).post(f"/api/v1/processor-versions/{only}/unpublish", json={"reason": "x"})
    assert answer.status_code == 403


async def test_changes_between_versions(code: Code) -> None:
    await version(code, "1.0.0")
    changed = SCRIPT.replace("type=int, default=10", "type=float, default=20").replace('"--output-path"', '"--out"')
    changed = changed.replace("args =", 'parser.add_argument("--mode", required=True)\nargs =')
    code.project.commit("main", {"augment.py": changed.encode()}, "other parameters")
    newest = await version(code, "2.0.0")
    told = (await code.maintainer.get(f"/api/v1/processor-versions/{newest}/changes")).json()
    assert (told["from"]["version"], told["to"]["version"], told["breaking"]) == ("1.0.0", "2.0.0", True)
    assert {one["name"] for one in told["parameters"]["added"]} == {"mode", "out"}
    assert {one["name"] for one in told["parameters"]["removed"]} == {"output_path"}
    fields = {(one["name"], one["field"]): one["breaking"] for one in told["parameters"]["changed"]}
    assert fields == {("rotate", "type"): False, ("rotate", "default"): False}
    assert any("mode is new and required" in one for one in told["reasons"])


async def test_use_is_counted_by_runs_and_people(code: Code, client: Client) -> None:
    await version(code, "1.0.0")
    dan = code.forge.add_user("dan")
    code.project.members["dan"] = 30
    for _ in range(2):
        await run(code, "1.0.0")
    body = {"definition": definition("1.0.0")}
    await client(dan).post(f"/api/v1/projects/{code.project.id}/runs", json=body)
    whole = await processor(code)
    assert whole["usage"] == {"runs": 3, "users": 2, "recent_runs": 3, "recent_users": 2}
    assert whole["usage_count"] == 3
