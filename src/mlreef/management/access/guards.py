"""What routes depend on: every route names one of these, and a test walks them all.

    caller: guards.Visitor            anybody, perhaps anonymous
    caller: guards.User               somebody signed in
    access: Annotated[ProjectAccess, guards.project(Action.RUN)]      `{pid}` in the path
    job: guards.Job                   a CI job that the forge vouches for
Routes whose project is found in the database call `state.access.project(caller, project_id, action)` themselves.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any

from fastapi import Depends, Path, Request

from mlreef.kit.errors import Kind, PlatformError, not_found
from mlreef.management import state as states
from mlreef.management.access import callers
from mlreef.management.access.identity import JobIdentity
from mlreef.management.access.policy import Action
from mlreef.management.access.service import Caller, ProjectAccess
from mlreef.management.state import State

ProjectId = Annotated[int, Path(alias="pid", ge=1, lt=2**62, description="The forge's id of the project")]


async def visitor(request: Request) -> Caller:
    """Who calls; the anonymous are welcome, the wrong credential is not."""
    state = states.of(request)
    return await state.access.caller(callers.credential_of(request, state.settings))


async def user(caller: Annotated[Caller, Depends(visitor)]) -> Caller:
    """Somebody signed in."""
    _ = caller.somebody
    return caller


class ProjectGuard:
    """The project of the path, for one action."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(
        self, request: Request, caller: Annotated[Caller, Depends(visitor)], pid: ProjectId
    ) -> ProjectAccess:
        """Decide."""
        return await states.of(request).access.project(caller, pid, self.action)


def project(action: Action) -> Any:
    """A dependency that yields ProjectAccess for `{pid}`."""
    return Depends(ProjectGuard(action))


async def hiding(access: Awaitable[ProjectAccess], thing: str) -> ProjectAccess:
    """The access, or `not_found` in the words of the thing that is asked for: hidden and missing never differ."""
    try:
        return await access
    except PlatformError as exc:
        if exc.kind is Kind.NOT_FOUND:
            raise not_found(thing) from exc
        raise


async def job(request: Request) -> JobIdentity:
    """The CI job behind the request's `id_token`."""
    return await states.of(request).verifier.identify(request.headers.get("authorization"))


Visitor = Annotated[Caller, Depends(visitor)]
User = Annotated[Caller, Depends(user)]
Job = Annotated[JobIdentity, Depends(job)]
Resources = Annotated[State, Depends(states.of)]
