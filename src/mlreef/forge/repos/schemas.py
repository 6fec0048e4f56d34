"""GitLab's shapes of commits, branches, tags, trees and differences.

https://docs.gitlab.com/api/commits/, /branches/, /tags/, /repositories/, /repository_files/
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from mlreef.forge.repos import diffs, objects, refs


def when(moment: datetime) -> str:
    """A commit's own time with its own offset, as GitLab shows it."""
    return moment.isoformat(timespec="milliseconds")


def commit(one: objects.Commit, web_url: str, stats: diffs.Stats | None = None) -> dict[str, Any]:
    """A commit."""
    trailers = one.trailers
    extended: dict[str, list[str]] = {}
    for key, value in trailers:
        extended.setdefault(key, []).append(value)
    found = {
        "id": one.id,
        "short_id": one.id[:8],
        "created_at": when(one.committed),
        "parent_ids": list(one.parents),
        "title": one.title,
        "message": one.message,
        "author_name": one.author_name,
        "author_email": one.author_email,
        "authored_date": when(one.authored),
        "committer_name": one.committer_name,
        "committer_email": one.committer_email,
        "committed_date": when(one.committed),
        "trailers": dict(trailers),
        "extended_trailers": extended,
        "web_url": f"{web_url}/-/commit/{one.id}",
    }
    if stats is not None:
        total = stats.additions + stats.deletions
        found["stats"] = {"additions": stats.additions, "deletions": stats.deletions, "total": total}
    return found


def commit_detail(one: objects.Commit, web_url: str, stats: diffs.Stats | None) -> dict[str, Any]:
    """A single commit, with what only `GET .../commits/:sha` shows."""
    return commit(one, web_url, stats) | {"status": None, "last_pipeline": None}


def diff(one: diffs.FileDiff) -> dict[str, Any]:
    """One changed file."""
    return {
        "diff": one.text,
        "collapsed": False,
        "too_large": one.too_large,
        "new_path": one.new_path,
        "old_path": one.old_path,
        "a_mode": mode(one.old_mode),
        "b_mode": mode(one.new_mode),
        "new_file": one.status == "A",
        "renamed_file": one.status == "R",
        "deleted_file": one.status == "D",
        "generated_file": None,
    }


def mode(number: int) -> str:
    """A file mode in six octal digits."""
    return f"{number:06o}" if number else "0"


def entry(one: objects.Entry) -> dict[str, Any]:
    """A line of a tree."""
    return {"id": one.id, "name": one.name, "type": one.type, "path": one.path, "mode": mode(one.mode)}


def branch(
    name: str, tip: objects.Commit, web_url: str, *, default: bool, protected: bool, merged: bool, can_push: bool
) -> dict[str, Any]:
    """A branch and its newest commit."""
    return {
        "name": name,
        "commit": commit(tip, web_url),
        "merged": merged,
        "protected": protected,
        "developers_can_push": protected,
        "developers_can_merge": protected,
        "can_push": can_push,
        "default": default,
        "web_url": f"{web_url}/-/tree/{quote(name)}",
    }


def tag(one: objects.Reference, target: objects.Commit, web_url: str) -> dict[str, Any]:
    """A tag and the commit it leads to."""
    return {
        "name": refs.short(one.name),
        "message": one.message or "",
        "target": one.target,
        "commit": commit(target, web_url),
        "release": None,
        "protected": False,
        "created_at": when(one.created) if one.created else None,
    }


def comparison(
    commits: Sequence[objects.Commit], found: Sequence[diffs.FileDiff], web_url: str, names: tuple[str, str]
) -> dict[str, Any]:
    """What lies between two commits, oldest first."""
    shown = [commit(one, web_url) for one in commits]
    return {
        "commit": shown[-1] if shown else None,
        "commits": shown,
        "diffs": [diff(one) for one in found],
        "compare_timeout": False,
        "compare_same_ref": names[0] == names[1],
        "web_url": f"{web_url}/-/compare/{quote(names[0])}...{quote(names[1])}",
    }
