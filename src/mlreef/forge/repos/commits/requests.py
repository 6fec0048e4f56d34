"""What clients send to change files, checked and turned into actions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mlreef.forge.access.principal import Principal
from mlreef.forge.params import ParamList
from mlreef.forge.repos import edits
from mlreef.forge.repos.committing import Change, Person
from mlreef.kit.errors import invalid

MAX_ACTIONS = 50_000
MAX_MESSAGE = 1 << 20
_VERBS = {"create", "update", "delete", "move", "chmod"}


def change(given: ParamList, who: Principal, now: datetime, actions: Sequence[edits.Action]) -> Change:
    """The commit that a request asks for, around its actions."""
    committer = Person(who.name or who.username, who.email)
    author = Person(given.text("author_name") or committer.name, given.text("author_email") or committer.email)
    return Change(
        branch=given.need("branch"),
        message=given.need("commit_message", most=MAX_MESSAGE),
        actions=actions,
        author=author,
        committer=committer,
        when=now,
        start=given.text("start_sha") or given.text("start_branch"),
        force=bool(given.flag("force")),
    )


def actions(given: ParamList) -> list[edits.Action]:
    """The `actions` of a commit request: a list of objects, or of form fields by number."""
    raw = given.raw("actions")
    if isinstance(raw, dict):
        raw = list(raw.values())
    if raw is None:
        raise invalid("actions is missing")
    if not isinstance(raw, list) or not all(isinstance(one, dict) for one in raw):
        raise invalid("actions is invalid: a list of objects is needed")
    if len(raw) > MAX_ACTIONS:
        raise invalid(f"actions has more than {MAX_ACTIONS} entries; split the commit")
    return [_action(one) for one in raw]


def _action(raw: Mapping[str, Any]) -> edits.Action:
    values = ParamList({name: value for name, value in raw.items() if name != "content"})
    verb = values.text("action")
    if verb not in _VERBS:
        raise invalid("actions[0][action] does not have a valid value")
    path = values.text("file_path")
    if not path:
        raise invalid("actions[0][file_path] is missing")
    executable = values.flag("execute_filemode")
    if verb == "chmod" and executable is None:
        raise invalid("actions[0][execute_filemode] is missing")
    return edits.Action(
        verb,
        path,
        previous=values.text("previous_path"),
        content=content(raw.get("content"), values.text("encoding")),
        executable=executable,
        last_commit=values.text("last_commit_id"),
    )


def file_action(verb: str, path: str, given: ParamList) -> edits.Action:
    """The one action of the files API."""
    data = None if verb == "delete" else content(given.raw("content"), given.text("encoding"))
    if verb != "delete" and data is None:
        raise invalid("content is missing")
    return edits.Action(
        verb, path, content=data, executable=given.flag("execute_filemode"), last_commit=given.text("last_commit_id")
    )


def content(raw: object, encoding: str | None) -> bytes | None:
    """The bytes that `content` and `encoding` mean."""
    if encoding not in {None, "text", "base64"}:
        raise invalid("encoding does not have a valid value")
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise invalid("content is invalid")
    if encoding != "base64":
        try:
            return raw.encode()
        except UnicodeEncodeError:
            raise invalid("content is not valid Unicode: send it with encoding=base64") from None
    try:
        return base64.b64decode("".join(raw.split()), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise invalid(f"content is not valid base64: {exc}") from exc
