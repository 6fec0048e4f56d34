"""`POST /api/v1/hooks/forge`: where the forge delivers webhooks of connected projects."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request

from mlreef.kit import ids
from mlreef.kit.errors import invalid, unauthenticated
from mlreef.management import bodies
from mlreef.management.access import guards
from mlreef.management.hooks import dispatch, secrets, store

router = APIRouter(tags=["hooks"])


@router.post("/api/v1/hooks/forge", openapi_extra={"policy": "hook"})
async def receive(request: Request, state: guards.Resources) -> dict[str, str]:
    """Verify, tell every handler, then acknowledge; what was acknowledged before is not told again."""
    given = request.headers.get("x-gitlab-token", "")
    if not given:
        raise unauthenticated("the delivery brings no X-Gitlab-Token")
    event = _event(await bodies.read(request, state.settings.max_request_bytes))
    if event is None or not ids.same(given, secrets.of_project(state.settings.hook_secret, event.project_id)):
        raise unauthenticated("the delivery's X-Gitlab-Token is not this project's")
    if event.kind not in dispatch.KINDS.values():
        return {"status": "ignored"}
    key = request.headers.get("idempotency-key") or request.headers.get("webhook-id")
    digest = ids.hash_token(f"{event.project_id} {key}") if key else None
    if digest is not None:
        async with state.db.read() as tx:
            if await store.seen(tx, digest):
                return {"status": "repeated"}
    for handler in state.handlers:
        await handler(event)
    if digest is not None:
        await store.remember(state.db, digest, state.clock.now())
    return {"status": "done"}


def _event(content: bytes) -> dispatch.Event | None:
    try:
        body: Any = json.loads(content)
    except (ValueError, RecursionError):
        raise invalid("the delivery is no JSON document") from None
    if not isinstance(body, dict):
        raise invalid("the delivery is no JSON object")
    project = body.get("project_id") or (body.get("project") or {}).get("id")
    if not isinstance(project, int):
        return None
    kind = str(body.get("object_kind", ""))
    return dispatch.Event(dispatch.KINDS.get(kind, kind), project, body)
