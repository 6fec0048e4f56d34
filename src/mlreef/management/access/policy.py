"""The one policy function: what an action needs, deny by default, and hidden things are not there.

Levels are GitLab's: guest 10, reporter 20, developer 30, maintainer 40, owner 50; administrators count as 60.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mlreef.kit.errors import forbidden, not_found, unauthenticated

GUEST, REPORTER, DEVELOPER, MAINTAINER, OWNER, ADMIN = 10, 20, 30, 40, 50, 60


class Action(StrEnum):
    """What somebody wants to do with a project or the service."""

    READ_PROJECT = "read_project"
    """See that it exists: its name, its published processors."""
    READ_CODE = "read_code"
    """See its content: runs, experiments, outputs, publications, sources."""
    RUN = "run"
    """Start, cancel and repeat runs; save data pipelines."""
    PUBLISH = "publish"
    """Publish processors from it."""
    CURATE = "curate"
    """Say how published versions stand: deprecate, unpublish, republish, verify."""
    CONNECT = "connect"
    """Let this service work in it."""
    READ_USAGE = "read_usage"
    """See what was used and by whom."""
    ADMINISTER = "administer"
    """Change what belongs to the operator, such as environments."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The least level for an action, and whether a visitor of a visible project needs none."""

    level: int
    visible_suffices: bool = False
    changes: bool = False


RULES: dict[Action, Rule] = {
    Action.READ_PROJECT: Rule(GUEST, visible_suffices=True),
    Action.READ_CODE: Rule(REPORTER, visible_suffices=True),
    Action.RUN: Rule(DEVELOPER, changes=True),
    Action.PUBLISH: Rule(DEVELOPER, changes=True),
    Action.CURATE: Rule(MAINTAINER, changes=True),
    Action.CONNECT: Rule(MAINTAINER, changes=True),
    Action.READ_USAGE: Rule(MAINTAINER),
    Action.ADMINISTER: Rule(ADMIN, changes=True),
}

_LEVEL_NAMES = {
    GUEST: "Guest",
    REPORTER: "Reporter",
    DEVELOPER: "Developer",
    MAINTAINER: "Maintainer",
    OWNER: "Owner",
    ADMIN: "administrator",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands to a project that the forge let them see."""

    known: bool
    """Whether the caller is somebody, not an anonymous visitor."""
    level: int
    visibility: str
    archived: bool = False


def decide(action: Action, standing: Standing | None) -> None:
    """Return when `action` is allowed; raise the one fitting error otherwise. `None` is a project nobody showed."""
    if standing is None:
        raise not_found("Project")
    rule = RULES[action]
    if rule.visible_suffices:
        if standing.level >= rule.level or standing.visibility in {"public", "internal"}:
            return
        raise forbidden(f"this needs the role {_LEVEL_NAMES[rule.level]} in the project")
    if not standing.known:
        raise unauthenticated("sign in to do this")
    if standing.level < rule.level:
        raise forbidden(f"this needs the role {_LEVEL_NAMES[rule.level]} in the project")
    if rule.changes and standing.archived:
        raise forbidden("the project is archived; unarchive it first")
