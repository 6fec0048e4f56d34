"""Who may do what: one question per kind of route, answered with the token that the caller sent."""

from __future__ import annotations

from fastapi import Request

from mlreef.registry.state import State
from mlreef.registry.tokens import Grant
from mlreef.registry.wire import repository_name

CATALOG = "registry:catalog:*"


async def repository(state: State, request: Request, name: str, *actions: str) -> Grant:
    """The caller's grant, when it allows every action on the repository."""
    repository_name(name)
    grant = await state.tokens.verify(request.headers.get("authorization"))
    if grant is None or not grant.allows(name, *actions):
        raise state.tokens.challenge(f"repository:{name}:{','.join(actions)}", known=grant is not None)
    return grant


async def anybody(state: State, request: Request) -> Grant:
    """The caller's grant, whatever it allows."""
    grant = await state.tokens.verify(request.headers.get("authorization"))
    if grant is None:
        raise state.tokens.challenge(None)
    return grant


async def administrator(state: State, request: Request) -> Grant:
    """The caller's grant, when it is an administrator's."""
    grant = await state.tokens.verify(request.headers.get("authorization"))
    if grant is None or not grant.is_administrator:
        raise state.tokens.challenge(CATALOG, known=grant is not None)
    return grant
