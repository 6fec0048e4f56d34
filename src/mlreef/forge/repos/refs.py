"""Names of references: one validator for pushes, the API and imports, and full names inside.

A short name is ambiguous (a tag may shadow a branch, a branch may look like a commit id), so everything that is kept or
compared is a full name such as `refs/heads/main`. Rules: git-check-ref-format(1), plus GitLab's ban on names that read
as commit ids or options.
"""

from __future__ import annotations

import re

from mlreef.kit.errors import invalid

HEADS = "refs/heads/"
TAGS = "refs/tags/"
ZERO = "0" * 40
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
MAX_BYTES = 244

INTERNAL = ("refs/pipelines/", "refs/keep-around/", "refs/merge-requests/", "refs/environments/", "refs/tmp/")
"""Namespaces that only the server writes."""

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_SHA = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_COMMIT = re.compile(r"[0-9a-fA-F]{7,40}")


def is_valid(full: str) -> bool:
    """Whether a client may create or move the reference with this full name."""
    if len(full.encode()) > MAX_BYTES + len(HEADS) or _FORBIDDEN.search(full) or not _encodable(full):
        return False
    prefix = next((one for one in (HEADS, TAGS) if full.startswith(one)), None)
    short = full.removeprefix(prefix) if prefix else full.removeprefix("refs/")
    if prefix is None and (not full.startswith("refs/") or full.startswith(INTERNAL) or "/" not in short):
        return False
    if not short or short.startswith(("-", "/", "refs/")) or short.endswith(("/", ".")) or short in {"@", "HEAD"}:
        return False
    if _SHA.fullmatch(short):
        return False
    return all(part and not part.startswith(".") and not part.endswith(".lock") for part in short.split("/"))


def branch(name: str) -> str:
    """The full name of a branch, if a branch may have that name."""
    full = HEADS + name
    if not is_valid(full):
        raise invalid("Branch name is invalid")
    return full


def tag(name: str) -> str:
    """The full name of a tag, if a tag may have that name."""
    full = TAGS + name
    if not is_valid(full):
        raise invalid(f"Tag name {name[:80]} is invalid")
    return full


def short(full: str) -> str:
    """What people call the reference."""
    for prefix in (HEADS, TAGS):
        if full.startswith(prefix):
            return full.removeprefix(prefix)
    return full


def looks_like_commit(name: str) -> bool:
    """Whether a name may be an abbreviated or full commit id."""
    return _COMMIT.fullmatch(name) is not None


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
