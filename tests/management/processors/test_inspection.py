"""What publishing a script would find."""

from __future__ import annotations

from typing import Any

import pytest
from code_project import SCRIPT, Code

YAML = b"name: turn\nkind: operation\ntitle: Turn\nenvironment: scikit-learn\nparameters: {rotate: {max: 180}}\n"


async def inspected(code: Code, entry: str = "augment.py", ref: str = "main") -> dict[str, Any]:
    body = {"ref": ref, "entry": entry}
    answer = await code.maintainer.post(f"/api/v1/projects/{code.project.id}/processors/inspect", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_parameters_requirements_and_suggestions_are_found(code: Code) -> None:
    files = {"src/augment.py": SCRIPT.encode(), "src/processor.yaml": YAML, "requirements.txt": b"numpy\n"}
    sha = code.project.commit("main", files, "more")
    found = await inspected(code, "src/augment.py", sha[:12])
    assert (found["commit"], found["requirements"], found["errors"]) == (sha, "requirements.txt", [])
    assert (found["suggested"]["name"], found["suggested"]["environment"]) == ("turn", "scikit-learn")
    assert next(one for one in found["parameters"] if one["name"] == "rotate")["max"] == 180


async def test_without_a_manifest_names_are_guessed(code: Code) -> None:
    found = await inspected(code)
    assert found["suggested"] | {"name": "augment", "kind": "operation"} == found["suggested"]
    assert found["suggested"]["description"] == "Turns pictures"


async def test_a_manifest_of_another_entry_is_left_out(code: Code) -> None:
    files = {"augment.py": SCRIPT.encode(), "processor.yaml": b"name: other\nentry: other.py\n"}
    code.project.commit("main", files, "more")
    found = await inspected(code)
    assert (found["suggested"]["name"], len(found["warnings"])) == ("augment", 1)


async def test_a_source_file_in_lfs_is_refused(code: Code) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    code.project.commit("main", {"augment.py": pointer}, "lfs")
    assert "LFS" in (await inspected(code))["errors"][0]["message"]


@pytest.mark.parametrize(
    "entry", ["/etc/x.py", "../x.py", "a/../x.py", "x.txt", "a//x.py", "a\n.py", "x" * 300 + ".py"]
)
async def test_entries_are_paths_inside_the_repository(code: Code, entry: str) -> None:
    body = {"ref": "main", "entry": entry}
    answer = await code.maintainer.post(f"/api/v1/projects/{code.project.id}/processors/inspect", json=body)
    assert answer.status_code == 400


@pytest.mark.parametrize(("ref", "entry"), [("nowhere", "augment.py"), ("main", "nothing.py")])
async def test_what_is_not_there_is_said(code: Code, ref: str, entry: str) -> None:
    body = {"ref": ref, "entry": entry}
    answer = await code.maintainer.post(f"/api/v1/projects/{code.project.id}/processors/inspect", json=body)
    assert (answer.status_code, "Not Found" in answer.json()["error"]["message"]) == (404, True)


async def test_entries_are_listed(code: Code) -> None:
    code.project.commit("main", {"src/deep.py": b"", "train.py": b"", "test_train.py": b"", "README.md": b""}, "files")
    answer = await code.maintainer.get(f"/api/v1/projects/{code.project.id}/processors/entries?ref=main")
    assert [one["path"] for one in answer.json()["items"]] == ["train.py", "src/deep.py"]
