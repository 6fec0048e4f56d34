"""Publishing what a `processor.yaml` describes: any language, its network, its limits, its changelog."""

from __future__ import annotations

from typing import Any

import httpx
import jsonschema
import pytest
import yaml
from code_project import SCRIPT, Client, Code

from mlreef.management.processors import service as processors

COMMAND = """\
name: count
kind: operation
command: [sh, /mlreef/code/count.sh]
environment: python-3.11
licence: mit
tags: [text]
inputs: {data: {types: [text]}}
outputs: [counts]
parameters: {least: {type: integer, default: 1, flag: -n}}
resources: {memory: 512MiB, timeout: 10min}
network: package-index
changelog: CHANGES.md
"""
FILES = {
    "count.sh": b"wc -w $1/* > $2/words\n",
    "README.md": b"# Count\n\nCounts needles.\n",
    "CHANGES.md": b"## 1.0.0\n- counts\n",
}


async def order(code: Code, files: dict[str, bytes], **body: Any) -> httpx.Response:
    code.project.commit("main", files, "new files")
    path = f"/api/v1/projects/{code.project.id}/publications"
    return await code.maintainer.post(path, json={"ref": "main", **body})


async def published(code: Code, text: str, **body: Any) -> dict[str, Any]:
    answer = await order(code, {**FILES, "processor.yaml": text.encode()}, **body)
    assert answer.status_code == 202, answer.text
    assert (await code.build(answer.json())).status_code == 200
    done = (await code.maintainer.get(f"/api/v1/publications/{answer.json()['id']}")).json()
    assert done["status"] == "succeeded", done
    found: dict[str, Any] = done
    return found


async def test_a_command_of_any_language_is_published_from_its_description_alone(code: Code) -> None:
    done = await published(code, COMMAND)
    version = (await code.maintainer.get(f"/api/v1/processor-versions/{done['version_id']}")).json()
    assert (done["name"], version["command"]) == ("count", ["sh", "/mlreef/code/count.sh"])
    roles = [(one["name"], one["role"], one["flag"]) for one in version["parameters"]]
    assert roles == [("least", "value", "-n"), ("data", "input", None), ("counts", "output", None)]


async def test_the_description_is_kept_with_processor_and_version(code: Code, state: Any) -> None:
    done = await published(code, COMMAND)
    async with state.db.read() as tx:
        found = await processors.find_version(tx, "g/code/count", "latest")
        asked = await processors.asked(tx, [done["version_id"]])
    assert found is not None
    processor, version = found
    assert (processor.licence, processor.tags, processor.framework) == ("MIT", ["text"], "python")
    assert ("needles" in processor.readme, processor.input_types) == (True, ["text"])
    assert (version.network, version.changelog) == ("package-index", "- counts")
    assert version.manifest["resources"] == {"memory": 512 << 20, "timeout": 600}
    wanted = asked[done["version_id"]]
    assert (wanted.memory_bytes, wanted.timeout, wanted.network) == (512 << 20, 600, "package-index")


async def test_the_job_is_told_everything(code: Code) -> None:
    started = (await order(code, {**FILES, "processor.yaml": COMMAND.encode()})).json()
    _, job = code.job(started)
    told = (await job.get("/api/v1/jobs/current")).json()["publication"]
    assert told["command"] == ["sh", "/mlreef/code/count.sh"]
    assert told["environment"]["name"] == "python-3.11"
    assert told["environment"]["digest"].startswith("sha256:")
    assert (told["manifest"]["licence"], len(told["parameters"])) == ("MIT", 3)
    assert told["labels"]["mlreef.network"] == "package-index"
    assert told["source_limits"]["files"] > 0


async def test_an_order_overrides_the_description(code: Code) -> None:
    done = await published(code, COMMAND, name="words", tags=["more"], network="none", changelog="By hand")
    assert (done["name"], done["changelog"]) == ("words", "By hand")
    assert (done["manifest"]["tags"], done["manifest"]["network"]) == (["more"], "none")
    assert done["manifest"]["licence"] == "MIT"


async def test_faults_of_the_order_and_of_the_file_are_told_together(code: Code) -> None:
    text = COMMAND.replace("licence: mit", "licence: whatever").encode()
    answer = await order(code, {**FILES, "processor.yaml": text}, network="all", version="one")
    told = {(one["field"], (one.get("location") or {}).get("line")) for one in answer.json()["error"]["details"]}
    assert answer.status_code == 400
    assert told == {("entry", 5), ("network", None), ("version", None)}


