"""The starter library as it lies there: complete projects whose descriptions are true."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from mlreef.cli.local import files

LIBRARY = Path(__file__).resolve().parents[2] / "processors"
PROJECTS = sorted(path.parent.name for path in LIBRARY.glob("*/processor.yaml"))
everywhere = pytest.mark.parametrize("name", PROJECTS)


def test_there_are_enough_of_every_kind() -> None:
    kinds = [yaml.safe_load((LIBRARY / name / "processor.yaml").read_text())["kind"] for name in PROJECTS]
    assert len(PROJECTS) >= 24
    assert min(kinds.count(kind) for kind in ("operation", "visualization", "algorithm")) >= 5


@everywhere
def test_a_project_can_be_published_as_it_lies_there(name: str) -> None:
    found = files.study(files.find(LIBRARY / name))
    assert [one.to_json() for one in found.errors] == []
    assert {one.role for one in found.extraction.parameters} >= {"input", "output"}
    assert all(one.help for one in found.extraction.parameters)


@everywhere
def test_a_readme_names_every_parameter(name: str) -> None:
    readme = (LIBRARY / name / "README.md").read_text()
    found = files.study(files.find(LIBRARY / name))
    assert [one.name for one in found.extraction.parameters if f"`{one.name}`" not in readme] == []
    assert f"]({name}/README.md)" in (LIBRARY / "README.md").read_text()


@everywhere
def test_readmes_have_one_shape(name: str) -> None:
    described = yaml.safe_load((LIBRARY / name / "processor.yaml").read_text())
    readme = (LIBRARY / name / "README.md").read_text()
    headings = [line for line in readme.splitlines() if line.startswith("#") and not line.startswith("###")]
    card = ["## Model card"] if described["kind"] == "algorithm" else []
    wanted = [f"# {described['title']}", "## Parameters", "## Try it", *card, "## Limits", "## Licence"]
    assert headings == wanted
    assert f"python {described['entry']} --" in readme
    assert all(f"| {word} |" in readme for word in ("kind", "environment", "takes", "makes", "licence"))


@everywhere
def test_a_readme_tells_defaults_and_choices_as_they_are(name: str) -> None:
    rows = [line for line in (LIBRARY / name / "README.md").read_text().splitlines() if line.startswith("| `")]
    told = {line.split("`")[1]: line for line in rows}
    found = files.study(files.find(LIBRARY / name)).extraction.parameters
    assert list(told) == [one.name for one in found]
    for one in found:
        default = "required" if one.required else f"`{json.dumps(one.default, ensure_ascii=False)}`"
        assert told[one.name].split(" | ")[1] == default, one.name
        assert all(f"`{choice}`" in told[one.name] for choice in one.choices or ()), one.name
        assert str(one.help) in told[one.name], one.name


@everywhere
def test_a_project_has_small_reference_data_a_licence_and_tags(name: str) -> None:
    folder = LIBRARY / name
    described = yaml.safe_load((folder / "processor.yaml").read_text())
    assert described["licence"] == "Apache-2.0"
    assert described["tags"]
    for place in described["reference"]["inputs"].values():
        assert any((folder / place).rglob("*")), place
    assert sum(path.stat().st_size for path in (folder / "reference").rglob("*") if path.is_file()) < 100_000
