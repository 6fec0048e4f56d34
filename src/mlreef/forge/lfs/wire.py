"""HTTP's side of LFS: the dialect of its errors, and who may move which object."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from mlreef.forge import state as states
from mlreef.forge.access import deps, identify
from mlreef.forge.access import store as users
from mlreef.forge.access.principal import ALL_SCOPES, Principal
from mlreef.forge.lfs import schemas, service, tickets
from mlreef.forge.lfs.background import Linker
from mlreef.forge.projects import service as projects
from mlreef.kit import ids
from mlreef.kit.db import Tx
from mlreef.kit.errors import Kind, PlatformError, invalid, not_found

CHALLENGE = 'Basic realm="GitLab"'
DEVELOPER, MAINTAINER = 30, 40
READ: dict[str, Any] = {
    "policy": "reporter",
    "job": True,
    "basic": True,
    "scopes": ["read_repository", "write_repository"],
}
_MAX_BODY = 16 << 20
_BELIEVED_SECONDS, _MOST_RECENT = 1.0, 10_000


@dataclass(frozen=True, slots=True)
class Lfs:
    """The collaborators of LFS; `state.parts["lfs"]`."""

    secret: bytes
    linker: Linker
    recent: dict[tuple[str, str, str], tuple[float, service.Access, Principal]] = field(default_factory=dict)
    """Rights that were asked for within the last second, by credential, project and method."""


def install(state: states.State) -> None:
    """Add LFS's collaborators to the state; called once while the application is put together."""
    secret = tickets.load_secret(state.settings.secrets_dir)
    state.parts["lfs"] = Lfs(secret, Linker(state.db, state.clock))


def of(state: states.State) -> Lfs:
    """LFS's collaborators."""
    found: Lfs = state.parts["lfs"]
    return found


class LfsRoute(APIRoute):
    """Failures in LFS's words."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with failures rendered."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except PlatformError as exc:
                return refusal(request, exc)

        return handle


def refusal(request: Request, exc: PlatformError) -> Response:
    """A failure as https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md#response-errors wants it."""
    who: Principal | None = getattr(request.state, "principal", None)
    body: dict[str, Any] = {"message": exc.message, "documentation_url": "https://git-lfs.com"}
    if isinstance(exc, service.LockExists):
        body["lock"] = exc.lock
    hidden = exc.kind is Kind.NOT_FOUND and (who is None or who.anonymous)
    if exc.kind is Kind.UNAUTHENTICATED or hidden:
        body["message"] = "Credentials needed"
        headers = {"lfs-authenticate": CHALLENGE, "www-authenticate": CHALLENGE}
        return JSONResponse(body, status_code=401, media_type=schemas.MEDIA_TYPE, headers=headers)
    return JSONResponse(body, status_code=exc.status, media_type=schemas.MEDIA_TYPE)


async def access(tx: Tx, request: Request, who: Principal, project: str) -> service.Access:
    """What the caller may do with the project's objects; raises what the caller must be told."""
    state = states.of(request)
    found = await projects.get_project(tx, who, project, "reporter")
    admin = who.admin or (who.job is not None and await _is_admin(tx, who.job.user_id))
    level = 60 if admin else found.level
    may_push = level >= DEVELOPER and not found.archived
    if who.job is None:
        may_push = may_push and who.has_scope("api", "write_repository")
    return service.Access(
        project_id=found.id,
        url=f"{state.settings.external_url}/{found.full_path}.git",
        user_id=who.user_id or 0,
        username=who.username,
        may_push=may_push,
        may_maintain=level >= MAINTAINER,
        public=found.visibility == "public",
        authorization=request.headers.get("authorization") if who.job is not None else None,
    )


async def _is_admin(tx: Tx, user_id: int) -> bool:
    row = await users.find_user(tx, user_id)
    return bool(row and row["admin"])


async def transferring(request: Request, project: str, operation: str, oid: str, size: int) -> service.Access:
    """What whoever moves an object may do, by ticket or credential; asked anew at least once a second.

    Thousands of small objects arrive in a second with the same rights; a right that was taken away ends within it.
    """
    state = states.of(request)
    header, now = request.headers.get("authorization"), int(state.clock.now().timestamp())
    ticket = tickets.find_ticket(of(state).secret, header, operation=operation, oid=oid, size=size, now=now)
    who = f"ticket {ticket.user_id} {ticket.project_id}" if ticket is not None else ids.hash_token(header or "")
    key, recent = (who, project, request.method), of(state).recent
    known = recent.get(key)
    if known is not None and state.clock.monotonic() - known[0] < _BELIEVED_SECONDS:
        request.state.principal = known[2]
        return known[1]
    found = await _transferring(state, request, project, ticket)
    if header is not None:
        if len(recent) >= _MOST_RECENT:
            recent.clear()
        recent[key] = (state.clock.monotonic(), found, request.state.principal)
    return found


async def _transferring(
    state: states.State, request: Request, project: str, ticket: tickets.Ticket | None
) -> service.Access:
    if ticket is None:
        who = await identify.caller(state, request, basic=True)
        deps.check_credential(who, request.method, READ)
        request.state.principal = who
        async with state.db.read() as tx:
            return await access(tx, request, who, project)
    async with state.db.read() as tx:
        who = await _holder(tx, state, ticket)
        request.state.principal = who
        found = await access(tx, request, who, project)
    if found.project_id != ticket.project_id:
        raise not_found("LFS Object")
    return found


async def _holder(tx: Tx, state: states.State, ticket: tickets.Ticket) -> Principal:
    at = state.clock.now()
    if ticket.user_id == 0:
        return Principal(at=at)
    row = await users.find_user(tx, ticket.user_id)
    if row is None or row["state"] != "active":
        raise PlatformError(Kind.UNAUTHENTICATED, "Credentials needed")
    # The ticket was given within the scopes of its credential; who its holder is decides the rest.
    return Principal(
        at=at,
        user_id=row["id"],
        username=row["username"],
        admin=row["admin"],
        external=row["external"],
        method="lfs_ticket",
        scopes=ALL_SCOPES,
    )


async def body(request: Request) -> bytes:
    """A JSON body, bounded."""
    data = bytearray()
    async for chunk in chunks(request):
        data += chunk
        if len(data) > _MAX_BODY:
            raise PlatformError(Kind.TOO_LARGE, f"the request is larger than {_MAX_BODY} bytes; send fewer objects")
    return bytes(data)


async def chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes; a client that goes away ends it with an error."""
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect:
        raise invalid("the upload was broken off") from None
