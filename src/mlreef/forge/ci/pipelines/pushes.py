"""Pushes become webhooks and CI pipelines.

A push waits only for one row; a loop does the rest. The row goes in the very transaction that writes what it caused,
so a crash repeats nothing and forgets nothing.
"""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy.engine import RowMapping

from mlreef.forge.ci.config.errors import ConfigError
from mlreef.forge.ci.context import Ci
from mlreef.forge.ci.pipelines import background, events, store
from mlreef.forge.ci.ports import Commit, Project, User
from mlreef.forge.hooks import outbox
from mlreef.kit import logs
from mlreef.kit.clock import iso
from mlreef.kit.db import Database, Tx
from mlreef.kit.errors import PlatformError

log = logs.get(__name__)

MAX_ATTEMPTS = 5
MAX_COMMITS = 20
_SKIP = "ci.skip"
_VARIABLE = "ci.variable="


class Push(Protocol):
    """What the repository slice says of a reference that moved."""

    @property
    def project_id(self) -> int: ...
    @property
    def user_id(self) -> int: ...
    @property
    def ref(self) -> str: ...
    @property
    def before(self) -> str: ...
    @property
    def after(self) -> str: ...
    @property
    def options(self) -> tuple[str, ...]: ...


class Pushes:
    """The inbox of pushes: `note` is what the repository slice calls, `work` what the loop runs."""

    def __init__(self, ci: Ci, db: Database) -> None:
        self._ci = ci
        self._db = db

    async def note(self, push: Push) -> None:
        """Remember a push; nothing else, because the client waits."""
        if not push.ref.startswith(("refs/heads/", "refs/tags/")):
            return
        async with self._db.write() as tx:
            await store.put_push(
                tx,
                {
                    "project_id": push.project_id,
                    "user_id": push.user_id,
                    "ref": push.ref,
                    "before": push.before,
                    "after": push.after,
                    "options": list(push.options),
                    "attempts": 0,
                    "created_at": self._ci.clock.now(),
                },
            )
            tx.after_commit(lambda: self._ci.signals.wake("pushes"))

    async def work(self) -> int:
        """Handle every push that waits, oldest first, and return how many there were."""
        async with self._db.read() as tx:
            rows = await store.list_pushes(tx)
        for row in rows:
            try:
                await self._handle(row)
            except PlatformError as exc:
                await self._failed(row, exc)
        return len(rows)

    async def _handle(self, push: RowMapping) -> None:
        told = await self._told(push)

        async def also(tx: Tx) -> bool:
            if not await store.remove_push(tx, push["id"]):
                return False  # another process was faster
            await self._tell(tx, push, told)
            return True

        request = _request(push)
        if request is not None:
            try:
                await background.start_for_push(self._ci, self._db, request, also)
            except ConfigError as exc:  # the branch is gone already
                log.info("no pipeline for a push", project=push["project_id"], why=exc.message)
        async with self._db.write() as tx:
            await also(tx)

    async def _told(self, push: RowMapping) -> tuple[list[Commit], int]:
        if push["after"] == background.NO_COMMIT:
            return [], 0
        commits, total = await self._ci.repositories.commits_between(push["project_id"], push["before"], push["after"])
        return list(commits)[-MAX_COMMITS:], total

    async def _tell(self, tx: Tx, push: RowMapping, told: tuple[list[Commit], int]) -> None:
        event = "tag_push_events" if push["ref"].startswith("refs/tags/") else "push_events"
        if not await outbox.wants(tx, push["project_id"], event):
            return
        project = await self._ci.directory.get_project(tx, push["project_id"])
        user = await self._ci.directory.get_user(tx, push["user_id"])
        name = push["ref"].split("/", 2)[2]
        tag = event == "tag_push_events"
        protected = await self._ci.directory.is_protected(tx, project.id, name, tag=tag)
        payload = push_event(push, project, user, told=told, protected=protected)
        await outbox.put(tx, project.id, event, payload, now=self._ci.clock.now(), branch=None if tag else name)
        tx.after_commit(lambda: self._ci.signals.wake("hooks"))

    async def _failed(self, push: RowMapping, exc: PlatformError) -> None:
        log.warning("a push could not be handled", push=push["id"], project=push["project_id"], why=exc.message)
        async with self._db.write() as tx:
            if push["attempts"] + 1 >= MAX_ATTEMPTS:
                await store.remove_push(tx, push["id"])
            else:
                await store.count_push_attempt(tx, push["id"])


def push_event(
    push: RowMapping, project: Project, user: User, *, told: tuple[list[Commit], int], protected: bool
) -> dict[str, Any]:
    """A Push Hook or Tag Push Hook (https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events)."""
    commits, total = told
    kind = "tag_push" if push["ref"].startswith("refs/tags/") else "push"
    shown = events.project_payload(project)
    return {
        "object_kind": kind,
        "event_name": kind,
        "before": push["before"],
        "after": push["after"],
        "ref": push["ref"],
        "ref_protected": protected,
        "checkout_sha": None if push["after"] == background.NO_COMMIT else push["after"],
        "message": None,
        "user_id": user.id,
        "user_name": user.name,
        "user_username": user.username,
        "user_email": "",
        "user_avatar": user.avatar_url or "",
        "project_id": project.id,
        "project": shown,
        "commits": [_commit(commit, project) for commit in commits],
        "total_commits_count": total,
        "push_options": {},
        "repository": {
            name: shown[name]
            for name in ("name", "url", "description", "homepage", "git_http_url", "git_ssh_url", "visibility_level")
        },
    }


def _commit(commit: Commit, project: Project) -> dict[str, Any]:
    return {
        "id": commit.id,
        "message": commit.message,
        "title": commit.title,
        "timestamp": iso(commit.timestamp),
        "url": f"{project.web_url}/-/commit/{commit.id}",
        "author": {"name": commit.author_name, "email": commit.author_email},
        "added": [],
        "modified": [],
        "removed": [],
    }


def _request(push: RowMapping) -> background.Request | None:
    """The pipeline a push asks for; none for a deleted ref or with `-o ci.skip`."""
    if push["after"] == background.NO_COMMIT or _SKIP in push["options"]:
        return None
    given = [option.removeprefix(_VARIABLE) for option in push["options"] if option.startswith(_VARIABLE)]
    pairs = [item.partition("=") for item in given]
    variables = [{"key": key, "value": value, "variable_type": "env_var"} for key, equals, value in pairs if equals]
    return background.Request(
        project_id=push["project_id"],
        user_id=push["user_id"],
        ref=push["ref"],
        source="push",
        variables=tuple(variables),
        before_sha=push["before"],
        sha=push["after"],
    )
