"""The section of a version in a changelog, as https://keepachangelog.com and most others lay it out."""

from __future__ import annotations

import re

MAX_CHARACTERS = 20_000

_HEADING = re.compile(r"^(#{1,4})\s+\[?v?(\d+\.\d+\.\d+[0-9A-Za-z.+-]*|unreleased)\]?(?:\W.*)?$", re.IGNORECASE)
_LINK = re.compile(r"^\[[^\]]+\]:\s")


def section(text: str, version: str) -> str | None:
    """What stands below the heading with the version's number; below `Unreleased` while there is none."""
    sections = _sections(text)
    found = sections.get(version, sections.get("unreleased"))
    return None if found is None else found[:MAX_CHARACTERS]


def _sections(text: str) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    level = 0
    for line in text.splitlines():
        heading = _HEADING.match(line.strip()[:200])
        if heading is not None:
            current, level = found.setdefault(heading[2].lower(), []), len(heading[1])
        elif current is not None and re.match(rf"^#{{1,{level}}}\s", line):
            current = None
        elif current is not None and not _LINK.match(line):
            current.append(line)
    return {version: "\n".join(lines).strip() for version, lines in found.items()}
