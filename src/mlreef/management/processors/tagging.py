"""Publication by tag: `v1.2.3` or `<name>/v1.2.3` on a connected project publishes its `processor.yaml` at the tag.

It happens for whoever pushed the tag, by the service account, and only where they could publish themselves. What cannot
be published is a failed publication with its reason, because nobody watches a push.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlreef.clients.forge_models import User
from mlreef.extraction import manifest as manifests
from mlreef.kit import ids, logs
from mlreef.kit.errors import Kind, PlatformError, invalid
from mlreef.management.access import policy
from mlreef.management.access.service import Caller, ProjectAccess
from mlreef.management.connect import store as connections
from mlreef.management.processors import numbers, publication_store, starting
from mlreef.management.processors.orders import Order
from mlreef.management.processors.records import Publication, Status
from mlreef.management.state import State

log = logs.get(__name__)

_TAG = re.compile(r"refs/tags/(?P<tag>(?:(?P<name>[a-z0-9][a-z0-9-]{0,62})/)?v(?P<number>[0-9].*))")
_NOTHING = "0" * 40
_MAX_DESCRIPTIONS = 50
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Tag:
    """A pushed tag that names a version."""

    project_id: int
    name: str | None
    number: str
    tag: str
    path: str
    user: User
    commit: str = ""


def parse(body: Mapping[str, Any], project_id: int) -> Tag | None:
    """The tag of a webhook; None for what is no version, and for tags that were deleted."""
    match = _TAG.fullmatch(str(body.get("ref", "")))
    user_id = body.get("user_id")
    path = str((body.get("project") or {}).get("path_with_namespace") or "")
    if match is None or body.get("after") == _NOTHING or not isinstance(user_id, int):
        return None
    if numbers.find(match["number"]) is None:
        return None
    username = str(body.get("user_username") or "")
    return Tag(project_id, match["name"], match["number"], match["tag"], path, User(user_id, username, username))


async def publish(state: State, tag: Tag) -> None:
    """Publish what a tag names; raises only for what is worth being tried again."""
    async with state.db.read() as tx:
        connection = await connections.find(tx, tag.project_id)
        by_hand = await publication_store.published_by_hand(tx, tag.project_id)
    chosen = connection["publish_on_tag"] if connection is not None else False
    if not (by_hand if chosen is None else chosen):
        return
    commit = await state.bot.find_commit(tag.project_id, tag.tag)
    if commit is None:
        return  # deleted meanwhile
    tag = replace(tag, commit=str(commit["id"]))
    async with state.db.read() as tx:
        if await publication_store.find_of_tag(tx, tag.project_id, tag.tag, tag.commit) is not None:
            return  # told twice
    try:
        access = await _access(state, tag)
        entry = await _entry(state, tag)
        if entry is None:
            if chosen is None:
                return  # the project publishes scripts by hand; its tags may mean anything
            raise invalid(f"there is no {manifests.FILE} at tag {tag.tag}")
        order = Order(ref=tag.tag, entry=entry, version=tag.number, trigger="tag")
        await starting.publish(state, access, order)
    except PlatformError as exc:
        if exc.kind is Kind.UNAVAILABLE:
            raise
        await _record(state, tag, exc)


async def _access(state: State, tag: Tag) -> ProjectAccess:
    """The service account in the place of whoever pushed, with no more than their right."""
    level = await state.bot.find_access_level(tag.project_id, tag.user.id)
    project = await state.bot.get_project(tag.project_id)
    if level < policy.RULES[policy.Action.PUBLISH].level:
        # Whether a stranger to the project is an administrator, the forge tells administrators only.
        message = (
            f"{tag.user.username} may not publish from this project by a tag: that needs a member who is Developer"
        )
        raise PlatformError(Kind.FORBIDDEN, f"{message} or more; administrators who are none publish by hand")
    # Consent to an open network is given by hand.
    return ProjectAccess(Caller(tag.user, state.bot), project, policy.DEVELOPER)


async def _entry(state: State, tag: Tag) -> str | None:
    """The description that a tag means; raises when that is not clear."""
    try:
        tree = state.bot.iter_tree(tag.project_id, tag.commit, recursive=True)
        found = [one.path async for one in tree if one.type == "blob" and one.name == manifests.FILE]
    except PlatformError as exc:
        if exc.kind is Kind.NOT_FOUND:
            return None
        raise
    if tag.name is None:
        if manifests.FILE in found or len(found) == 1:
            return manifests.FILE if manifests.FILE in found else found[0]
        if found:
            raise invalid(
                f"there are {len(found)} descriptions ({', '.join(sorted(found)[:5])}): name one with a tag such as "
                f"{posixpath.basename(posixpath.dirname(min(found)))}/{tag.tag}"
            )
        return None
    for path in found[:_MAX_DESCRIPTIONS]:
        content = await state.bot.find_file(tag.project_id, path, tag.commit, max_size=_MAX_BYTES)
        if content is not None and manifests.parse(content, path).values.get("name") == tag.name:
            return path
    folder = next((one for one in found if posixpath.basename(posixpath.dirname(one)) == tag.name), None)
    if folder is None and found:
        raise invalid(f"no {manifests.FILE} at tag {tag.tag} describes a processor named {tag.name}")
    return folder


async def _record(state: State, tag: Tag, exc: PlatformError) -> None:
    """A failed publication that says why, unless there is one already."""
    reason = "; ".join([exc.message, *(f"{one.field}: {one.message}" for one in exc.details)])
    now = state.clock.now()
    publication = Publication(
        id=ids.new_id("pub"),
        project_id=tag.project_id,
        project_path=tag.path,
        name=tag.name or "",
        version=tag.number,
        status=Status.FAILED,
        ref=tag.tag,
        commit=tag.commit,
        entry=manifests.FILE,
        requirements=None,
        environment="",
        base_image="",
        description={},
        parameters=[],
        user_id=tag.user.id,
        username=tag.user.username,
        created_at=now,
        reason=reason[:4000],
        finished_at=now,
        trigger="tag",
    )
    async with state.db.write() as tx:
        if await publication_store.find_of_tag(tx, tag.project_id, tag.tag, tag.commit) is None:
            await publication_store.insert(tx, publication)
    log.info("tag not published", project=tag.project_id, tag=tag.tag, reason=reason)
