"""Rules of CI variables: names, masking, hiding (https://docs.gitlab.com/ci/variables/)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import RowMapping

from mlreef.forge.ci.variables import store
from mlreef.kit.db import Tx
from mlreef.kit.errors import Kind, PlatformError, invalid, not_found

MAX_VALUE = 10_000
_KEY = re.compile(r"[A-Za-z0-9_]{1,255}")
_MASKABLE = re.compile(r"[A-Za-z0-9+/=@:.~_%\-]{8,}")


class Taken(PlatformError):
    """The key exists already in that environment scope."""

    def __init__(self, key: str) -> None:
        super().__init__(Kind.INVALID, f"({key}) has already been taken")


async def get(tx: Tx, scope: str, owner_id: int, key: str, environment_scope: str | None = None) -> RowMapping:
    """A variable by key."""
    row = await store.find(tx, scope, owner_id, key, environment_scope)
    if row is None:
        raise not_found("404 Variable")
    return row


async def create(tx: Tx, scope: str, owner_id: int, given: Mapping[str, Any]) -> RowMapping:
    """A new variable."""
    key = given.get("key")
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise invalid("key can contain only letters, digits and '_', at most 255 of them")
    hidden = _boolean(given.get("masked_and_hidden"), "masked_and_hidden")
    values = {
        "variable_type": "env_var",
        "protected": False,
        "raw": False,
        "environment_scope": "*",
        "description": None,
        **_checked({**given, "masked": given.get("masked") or hidden}, masked=False),
        "scope": scope,
        "owner_id": owner_id,
        "key": key,
        "hidden": hidden,
    }
    if "value" not in values:
        raise invalid("value is missing")
    values.setdefault("masked", False)
    if await store.find(tx, scope, owner_id, key, values["environment_scope"]) is not None:
        raise Taken(key)
    await store.insert(tx, values)
    return await get(tx, scope, owner_id, key, values["environment_scope"])


async def change(tx: Tx, row: RowMapping, given: Mapping[str, Any]) -> RowMapping:
    """Change a variable."""
    values = _checked({key: item for key, item in given.items() if item is not None}, masked=row["masked"])
    if row["hidden"] and values.get("masked") is False:
        raise invalid("masked of a hidden variable cannot be changed")
    if values.get("masked") and "value" not in values:
        _maskable(row["value"])
    if values:
        await store.change(tx, row["id"], values)
    scope = values.get("environment_scope", row["environment_scope"])
    return await get(tx, row["scope"], row["owner_id"], row["key"], scope)


def payload(row: RowMapping) -> dict[str, Any]:
    """A variable on the wire; a hidden one's value is never shown again."""
    return {
        "variable_type": row["variable_type"],
        "key": row["key"],
        "value": None if row["hidden"] else row["value"],
        "hidden": row["hidden"],
        "protected": row["protected"],
        "masked": row["masked"],
        "raw": row["raw"],
        "environment_scope": row["environment_scope"],
        "description": row["description"],
    }


def _checked(given: Mapping[str, Any], *, masked: bool) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in ("protected", "masked", "raw"):
        if given.get(name) is not None:
            values[name] = _boolean(given[name], name)
    if given.get("value") is not None:
        value = given["value"]
        if not isinstance(value, str) or len(value) > MAX_VALUE or "\x00" in value:
            raise invalid(f"value must be a text of at most {MAX_VALUE} characters")
        values["value"] = value
        if values.get("masked", masked):
            _maskable(value)
    if given.get("variable_type") is not None:
        if given["variable_type"] not in {"env_var", "file"}:
            raise invalid("variable_type does not have a valid value")
        values["variable_type"] = given["variable_type"]
    for name, limit in (("environment_scope", 255), ("description", 255)):
        if given.get(name) is not None:
            if not isinstance(given[name], str) or len(given[name]) > limit:
                raise invalid(f"{name} must be a text of at most {limit} characters")
            values[name] = given[name]
    return values


def _maskable(value: str) -> None:
    if not _MASKABLE.fullmatch(value):
        raise invalid("value is invalid: a masked value has 8 or more letters, digits or +/=@:.~_%- on one line")


def _boolean(value: Any, name: str) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    if str(value).lower() in {"true", "1", "false", "0"}:
        return str(value).lower() in {"true", "1"}
    raise invalid(f"{name} is invalid")
