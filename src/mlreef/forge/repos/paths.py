"""Paths of files inside a repository, as clients send them.

Contents are built as tree objects and never touch a work tree, but others check them out: a path that git would refuse
or that could reach into `.git` there is refused here, before git's own fsck sees it.
"""

from __future__ import annotations

import re

from mlreef.kit.errors import invalid

MAX_BYTES = 4096
MAX_PART = 255
MAX_DEPTH = 100

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Characters that HFS+ ignores when it compares names: `.g\u200cit` is `.git` there.
_IGNORABLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_DOT_GIT = re.compile(r"(\.git|git~\d+)[. ]*(:.*)?", re.IGNORECASE)


def checked(path: str) -> tuple[str, ...]:
    """The parts of a file's path; raises invalid with what is wrong."""
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        raise invalid("file_path is not valid Unicode") from None
    if not path or len(encoded) > MAX_BYTES:
        raise invalid(f"file_path must have 1 to {MAX_BYTES} bytes")
    if _CONTROL.search(path):
        raise invalid("file_path must not contain control characters")
    parts = tuple(path.split("/"))
    if len(parts) > MAX_DEPTH:
        raise invalid(f"invalid path: more than {MAX_DEPTH} directories deep")
    for part in parts:
        if part in {"", ".", ".."}:
            raise invalid(f"invalid path: {path[:200]!r} must be relative, without empty, '.' or '..' parts")
        if is_git_directory(part):
            raise invalid(f"invalid path: {path[:200]!r} must not contain a .git directory")
        if len(part.encode()) > MAX_PART:
            raise invalid(f"invalid path: a name in {path[:80]!r}... is longer than {MAX_PART} bytes")
    return parts


def is_git_directory(part: str) -> bool:
    """Whether some file system would take the name for `.git`."""
    return any(_DOT_GIT.fullmatch(_IGNORABLE.sub("", piece)) for piece in part.split("\\"))


def below(path: str) -> str:
    """A path to read from: the repository's root when empty; raises invalid on tricks."""
    stripped = path.strip("/")
    if not stripped or stripped == ".":
        return ""
    return "/".join(checked(stripped))
