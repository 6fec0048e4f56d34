"""Rules of webhooks: what a hook may look like."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge.hooks import guard, outbox, store
from mlreef.forge.hooks.tables import EVENTS
from mlreef.kit.clock import Clock
from mlreef.kit.db import Tx
from mlreef.kit.errors import PlatformError, invalid, not_found

MAX_HOOKS = 100
MAX_URL = 2048
DISABLED_AFTER = 4
_TEXTS = ("name", "description", "token", "push_events_branch_filter")


async def get(tx: Tx, project_id: int, hook_id: int) -> RowMapping:
    """A hook of the project."""
    hook = await store.find(tx, project_id, hook_id)
    if hook is None:
        raise not_found("404")
    return hook


async def create(tx: Tx, project_id: int, attributes: Mapping[str, Any], *, clock: Clock) -> int:
    """A new hook; push events are on unless told otherwise."""
    if len(await store.of_project(tx, project_id)) >= MAX_HOOKS:
        raise invalid(f"Maximum number of project hooks ({MAX_HOOKS}) exceeded")
    values = checked(attributes, {"push_events": True})
    if "url" not in values:
        raise invalid("url is missing")
    defaults = {"push_events_branch_filter": "", "enable_ssl_verification": True, "failures": 0}
    fixed = {"project_id": project_id, "uuid": str(uuid.uuid4()), "created_at": clock.now()}
    return await store.insert(tx, {**defaults, **values, **fixed})


async def change(tx: Tx, hook: RowMapping, attributes: Mapping[str, Any]) -> None:
    """Change a hook; it counts as healthy again."""
    await store.change(tx, hook["id"], {**checked(attributes, hook["events"]), "failures": 0})


async def test(tx: Tx, hook: RowMapping, event: str, payload: Mapping[str, Any], *, clock: Clock) -> int:
    """Send an example of an event to one hook."""
    if event not in outbox.NAMES:
        raise invalid("trigger does not have a valid value")
    body = json.dumps(payload, ensure_ascii=False)
    name = outbox.NAMES[event]
    return await outbox.put_for(tx, hook["id"], name, body, event_uuid=str(uuid.uuid4()), now=clock.now())


def checked(attributes: Mapping[str, Any], events: Mapping[str, bool]) -> dict[str, Any]:
    """Attributes of a request, checked; `events` are those in force before."""
    values: dict[str, Any] = {}
    if attributes.get("url") is not None:
        values["url"] = _url(attributes["url"])
    for name in _TEXTS:
        held = attributes.get(name)
        if held is not None:
            if not isinstance(held, str) or len(held) > MAX_URL or "\n" in held or "\r" in held:
                raise invalid(f"{name} must be a single line of at most {MAX_URL} characters")
            values[name] = held
    if attributes.get("enable_ssl_verification") is not None:
        values["enable_ssl_verification"] = _boolean(attributes["enable_ssl_verification"], "enable_ssl_verification")
    given = {name: _boolean(attributes[name], name) for name in EVENTS if attributes.get(name) is not None}
    values["events"] = {**dict.fromkeys(EVENTS, False), **events, **given}
    return values


def alert_status(hook: RowMapping) -> str:
    """Whether deliveries arrive."""
    return "executable" if hook["failures"] < DISABLED_AFTER else "temporarily_disabled"


def _url(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_URL:
        raise invalid("Invalid url given")
    try:
        guard.parse(value)
    except PlatformError as exc:
        raise invalid("Invalid url given") from exc
    return value


def _boolean(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in {"true", "1", "false", "0"}:
        return str(value).lower() in {"true", "1"}
    raise invalid(f"{name} is invalid")
