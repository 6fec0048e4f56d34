"""Asks the forge who somebody is and how they stand to a project; answers are believed for about a second.

Only yes is remembered: a right that was just given counts at once, one that was taken within `access_seconds`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlreef.clients.credentials import Credential
from mlreef.clients.forge import ForgeClient, ProjectRef
from mlreef.clients.forge_models import Project, User
from mlreef.kit.clock import Clock
from mlreef.kit.errors import Kind, PlatformError, forbidden, not_found, unauthenticated
from mlreef.management.access import policy
from mlreef.management.access.cache import Moments
from mlreef.management.access.policy import Action, Standing
from mlreef.management.settings import Settings


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request comes from; `user` is None for an anonymous visitor. `forge` acts with their own right."""

    user: User | None
    forge: ForgeClient

    @property
    def somebody(self) -> User:
        """The user; raises `unauthenticated` for visitors."""
        if self.user is None:
            raise unauthenticated("sign in to do this")
        return self.user

    @property
    def is_admin(self) -> bool:
        """Whether they administer the whole installation."""
        return self.user is not None and self.user.is_admin


@dataclass(frozen=True, slots=True)
class ProjectAccess:
    """A caller before a project that they may act on."""

    caller: Caller
    project: Project
    level: int

    @property
    def user(self) -> User:
        """The user behind the caller."""
        return self.caller.somebody

    @property
    def forge(self) -> ForgeClient:
        """The forge with the caller's right."""
        return self.caller.forge


class Access:
    """One per process."""

    def __init__(self, settings: Settings, forge: ForgeClient, clock: Clock) -> None:
        self._forge = forge
        self._clock = clock
        self._users: Moments[User] = Moments(clock, settings.access_seconds)
        self._projects: Moments[Project] = Moments(clock, settings.access_seconds)
        self._related: Moments[frozenset[int]] = Moments(clock, settings.visible_seconds, limit=2000)

    async def caller(self, credential: Credential) -> Caller:
        """Who holds a credential; raises `unauthenticated` when it is no longer valid."""
        client = self._forge.with_credential(credential)
        if credential.anonymous:
            return Caller(None, client)
        key = (credential.fingerprint,)
        user = self._users.find(key)
        if user is None:
            asked = self._clock.monotonic()
            try:
                user = self._users.keep(key, await client.get_user(), asked_at=asked)
            except PlatformError as exc:
                if exc.kind is Kind.FORBIDDEN:  # a blocked user, or a token without a scope that suffices
                    raise forbidden(f"the forge refuses this credential: {exc.message}") from exc
                raise
        return Caller(user, client)

    async def project(self, caller: Caller, project: ProjectRef, action: Action) -> ProjectAccess:
        """The project, if the caller may do `action` with it; hidden ones are `not_found`."""
        found = await self._project(caller, project)
        level = policy.ADMIN if caller.is_admin else found.access_level if found is not None else 0
        known = caller.user is not None
        standing = Standing(known, level, found.visibility, found.archived) if found is not None else None
        if standing is None and not known and not policy.RULES[action].visible_suffices:
            raise unauthenticated("sign in to do this")
        policy.decide(action, standing)
        if found is None:
            raise not_found("Project")
        return ProjectAccess(caller, found, level)

    async def allows(self, caller: Caller, project: ProjectRef, action: Action) -> bool:
        """Whether the caller may do `action` with a project."""
        try:
            await self.project(caller, project, action)
        except PlatformError as exc:
            if exc.kind in {Kind.NOT_FOUND, Kind.FORBIDDEN, Kind.UNAUTHENTICATED}:
                return False
            raise
        return True

    def administer(self, caller: Caller) -> User:
        """The caller, if they administer the installation."""
        user = caller.somebody
        if not user.is_admin:
            raise forbidden("only administrators may do this")
        return user

    async def member_projects(self, caller: Caller) -> frozenset[int]:
        """Ids of the projects that the caller is a member of, also by a group."""
        return await self._listed(caller, "membership")

    async def starred_projects(self, caller: Caller) -> frozenset[int]:
        """Ids of the projects that the caller has given a star."""
        return await self._listed(caller, "starred")

    async def _listed(self, caller: Caller, relation: str) -> frozenset[int]:
        if caller.user is None:
            return frozenset()
        key = (relation, caller.forge.credential.fingerprint)
        found = self._related.find(key)
        if found is None:
            asked = self._clock.monotonic()
            listed = frozenset([one.id async for one in caller.forge.iter_projects(**{relation: "true"})])
            found = self._related.keep(key, listed, asked_at=asked)
        return found

    def forget(self) -> None:
        """Believe nothing from before."""
        self._users.forget()
        self._projects.forget()
        self._related.forget()

    async def _project(self, caller: Caller, project: ProjectRef) -> Project | None:
        key = (caller.forge.credential.fingerprint, str(project))
        found = self._projects.find(key)
        if found is not None:
            return found
        asked = self._clock.monotonic()
        try:
            return self._projects.keep(key, await caller.forge.get_project(project), asked_at=asked)
        except PlatformError as exc:
            # An anonymous request may be answered 401 where the project is not public: to them it is not there.
            if exc.kind is Kind.NOT_FOUND or (exc.kind is Kind.UNAUTHENTICATED and caller.user is None):
                return None
            raise
