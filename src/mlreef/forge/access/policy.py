"""The one place that decides: `allowed(who, action, resource)`. Everything not said here is denied.

An action is what a route declares as its `policy`. Project and group actions are named for the least access level
that may do them; `open` ones are also met by everybody who may see a resource that is not private.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from mlreef.forge.access.principal import Principal


class Level(IntEnum):
    """GitLab's access levels."""

    NONE = 0
    MINIMAL = 5
    GUEST = 10
    PLANNER = 15
    REPORTER = 20
    DEVELOPER = 30
    MAINTAINER = 40
    OWNER = 50


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do an action."""

    level: Level | None = None
    """Least level in the project or group; None where membership says nothing."""
    open: bool = False
    """Whoever sees a public or internal resource may do it, too."""
    login: bool = False
    """Any user that is logged in."""
    admin: bool = False
    """Administrators only."""
    everybody: bool = False
    """Without any credential."""
    own: bool = False
    """The user whom the resource belongs to, and administrators."""
    archived: bool = True
    """Also in an archived project."""


RULES: dict[str, Rule] = {
    "public": Rule(everybody=True),
    "user": Rule(login=True),
    "self": Rule(own=True),
    "admin": Rule(admin=True),
    "guest": Rule(level=Level.GUEST, open=True),
    "reporter": Rule(level=Level.REPORTER, open=True),
    "developer": Rule(level=Level.DEVELOPER, archived=False),
    "maintainer": Rule(level=Level.MAINTAINER),
    "owner": Rule(level=Level.OWNER),
    "member": Rule(level=Level.MINIMAL),
}
"""Every action of users. `runner_token`, `job_token` and `secret` are none of them: those routes check secrets of
their own, and nobody's login opens them."""

OWN_SECRET = frozenset({"runner_token", "job_token", "secret"})

BY_LEVEL: dict[int, str] = {0: "guest", 10: "guest", 20: "reporter", 30: "developer", 40: "maintainer", 50: "owner"}


@dataclass(frozen=True, slots=True)
class Resource:
    """What is acted upon, as far as the decision needs it."""

    visibility: str = "private"
    level: int = 0
    """The caller's effective level in it, inherited ones included."""
    project_id: int | None = None
    owner_id: int | None = None
    archived: bool = False


INSTANCE = Resource()


def allowed(who: Principal, action: str, what: Resource = INSTANCE) -> bool:
    """Whether `who` may do `action` on `what`."""
    rule = RULES.get(action)
    if rule is None or who.blocked:
        return False
    if rule.everybody:
        return True
    if who.job is not None:
        return _job_may(who, who.job.project_id, rule, what)
    if who.user_id is None:
        return rule.open and what.visibility == "public"
    if what.archived and not rule.archived:
        return False
    if who.admin or rule.login:
        return True
    if rule.own:
        return what.owner_id == who.user_id
    if rule.admin or rule.level is None:
        return False
    return what.level >= rule.level or (rule.open and _open_to(who, what))


def visible(who: Principal, what: Resource) -> bool:
    """Whether `who` may know that `what` exists."""
    return allowed(who, "guest", what)


def _job_may(who: Principal, own_project: int, rule: Rule, what: Resource) -> bool:
    """Jobs read the code of their own project as their user may; routes open themselves to them one by one."""
    if what.project_id != own_project or not rule.open or rule.level is None:
        return False
    return what.level >= rule.level or _open_to(who, what)


def _open_to(who: Principal, what: Resource) -> bool:
    return what.visibility == "public" or (what.visibility == "internal" and not who.external)
