"""The one decision about moving references, for pushes, commits, merges and the branches API alike.

The default branch is protected without a row: developers may push to it, only maintainers may delete it or rewrite its
history. Rows add branches, raise or lower levels, or take the default branch's protection away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlreef.forge.repos import refs
from mlreef.kit.errors import forbidden

DEVELOPER, MAINTAINER = 30, 40
LEVELS = {0: "No one", 30: "Developers + Maintainers", 40: "Maintainers", 60: "Administrators"}


@dataclass(frozen=True, slots=True)
class Protection:
    """What protects a branch, or all branches that match a wildcard."""

    id: int
    name: str
    push_level: int = MAINTAINER
    merge_level: int = MAINTAINER
    allow_force_push: bool = False

    def covers(self, branch: str) -> bool:
        """Whether the branch's short name is meant; `*` matches any characters, slashes too."""
        pattern = ".*".join(re.escape(part) for part in self.name.split("*"))
        return re.fullmatch(pattern, branch) is not None

    def wire(self) -> dict[str, Any]:
        """As GitLab shows it: https://docs.gitlab.com/api/protected_branches/."""
        return {
            "id": self.id,
            "name": self.name,
            "push_access_levels": [self._level(self.push_level)],
            "merge_access_levels": [self._level(self.merge_level)],
            "allow_force_push": self.allow_force_push,
            "code_owner_approval_required": False,
        }

    def _level(self, level: int) -> dict[str, Any]:
        description = LEVELS.get(level, str(level))
        return {"id": self.id, "access_level": level, "access_level_description": description}


def protections(rows: Sequence[Mapping[Any, Any]], default_branch: str | None) -> list[Protection]:
    """All protections of a project, the default branch's among them."""
    found = [
        Protection(row["id"], row["name"], row["push_level"], row["merge_level"], row["allow_force_push"])
        for row in rows
        if row["active"]
    ]
    if default_branch and default_branch not in {row["name"] for row in rows}:
        found.insert(0, Protection(0, default_branch, DEVELOPER, DEVELOPER))
    return found


@dataclass(frozen=True, slots=True)
class Rules:
    """What one person may do to the references of one project."""

    level: int
    protections: Sequence[Protection]

    def is_protected(self, ref: str) -> bool:
        """Whether the reference (full name) is a protected branch."""
        return bool(self._of(ref))

    def refuse_push(self, ref: str, *, deletes: bool) -> str | None:
        """Why the reference may not be moved or deleted; None when it may."""
        if self.level < DEVELOPER:
            return "You are not allowed to push code to this project."
        found = self._of(ref)
        if not found:
            return None
        if deletes and self.level < MAINTAINER:
            return "You are not allowed to delete protected branches from this project."
        if all(one.push_level == 0 or self.level < one.push_level for one in found):
            return "You are not allowed to push code to protected branches on this project."
        return None

    def may_rewrite(self, ref: str) -> bool:
        """Whether history may be thrown away."""
        return all(self.level >= MAINTAINER or one.allow_force_push for one in self._of(ref))

    def require_push(self, ref: str, *, deletes: bool = False) -> None:
        """Raise forbidden unless the reference may be moved."""
        reason = self.refuse_push(ref, deletes=deletes)
        if reason is not None:
            raise forbidden(reason)

    def _of(self, ref: str) -> list[Protection]:
        if not ref.startswith(refs.HEADS):
            return []
        return [one for one in self.protections if one.covers(refs.short(ref))]
