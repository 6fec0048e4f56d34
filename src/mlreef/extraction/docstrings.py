"""Docstrings in the styles of Google, NumPy and Sphinx: what they say of each parameter."""

from __future__ import annotations

import re

_SPHINX = re.compile(r"^\s*:(?:param|parameter|arg|argument|key)\s+(?:[^:\n]*?\s)?\*{0,2}(\w+)\s*:\s*(.*)$")
_GOOGLE = re.compile(r"^(\s*)\*{0,2}(\w+)\s*(?:\([^)\n]*\))?\s*:\s*(.*)$")
_NUMPY = re.compile(r"^(\s*)\*{0,2}(\w+(?:\s*,\s*\w+)*)\s*(?::.*)?$")
_SECTION = re.compile(
    r"^\s*(Args|Arguments|Parameters|Params|Keyword Args|Keyword Arguments|Options|Attributes)\s*:\s*$"
)
_HEADING = re.compile(r"^\s*(Parameters|Other Parameters|Attributes)\s*$")
_RULE = re.compile(r"^\s*-{3,}\s*$")
MAX_LENGTH = 100_000


def parameters(text: str) -> dict[str, str]:
    """Help texts by name of the parameter."""
    lines = text[:MAX_LENGTH].expandtabs().splitlines()
    found: dict[str, str] = {}
    index = 0
    while index < len(lines):
        line = lines[index]
        sphinx = _SPHINX.match(line)
        if sphinx is not None:
            more, index = _continued(lines, index + 1, _indent(line))
            found[sphinx[1]] = " ".join([sphinx[2], *more]).strip()
        elif _SECTION.match(line) is not None:
            index = _section(lines, index + 1, _indent(line), found)
        elif _HEADING.match(line) is not None and index + 1 < len(lines) and _RULE.match(lines[index + 1]):
            index = _numpy(lines, index + 2, _indent(line), found)
        else:
            index += 1
    return {name: " ".join(words.split()) for name, words in found.items()}


def summary(text: str) -> str:
    """What a docstring says before its sections."""
    kept: list[str] = []
    lines = text[:MAX_LENGTH].splitlines()
    for index, line in enumerate(lines):
        after = lines[index + 1] if index + 1 < len(lines) else ""
        if _SPHINX.match(line) or _SECTION.match(line) or _RULE.match(after) or line.lstrip().startswith(":"):
            break
        if re.match(r"^\s*(Returns|Raises|Yields|Examples?)\s*:\s*$", line):
            break
        kept.append(line)
    return "\n".join(kept).strip()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _continued(lines: list[str], index: int, indent: int) -> tuple[list[str], int]:
    """Lines that belong to the one before because they stand further in."""
    found: list[str] = []
    while index < len(lines) and lines[index].strip() and _indent(lines[index]) > indent:
        found.append(lines[index].strip())
        index += 1
    return found, index


def _section(lines: list[str], index: int, outer: int, found: dict[str, str]) -> int:
    inner: int | None = None
    while index < len(lines):
        line = lines[index]
        if not line.strip():
            index += 1
            continue
        if _indent(line) <= outer:
            break
        inner = _indent(line) if inner is None else inner
        match = _GOOGLE.match(line)
        if match is None or _indent(line) != inner:
            index += 1
            continue
        more, index = _continued(lines, index + 1, inner)
        found[match[2]] = " ".join([match[3], *more]).strip()
    return index


def _numpy(lines: list[str], index: int, outer: int, found: dict[str, str]) -> int:
    while index < len(lines):
        line = lines[index]
        after = lines[index + 1] if index + 1 < len(lines) else ""
        if not line.strip():
            index += 1
            continue
        match = _NUMPY.match(line)
        if _RULE.match(after) or match is None or _indent(line) != outer:
            break
        more, index = _continued(lines, index + 1, outer)
        for name in match[2].split(","):
            found[name.strip()] = " ".join(more)
    return index
