"""Git smart HTTP: https://git-scm.com/docs/http-protocol, with GitLab's answers to those who may not.

Anonymous people learn nothing about what is hidden: missing or private, they are asked to log in, as git needs it to
send credentials at all. Whoever is logged in gets 404 for hidden projects and 403 for what is not allowed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from mlreef.forge import state as states
from mlreef.forge.access.deps import Caller
from mlreef.forge.access.principal import Principal
from mlreef.forge.repos import context, moving, wire
from mlreef.forge.repos.transport import bodies, service
from mlreef.kit import http
from mlreef.kit.errors import Kind, PlatformError, invalid

CHALLENGE = {"www-authenticate": 'Basic realm="GitLab"'}
NO_CACHE = {"cache-control": "no-cache, max-age=0, must-revalidate", "pragma": "no-cache"}
_DENIED = (
    "HTTP Basic: Access denied. If a password was provided for Git authentication, the password was incorrect or "
    "you're required to use a token instead of a password."
)
_READ = {"policy": "reporter", "job": True, "basic": True, "scopes": ["read_repository", "write_repository"]}
_PUSH = {"policy": "reporter", "basic": True, "scopes": ["write_repository"]}


class GitRoute(APIRoute):
    """Says what went wrong in words that git shows to people."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with failures as plain text and a challenge for those who have not logged in."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except PlatformError as exc:
                return refusal(request, exc)

        return handle


def refusal(request: Request, exc: PlatformError) -> Response:
    """The answer to a request that git may not make."""
    who: Principal | None = getattr(request.state, "principal", None)
    hidden = exc.kind is Kind.NOT_FOUND and (who is None or who.anonymous)
    if exc.kind is Kind.UNAUTHENTICATED or hidden:
        return PlainTextResponse(_DENIED, status_code=401, headers=CHALLENGE)
    if exc.kind is Kind.NOT_FOUND:
        text = "The project you were looking for could not be found or you don't have permission to view it."
        return PlainTextResponse(text, status_code=404)
    headers = {"retry-after": "1"} if exc.kind is Kind.UNAVAILABLE else None
    return PlainTextResponse(exc.message.removeprefix("403 Forbidden - "), status_code=exc.status, headers=headers)


router = APIRouter(tags=["Git"], route_class=GitRoute, include_in_schema=False)


@router.get("/{project:path}.git/info/refs", openapi_extra=_READ)
async def info_refs(request: Request, who: Caller, project: str, service: str = "") -> Response:
    """What the repository offers to a fetch or a push."""
    name = service.removeprefix("git-")
    if service not in {"git-upload-pack", "git-receive-pack"}:
        raise PlatformError(Kind.FORBIDDEN, "Only the smart HTTP protocol is supported; use a newer git")
    entered = await (_enter_push if name == "receive-pack" else _enter_fetch)(request, who, project)
    return await _advertised(request, entered, name)


async def _advertised(request: Request, entered: wire.Entered, name: str) -> Response:
    body = await service.advertise(entered.repo, name, request.headers.get("git-protocol", ""))
    return Response(body, media_type=f"application/x-git-{name}-advertisement", headers=NO_CACHE)


@router.post("/{project:path}.git/git-upload-pack", openapi_extra=_READ)
async def upload_pack(request: Request, who: Caller, project: str) -> Response:
    """A fetch or clone."""
    entered = await _enter_fetch(request, who, project)
    body = _Body(request)
    parts = service.fetch(entered.repo, request.headers.get("git-protocol", ""), body.chunks())
    return _Duplex(parts, body, "application/x-git-upload-pack-result", give_up=True)


@router.post("/{project:path}.git/git-receive-pack", openapi_extra=_PUSH)
async def receive_pack(request: Request, who: Caller, project: str) -> Response:
    """A push."""
    entered = await _enter_push(request, who, project)
    state = states.of(request)

    async def record(moves: Sequence[moving.Move]) -> None:
        await wire.record_moves(state, who, entered, moves)

    push = service.Push(entered.repo, entered.id, wire.user_of(who), entered.rules, context.MAX_PUSH_BYTES, record)
    body = _Body(request)
    parts = service.receive(push, state.repos.hooks, body.chunks())
    return _Duplex(parts, body, "application/x-git-receive-pack-result", give_up=False)


@router.get("/{project:path}/info/refs", openapi_extra={"policy": "public"})
async def redirect_info_refs(request: Request, project: str) -> Response:
    """Addresses without `.git` lead to those with it."""
    if "/" not in project:
        raise PlatformError(Kind.NOT_FOUND, "404")
    path = http.raw_path(request).removesuffix("/info/refs")
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{states.of(request).settings.external_url}{path}.git/info/refs{query}", status_code=301)


async def _enter_fetch(request: Request, who: Principal, project: str) -> wire.Entered:
    return await wire.enter(request, who, project, "reporter")


async def _enter_push(request: Request, who: Principal, project: str) -> wire.Entered:
    if who.job is not None:
        raise PlatformError(Kind.FORBIDDEN, "You are not allowed to push code to this project.")
    if who.anonymous:
        raise PlatformError(Kind.UNAUTHENTICATED, "401 Unauthorized")
    if not who.has_scope("api", "write_repository"):
        raise PlatformError(Kind.FORBIDDEN, "The token needs the scope write_repository to push.")
    try:
        return await wire.enter(request, who, project, "developer")
    except PlatformError as exc:
        if exc.kind is Kind.FORBIDDEN and exc.message == "403 Forbidden":
            message = "You are not allowed to push code to this project."
            raise PlatformError(Kind.FORBIDDEN, message) from exc
        raise


class _Body:
    """The request's body, and whether all of it has come."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.complete = False

    async def chunks(self) -> AsyncIterator[bytes]:
        encoding = self._request.headers.get("content-encoding", "")
        try:
            async for chunk in bodies.plain(self._request.stream(), encoding):
                yield chunk
        except ClientDisconnect:
            raise invalid("the client hung up") from None
        self.complete = True


class _Duplex(Response):
    """An answer that is made while the request still comes in.

    With `give_up`, a client that hangs up stops the work; a push that has come in whole is carried to its end.
    """

    def __init__(self, parts: AsyncGenerator[bytes, None], body: _Body, media_type: str, *, give_up: bool) -> None:
        super().__init__(media_type=media_type, headers=NO_CACHE)
        del self.headers["content-length"]
        self._parts = parts
        self._body = body
        self._give_up = give_up

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the parts as they are made; the first one decides that it is a 200."""
        leaving: asyncio.Future[Any] | None = None
        async with contextlib.aclosing(self._parts) as parts:
            try:
                first = await anext(parts, b"")
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                await send({"type": "http.response.body", "body": first, "more_body": True})
                async for part in parts:
                    if self._give_up and leaving is None and self._body.complete:
                        leaving = asyncio.ensure_future(receive())
                    if leaving is not None and leaving.done():
                        return
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                if leaving is not None:
                    leaving.cancel()
