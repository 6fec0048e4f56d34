"""Rules of runners: who may register one, what it may take, when it counts as online."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.pipelines import progress
from mlreef.forge.ci.runners import store
from mlreef.kit import ids
from mlreef.kit.db import Tx
from mlreef.kit.errors import Kind, PlatformError, forbidden, invalid, not_found

PREFIX = "glrt-"
TYPES = ("instance_type", "group_type", "project_type")
ACCESS_LEVELS = ("not_protected", "ref_protected")
ONLINE = timedelta(hours=2)
STALE = timedelta(days=7)
CONTACT_EVERY = timedelta(seconds=30)
"""How often a poll may cost a write: every one would make idle runners the busiest writers of all."""
MAX_TAGS = 50
MAX_TEXT = 1024


async def get_by_token(tx: Tx, token: Any) -> RowMapping:
    """The runner a request speaks for; 403 is what runners understand as `this token is not valid`."""
    runner = await store.find_by_token(tx, ids.hash_token(token)) if isinstance(token, str) and token else None
    if runner is None:
        raise forbidden("403 Forbidden - invalid token")
    return runner


async def get(tx: Tx, runner_id: int) -> RowMapping:
    """A runner that exists."""
    runner = await store.find(tx, runner_id)
    if runner is None:
        raise not_found("404 Runner")
    return runner


async def create(
    ci: Ci,
    tx: Tx,
    attributes: Mapping[str, Any],
    *,
    runner_type: str,
    owner_id: int | None,
    creator_id: int | None,
    registration: str = "authenticated_user",
) -> tuple[int, str]:
    """A new runner and its token, which is shown this once; `owner_id` is its project or group."""
    if runner_type not in TYPES:
        raise invalid("runner_type does not have a valid value")
    token = ids.new_token(PREFIX)
    values = {
        "paused": False,
        "locked": False,
        "run_untagged": True,
        "access_level": "not_protected",
        "tags": [],
        **checked(attributes),
        "runner_type": runner_type,
        "token_hash": ids.hash_token(token),
        "short_token": token.removeprefix(PREFIX)[:9],
        "registration_type": registration,
        "creator_id": creator_id,
        "created_at": ci.clock.now(),
    }
    _require_reachable(values)
    runner_id = await store.insert_runner(tx, values)
    if runner_type == "project_type" and owner_id is not None:
        await store.attach_project(tx, runner_id, owner_id)
    if runner_type == "group_type" and owner_id is not None:
        await store.attach_group(tx, runner_id, owner_id)
    return runner_id, token


async def change(ci: Ci, tx: Tx, runner: RowMapping, attributes: Mapping[str, Any]) -> None:
    """Change a runner; what it may take can change with that, so waiting requests look again."""
    values = checked(attributes)
    _require_reachable({**runner, **values})
    if values:
        await store.change(tx, runner["id"], values)
        await progress.wake_runners(ci, tx)


async def reset_token(tx: Tx, runner_id: int) -> str:
    """A new token; the old one is dead with the commit."""
    token = ids.new_token(PREFIX)
    short = token.removeprefix(PREFIX)[:9]
    await store.change(tx, runner_id, {"token_hash": ids.hash_token(token), "short_token": short})
    return token


def checked(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes that a request may set, checked and typed; unknown ones are ignored as GitLab does."""
    values: dict[str, Any] = {}
    for name in ("description", "maintenance_note"):
        if attributes.get(name) is not None:
            values[name] = _text(attributes[name], name)
    for name in ("paused", "locked", "run_untagged"):
        if attributes.get(name) is not None:
            values[name] = boolean(attributes[name], name)
    if attributes.get("active") is not None:
        values["paused"] = not boolean(attributes["active"], "active")
    if attributes.get("access_level") is not None:
        if attributes["access_level"] not in ACCESS_LEVELS:
            raise invalid("access_level does not have a valid value")
        values["access_level"] = attributes["access_level"]
    if attributes.get("maximum_timeout") not in {None, ""}:
        values["maximum_timeout"] = _seconds(attributes["maximum_timeout"])
    if attributes.get("tag_list") is not None:
        values["tags"] = tag_list(attributes["tag_list"])
    return values


