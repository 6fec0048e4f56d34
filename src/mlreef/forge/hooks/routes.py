"""Routes of project webhooks (https://docs.gitlab.com/api/project_webhooks/)."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.engine import RowMapping

from mlreef.forge.ci import wire
from mlreef.forge.ci.pipelines import events
from mlreef.forge.hooks import outbox, service, store
from mlreef.kit.clock import iso
from mlreef.kit.errors import not_found

router = APIRouter(prefix="/api/v4/projects/{project}/hooks", tags=["Webhooks"])

MANAGE = {"policy": "maintainer"}


@router.get("", openapi_extra=MANAGE)
async def list_hooks(request: Request, project: str) -> JSONResponse:
    """The project's webhooks."""
    _ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "maintainer")
    page = wire.page(request)
    async with db.read() as tx:
        rows, total = await store.list_page(tx, grant.project_id, page)
    return wire.listed(request, [payload(row) for row in rows], total, page)


@router.post("", openapi_extra=MANAGE, status_code=201)
async def create_hook(request: Request, project: str) -> JSONResponse:
    """Add a webhook."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "maintainer")
    given = await wire.params(request)
    async with db.write() as tx:
        hook_id = await service.create(tx, grant.project_id, given, clock=ci.clock)
        await wire.gate(request).record(
            request, tx, "hook.create", target=("hook", hook_id, f"project {grant.project_id}")
        )
        return JSONResponse(payload(await service.get(tx, grant.project_id, hook_id)), status_code=201)


@router.get("/{hook_id}", openapi_extra=MANAGE)
async def get_hook(request: Request, project: str, hook_id: wire.Id) -> JSONResponse:
    """One webhook."""
    _ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "maintainer")
    async with db.read() as tx:
        return JSONResponse(payload(await service.get(tx, grant.project_id, hook_id)))


@router.put("/{hook_id}", openapi_extra=MANAGE)
async def change_hook(request: Request, project: str, hook_id: wire.Id) -> JSONResponse:
    """Change a webhook."""
    _ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "maintainer")
    given = await wire.params(request)
    async with db.write() as tx:
        await service.change(tx, await service.get(tx, grant.project_id, hook_id), given)
        await wire.gate(request).record(
            request, tx, "hook.change", target=("hook", hook_id, f"project {grant.project_id}")
        )
        return JSONResponse(payload(await service.get(tx, grant.project_id, hook_id)))


@router.delete("/{hook_id}", openapi_extra=MANAGE, status_code=204)
async def delete_hook(request: Request, project: str, hook_id: wire.Id) -> Response:
    """Remove a webhook; deliveries that wait are dropped."""
    _ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "maintainer")
    async with db.write() as tx:
        await service.get(tx, grant.project_id, hook_id)
        await store.remove(tx, hook_id)
        await wire.gate(request).record(
            request, tx, "hook.delete", target=("hook", hook_id, f"project {grant.project_id}")
        )
    return Response(status_code=204)


@router.post("/{hook_id}/test/{trigger}", openapi_extra=MANAGE, status_code=201)
async def test_hook(request: Request, project: str, hook_id: wire.Id, trigger: str) -> JSONResponse:
    """Send an example of an event to the webhook."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "maintainer")
    kind = trigger.removesuffix("_events")
    async with db.write() as tx:
        hook = await service.get(tx, grant.project_id, hook_id)
        shown = await ci.directory.get_project(tx, grant.project_id)
        example = {"object_kind": kind, "event_name": kind, "project": events.project_payload(shown)}
        await service.test(tx, hook, trigger, example, clock=ci.clock)
        tx.after_commit(lambda: ci.signals.wake("hooks"))
    return JSONResponse({"message": "201 Created"}, status_code=201)


@router.get("/{hook_id}/events", openapi_extra=MANAGE)
async def list_deliveries(request: Request, project: str, hook_id: wire.Id) -> JSONResponse:
    """What was sent, newest first."""
    _ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "maintainer")
    page = wire.page(request)
    async with db.read() as tx:
        hook = await service.get(tx, grant.project_id, hook_id)
        rows, total = await store.list_deliveries(tx, hook_id, page)
    return wire.listed(request, [_delivery(row, hook) for row in rows], total, page)


@router.post("/{hook_id}/events/{delivery_id}/resend", openapi_extra=MANAGE, status_code=201)
async def resend_delivery(request: Request, project: str, hook_id: wire.Id, delivery_id: wire.Id) -> JSONResponse:
    """Send a delivery once more, as the same event."""
    ci, db = wire.state(request)
    grant = await wire.gate(request).project(request, project, "maintainer")
    async with db.write() as tx:
        await service.get(tx, grant.project_id, hook_id)
        row = await store.find_delivery(tx, hook_id, delivery_id)
        if row is None:
            raise not_found("404")
        await outbox.put_for(tx, hook_id, row["event"], row["body"], event_uuid=row["uuid"], now=ci.clock.now())
        tx.after_commit(lambda: ci.signals.wake("hooks"))
    return JSONResponse({"response_status": row["response_status"]}, status_code=201)


def payload(hook: RowMapping) -> dict[str, Any]:
    """A webhook on the wire; its token is never shown."""
    return {
        "id": hook["id"],
        "url": hook["url"],
        "name": hook["name"],
        "description": hook["description"],
        "created_at": iso(hook["created_at"]),
        "project_id": hook["project_id"],
        **hook["events"],
        "push_events_branch_filter": hook["push_events_branch_filter"],
        "branch_filter_strategy": "wildcard",
        "enable_ssl_verification": hook["enable_ssl_verification"],
        "alert_status": service.alert_status(hook),
        "disabled_until": None,
        "url_variables": [],
        "custom_headers": [],
        "custom_webhook_template": None,
    }


def _delivery(row: RowMapping, hook: RowMapping) -> dict[str, Any]:
    return {
        "id": row["id"],
        "url": hook["url"],
        "trigger": row["event"].removesuffix(" Hook").lower().replace(" ", "_") + "_hooks",
        "request_headers": {
            "X-Gitlab-Event": row["event"],
            "X-Gitlab-Event-UUID": row["uuid"],
            "Idempotency-Key": row["key"],
        },
        "request_data": json.loads(row["body"]),
        "response_headers": {},
        "response_body": row["response_body"] or row["error"] or "",
        "execution_duration": row["seconds"],
        "response_status": str(row["response_status"] or "internal error" if row["attempts"] else "pending"),
        "created_at": iso(row["created_at"]),
    }
