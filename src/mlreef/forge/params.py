"""Parameters as GitLab takes them: from the query, forms and JSON on every verb, strictly typed when they are read.

A list or an object where a scalar belongs is refused: what a client sends never changes the type of a value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from starlette.datastructures import UploadFile

from mlreef.kit.errors import Kind, PlatformError, invalid

MAX_BODY = 4 << 20
_TRUE, _FALSE = {"true", "1", "t", "yes", "on"}, {"false", "0", "f", "no", "off"}


class ParamList:
    """The parameters of one request."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def given(self, name: str) -> bool:
        """Whether the client named the parameter at all, be it null."""
        return name in self._values

    def raw(self, name: str) -> Any:
        """The value as it came."""
        return self._values.get(name)

    def text(self, name: str, *, most: int = 4096) -> str | None:
        """A text; numbers count as their digits."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise invalid(f"{name} is invalid")
        found = str(value)
        if len(found) > most:
            raise invalid(f"{name} is too long (maximum is {most} characters)")
        if "\x00" in found:
            raise invalid(f"{name} is invalid")
        return found

    def need(self, name: str, *, most: int = 4096) -> str:
        """A text that must be there."""
        found = self.text(name, most=most)
        if found is None:
            raise invalid(f"{name} is missing")
        if not found.strip():
            raise invalid(f"{name} is empty")
        return found

    def number(self, name: str) -> int | None:
        """A whole number."""
        found = self.text(name, most=20)
        if found is None or found == "":
            return None
        try:
            return int(found)
        except ValueError:
            raise invalid(f"{name} is invalid") from None

    def need_number(self, name: str) -> int:
        """A whole number that must be there."""
        found = self.number(name)
        if found is None:
            raise invalid(f"{name} is missing")
        return found

    def flag(self, name: str) -> bool | None:
        """True or false, in any of the spellings that GitLab takes."""
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return value
        word = str(value).lower() if isinstance(value, str | int) else ""
        if word not in _TRUE | _FALSE:
            raise invalid(f"{name} is invalid")
        return word in _TRUE

    def choice(self, name: str, among: Iterable[str]) -> str | None:
        """One of several words."""
        found = self.text(name)
        if found is not None and found not in set(among):
            raise invalid(f"{name} does not have a valid value")
        return found

    def words(self, name: str) -> list[str] | None:
        """A list of texts, or one text with commas."""
        value = self._values.get(name)
        if value is None:
            return None
        items = str(value).split(",") if isinstance(value, str | int) else value
        if not isinstance(items, list) or not all(isinstance(one, str | int) for one in items) or len(items) > 1000:
            raise invalid(f"{name} is invalid")
        return [str(one).strip() for one in items if str(one).strip()]

    def day(self, name: str) -> date | None:
        """A date; instants count as their day."""
        found = self.text(name, most=40)
        if not found:
            return None
        try:
            return date.fromisoformat(found[:10])
        except ValueError:
            raise invalid(f"{name} is invalid") from None

    async def upload(self, name: str, *, most: int) -> bytes | None:
        """The content of an uploaded file, with one byte more than allowed when it is too large."""
        value = self._values.get(name)
        return await value.read(most + 1) if isinstance(value, UploadFile) else None


async def _collect(request: Request) -> ParamList:
    found = nested(list(request.query_params.multi_items()))
    kind = request.headers.get("content-type", "").split(";", maxsplit=1)[0].strip().lower()
    if kind == "multipart/form-data":
        form = await request.form(max_files=4, max_fields=1000, max_part_size=MAX_BODY)
        return ParamList({**found, **nested(list(form.multi_items()))})
    raw = await _body(request)
    if not raw.strip():
        return ParamList(found)
    if kind == "application/x-www-form-urlencoded":
        try:
            pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=1000)
        except ValueError as exc:
            raise invalid(f"the form cannot be read: {exc}") from exc
        return ParamList({**found, **nested(pairs)})
    try:
        decoded = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise invalid(f"the body is not valid JSON: {exc}") from exc
    if not isinstance(decoded, dict):
        raise invalid("the body must be a JSON object")
    return ParamList({**found, **decoded})


Params = Annotated[ParamList, Depends(_collect)]
"""Declare a route's parameter with this type to be given the request's parameters."""


def nested(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Form names as Rails reads them: `a[]` is a list, `a[b]` a mapping."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        base, bracket, rest = name.partition("[")
        if not bracket:
            result[base] = value
        elif rest == "]":
            held = result.setdefault(base, [])
            if isinstance(held, list):
                held.append(value)
        elif rest.endswith("]"):
            inner = result.setdefault(base, {})
            if isinstance(inner, dict):
                inner[rest[:-1]] = value
    return result


async def _body(request: Request) -> bytes:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            raise PlatformError(Kind.TOO_LARGE, f"the body is larger than {MAX_BODY} bytes")
    return bytes(data)
