"""What breaks callers is the same in the web application and at the server: both read one table of cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlreef.management.processors import comparing

CASES = json.loads((Path(__file__).parents[3] / "frontend/src/lib/parameter-changes.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['field']}-{case['before']}-{case['after']}")
def test_a_change_breaks_as_the_table_says(case: dict[str, Any]) -> None:
    assert comparing._breaks(case["field"], case["before"], case["after"]) is case["breaking"]
