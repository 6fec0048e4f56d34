"""The gate in front of every route: resolves the caller and denies what the route's declared policy does not open.

A route declares `openapi_extra={"policy": ...}` with an action of `access.policy`, and if needed `"job": True` (job
tokens may use it), `"basic": True` (takes Basic), `"checked": True` (public, but a credential counts), `"login": True`
(not for anonymous callers), `"self": True` (who sees it may do it to `{user_id}` when that is themselves),
`"session": True` (browser sessions only), `"scopes": [...]` (token scopes beside `api` and, to read, `read_api`).
A route that declares nothing is closed.
"""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Depends, Request

from mlreef.forge import state as states
from mlreef.forge.access import identify, policy
from mlreef.forge.access.principal import Principal
from mlreef.forge.groups import service as groups
from mlreef.forge.projects import service as projects
from mlreef.kit.errors import Kind, PlatformError, forbidden, unauthenticated

_READ = {"GET", "HEAD", "OPTIONS"}
_PLACE = re.compile(r"/api/v4/(?P<kind>projects|groups)/[^/]+")


class InsufficientScope(PlatformError):
    """The token is valid but was not given the scope for this."""

    def __init__(self, scope: str) -> None:
        super().__init__(Kind.FORBIDDEN, "The request requires higher privileges than provided by the access token.")
        self.scope = scope


def declared(route: Any) -> dict[str, Any]:
    """What a route says of its own protection."""
    return dict(getattr(route, "openapi_extra", None) or {})


async def gate(request: Request) -> None:
    """Runs before every route of the forge; see the module docstring."""
    path_params = request.scope.get("path_params", {})
    for name, value in path_params.items():  # routed on the raw path, so decoded here, once
        if isinstance(value, str):
            path_params[name] = unquote(value)
    says = declared(request.scope.get("route"))
    action = says.get("policy")
    if action in policy.OWN_SECRET:
        return
    if action not in policy.RULES:
        raise forbidden("403 Forbidden - this route declares no policy")
    state = states.of(request)
    if action == "public" and not says.get("checked"):  # a stale cookie must not keep anybody from logging in
        request.state.principal = Principal(at=state.clock.now(), ip=request.client.host if request.client else None)
        return
    who = await identify.caller(state, request, basic=bool(says.get("basic")))
    request.state.principal = who
    check_credential(who, request.method, says)
    rule = policy.RULES[action]
    if who.anonymous and (says.get("login") or not (rule.open or rule.everybody)):
        raise unauthenticated()
    if says.get("session") and who.method != "session":
        raise forbidden("403 Forbidden - log in to do this: a token must not make or change credentials")
    if action == "admin" and not policy.allowed(who, "admin"):
        raise forbidden("403 Forbidden")
    if rule.level is not None:
        await _enter(state, request, who, "guest" if _means_self(says, path_params, who) else action)


async def _enter(state: states.State, request: Request, who: Principal, action: str) -> None:
    """Decide on the project or group in the path, before anything of the request is read.

    Routes look again in the transaction that does the work; git and LFS have their own addresses and answers.
    """
    kind = _PLACE.match(request.scope["path"])
    wanted = next((value for value in request.scope["path_params"].values()), None)
    if kind is None or wanted is None:
        return
    async with state.db.read() as tx:
        if kind["kind"] == "projects":
            await projects.get_project(tx, who, str(wanted), action)
        else:
            await groups.get_group(tx, who, str(wanted), action)


def _means_self(says: dict[str, Any], path_params: dict[str, Any], who: Principal) -> bool:
    return bool(says.get("self")) and path_params.get("user_id") == str(who.user_id)


def check_credential(who: Principal, method: str, says: dict[str, Any]) -> None:
    """Whether this kind of credential may use the route at all, whatever its user may do."""
    if who.blocked:
        raise forbidden("403 Forbidden - Your account has been blocked.")
    if who.job is not None:
        if not says.get("job"):
            raise forbidden("403 Forbidden - a job token cannot do this")
        return
    if who.anonymous:
        return
    wanted = ["api", *says.get("scopes", ())]
    if method in _READ:
        wanted.append("read_api")
    if not who.has_scope(*wanted):
        raise InsufficientScope(" ".join(wanted))


async def principal(request: Request) -> Principal:
    """The caller that the gate let through."""
    who: Principal = request.state.principal
    return who


Caller = Annotated[Principal, Depends(principal)]
"""Declare a route's parameter with this type to be given the caller."""
