"""The outbox: an event becomes one delivery per interested hook, in the transaction of the change it tells of."""

from __future__ import annotations

import fnmatch
import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mlreef.forge.hooks import store
from mlreef.kit.db import Tx

NAMES = {
    "push_events": "Push Hook",
    "tag_push_events": "Tag Push Hook",
    "job_events": "Job Hook",
    "pipeline_events": "Pipeline Hook",
    "merge_requests_events": "Merge Request Hook",
}


async def wants(tx: Tx, project_id: int, *events: str) -> bool:
    """Whether any hook of the project listens to one of these events; spares building payloads nobody reads."""
    return any(hook["events"].get(event) for hook in await store.of_project(tx, project_id) for event in events)


async def put(
    tx: Tx, project_id: int, event: str, payload: Mapping[str, Any], *, now: datetime, branch: str | None = None
) -> int:
    """Write deliveries of `event` (such as `job_events`) and return how many; they go out after the commit."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    event_uuid = str(uuid.uuid4())
    count = 0
    for hook in await store.of_project(tx, project_id):
        if not hook["events"].get(event) or not _passes(hook["push_events_branch_filter"], branch):
            continue
        await put_for(tx, hook["id"], NAMES[event], body, event_uuid=event_uuid, now=now)
        count += 1
    return count


async def put_for(tx: Tx, hook_id: int, name: str, body: str, *, event_uuid: str, now: datetime) -> int:
    """Write one delivery for one hook."""
    return await store.put_delivery(
        tx,
        {
            "hook_id": hook_id,
            "event": name,
            "uuid": event_uuid,
            "key": str(uuid.uuid4()),
            "body": body,
            "state": "waiting",
            "attempts": 0,
            "due_at": now,
            "created_at": now,
        },
    )


def _passes(pattern: str, branch: str | None) -> bool:
    return not pattern or branch is None or fnmatch.fnmatchcase(branch, pattern)