def tag_list(value: Any) -> list[str]:
    """Tags from `"a,b"` or a list."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not all(isinstance(item, str) for item in items) or len(items) > MAX_TAGS:
        raise invalid(f"tag_list must be at most {MAX_TAGS} names")
    return list(dict.fromkeys(item.strip()[:255] for item in items if item.strip()))


def boolean(value: Any, name: str) -> bool:
    """A boolean as clients write it in JSON and forms."""
    if isinstance(value, bool):
        return value
    if str(value).lower() in {"true", "1"}:
        return True
    if str(value).lower() in {"false", "0"}:
        return False
    raise invalid(f"{name} is invalid")


def status(runner: RowMapping, now: datetime) -> str:
    """Whether the runner was heard of lately."""
    contacted = runner["contacted_at"]
    if contacted is None:
        return "stale" if now - runner["created_at"] > STALE else "never_contacted"
    if now - contacted < ONLINE:
        return "online"
    return "stale" if now - contacted > STALE else "offline"


def contact_due(runner: RowMapping, manager: RowMapping | None, info: Mapping[str, Any], now: datetime) -> bool:
    """Whether this poll is worth a write."""
    if manager is None or runner["contacted_at"] is None or manager["contacted_at"] is None:
        return True
    return bool(now - manager["contacted_at"] >= CONTACT_EVERY or manager["info"] != dict(info))


async def contact(
    tx: Tx, runner_id: int, system_id: str, info: Mapping[str, Any], *, ip: str | None, now: datetime
) -> int:
    """Note that a runner's manager spoke and return the manager's id."""
    await store.change(tx, runner_id, {"contacted_at": now})
    return await store.put_manager(tx, runner_id, system_id, {"info": dict(info), "ip_address": ip}, now)


def clean_info(value: Any) -> dict[str, Any]:
    """What a runner says of itself, bounded: only known keys, only short values."""
    if not isinstance(value, Mapping):
        return {}
    info: dict[str, Any] = {
        key: value[key][:255]
        for key in ("name", "version", "revision", "platform", "architecture", "executor", "shell")
        if isinstance(value.get(key), str)
    }
    features = value.get("features")
    if isinstance(features, Mapping):
        info["features"] = {str(key)[:64]: True for key, held in list(features.items())[:100] if held is True}
    config = value.get("config")
    if isinstance(config, Mapping) and isinstance(config.get("gpus"), str):
        info["gpus"] = config["gpus"][:255]
    return info


def system_id(value: Any) -> str:
    """The manager's id; clients without one share `legacy`."""
    return value[:64] if isinstance(value, str) and value else "legacy"


def registration_refused(expected: str | None, given: Any) -> PlatformError | None:
    """Why a legacy registration is refused, or None when its token is right."""
    if expected is None:
        return PlatformError(Kind.GONE, "410 Gone - runner registration disallowed; create the runner first")
    if not isinstance(given, str) or not ids.same(given, expected):
        return forbidden("403 Forbidden - invalid token supplied")
    return None


def _require_reachable(values: Mapping[str, Any]) -> None:
    if not values["run_untagged"] and not values["tags"]:
        raise invalid("tags list can not be empty when runner is not allowed to pick untagged jobs")


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or "\x00" in value:
        raise invalid(f"{name} must be a text of at most {MAX_TEXT} characters")
    return value


def _seconds(value: Any) -> int:
    try:
        seconds = int(value)
    except (TypeError, ValueError):
        raise invalid("maximum_timeout is invalid") from None
    if not 600 <= seconds <= 10**9:
        raise invalid("maximum_timeout needs to be at least 10 minutes")
    return seconds