async def test_an_order_puts_right_what_the_file_has_wrong(code: Code) -> None:
    text = COMMAND.replace("licence: mit", "licence: whatever")
    assert (await published(code, text, licence="MIT"))["manifest"]["licence"] == "MIT"


async def test_an_open_network_needs_a_maintainers_consent(code: Code, client: Client) -> None:
    files = {**FILES, "processor.yaml": COMMAND.replace("package-index", "open").encode()}
    refused = await order(code, files)
    assert refused.status_code == 400
    assert "consent_network" in refused.text
    developer = code.forge.add_user("dan")
    code.project.members["dan"] = 30
    path = f"/api/v1/projects/{code.project.id}/publications"
    body = {"ref": "main", "consent_network": True}
    assert (await client(developer).post(path, json=body)).status_code == 403
    assert (await code.maintainer.post(path, json=body)).status_code == 202


async def test_without_a_changelog_the_commits_since_the_last_version_are_it(code: Code) -> None:
    await code.published()
    code.project.commit("main", {"augment.py": SCRIPT.encode()}, "Turn faster\n\nBecause.")
    code.project.commit("main", {"augment.py": SCRIPT.encode()}, "Fix turning")
    done = await code.published()
    assert done["changelog"] == "- Fix turning\n- Turn faster"


async def test_files_that_the_description_names_must_be_there(code: Code) -> None:
    text = COMMAND + "requirements: none.txt\nreference: {inputs: {data: nowhere}}\n"
    files = {"processor.yaml": text.encode()}
    code.project.commit("main", files, "incomplete")
    body = {"ref": "main", "entry": "processor.yaml"}
    path = f"/api/v1/projects/{code.project.id}/processors/inspect"
    found = (await code.maintainer.post(path, json=body)).json()
    lines = {(one["line"], one["message"].split()[-1]) for one in found["errors"]}
    assert lines == {(3, "count.sh"), (12, "CHANGES.md"), (13, "none.txt"), (14, "nowhere")}


async def test_an_unknown_machine_is_refused(code: Code) -> None:
    answer = await order(code, {**FILES, "processor.yaml": COMMAND.encode()}, resources={"machine": "cray"})
    assert "there is no machine class" in answer.text


async def test_descriptions_are_offered_before_scripts(code: Code) -> None:
    files = {"a.py": SCRIPT.encode(), "sub/processor.yaml": b"entry: a.py\n"}
    code.project.commit("main", files, "two")
    found = await code.maintainer.get(f"/api/v1/projects/{code.project.id}/processors/entries?ref=main")
    assert [one["path"] for one in found.json()["items"]] == ["sub/processor.yaml", "a.py"]


async def test_the_schema_of_the_file_is_public(client: Client) -> None:
    answer = await client().get("/api/v1/schemas/processor.json")
    assert answer.headers["content-type"] == "application/schema+json"
    schema = answer.json()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith("/api/v1/schemas/processor.json")


@pytest.mark.parametrize(
    ("resources", "own", "expected"),
    [
        ({"machine": "cpu-large", "timeout": 600}, {}, "cpu-large"),
        ({"machine": "cpu-large"}, {"machine": "cpu-small"}, "cpu-small"),
        ({"timeout": 600}, {}, "cpu-small"),
    ],
)
async def test_a_step_that_says_nothing_gets_what_the_processor_asks_for(
    code: Code, resources: dict[str, Any], own: dict[str, Any], expected: str
) -> None:
    await published(code, COMMAND, resources=resources)
    step = {"name": "count", "processor": "g/code/count@1.0.0", "inputs": {"data": {"branch": "main"}}, **own}
    definition = {"version": 1, "name": "count", "kind": "dataops", "steps": [step]}
    path = f"/api/v1/projects/{code.project.id}/runs"
    started = await code.maintainer.post(path, json={"definition": definition})
    assert started.status_code == 201, started.text
    assert started.json()["steps"][0]["machine"] == expected
    config = list(code.forge.pipelines.values())[-1]
    rendered = (await code.client().get(f"/api/v1/ci/runs/{config['variables']['MLREEF_CONFIG']}.yml")).text
    job = yaml.safe_load(rendered)["count"]
    assert job["timeout"] == ("1500s" if "timeout" in resources else "4500s")
    assert (job["tags"], job["variables"]["MLREEF_NETWORK"]) == ([expected], "package-index")
