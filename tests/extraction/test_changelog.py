"""The section of a version in a changelog."""

from __future__ import annotations

import pytest

from mlreef.extraction.manifest import changelog

TEXT = """\
# Changelog

## [Unreleased]
- soon

## [1.2.0] - 2026-05-01
### Added
- faster

### Fixed
- a bug

## 1.1.0 (2026-01-01)
first

## v1.0.0
oldest

[1.2.0]: https://example.org
"""


@pytest.mark.parametrize(
    ("version", "section"),
    [
        ("1.2.0", "### Added\n- faster\n\n### Fixed\n- a bug"),
        ("1.1.0", "first"),
        ("1.0.0", "oldest"),
        ("9.9.9", "- soon"),
    ],
)
def test_a_version_has_the_section_below_its_heading(version: str, section: str) -> None:
    assert changelog.section(TEXT, version) == section


def test_without_a_fitting_heading_there_is_none() -> None:
    assert changelog.section("# Changes\n\nmany\n", "1.0.0") is None


def test_a_large_section_is_cut() -> None:
    assert len(changelog.section("## 1.0.0\n" + "x\n" * 100_000, "1.0.0") or "") == changelog.MAX_CHARACTERS
