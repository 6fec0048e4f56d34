"""docs/processors.md tells every key of `processor.yaml`, and its examples are good."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlreef.extraction import manifest
from mlreef.extraction.manifest import fields

TEXT = (Path(__file__).resolve().parents[2] / "docs/processors.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("record", ["PROCESSOR", "PARAMETER", "PORT", "RESOURCES", "METRIC", "REFERENCE"])
def test_every_key_is_documented_as_declared(record: str) -> None:
    declared = getattr(fields, record).fields
    missing = [key for key, one in declared.items() if f"| `{key}` | {one.about} |" not in TEXT]
    assert not missing


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_are_good_files(example: str) -> None:
    assert manifest.parse(example.encode(), "processor.yaml").faults == []
