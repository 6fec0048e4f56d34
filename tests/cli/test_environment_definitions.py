"""Definitions of environments are checked before anything is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlreef.cli import environment
from mlreef.kit.errors import PlatformError


def read(tmp_path: Path, text: str) -> dict[str, object]:
    path = tmp_path / "e.yaml"
    path.write_text(text)
    return environment.read_definition(path)


def test_a_definition_stands_on_the_base_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert read(tmp_path, "apt: [jq]\n")["from"] == "python-3.11"
    assert read(tmp_path, "from: scikit-learn\n")["from"] == "scikit-learn"
    assert "from" not in read(tmp_path, '{"debian": ["libc6"], "suite": "bookworm"}')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n", "an object with"),
        ("apts: [jq]\n", "unknown: apts"),
        ("apt: jq\n", "list of lines"),
        ("requirements: ['--index-url x']\n", "not options"),
        ("a: [\n", "neither JSON nor YAML"),
    ],
)
def test_a_wrong_definition_is_explained(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PlatformError, match=said):
        read(tmp_path, text)
