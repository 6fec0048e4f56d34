"""HTTP of versions: how they stand, what differs between them, and whether they pass on their reference data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import StringConstraints

from mlreef.kit import paging
from mlreef.kit.errors import invalid, not_found
from mlreef.management.access import guards
from mlreef.management.access.policy import Action
from mlreef.management.access.service import Caller, ProjectAccess
from mlreef.management.connect import store as connections
from mlreef.management.processors import (
    answers,
    comparing,
    publication_store,
    republishing,
    schemas,
    standing,
    store,
    verification,
    verification_store,
)
from mlreef.management.processors.answers import TagSettings, VersionAnswer
from mlreef.management.processors.records import Processor, Version
from mlreef.management.processors.schemas import Strict
from mlreef.management.state import State

router = APIRouter()

VersionId = Annotated[str, Path(max_length=255)]
Number = Annotated[int, Query(ge=1, lt=10**9)]
Told = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


class Deprecate(Strict):
    """Why a version should not be used any more, and what to use instead."""

    message: Told
    replacement: Annotated[Told, StringConstraints(max_length=255)] | None = None


class Unpublish(Strict):
    """Why nobody shall choose a version any more."""

    reason: Told


class Republish(Strict):
    """The number of the new version; the next one when left out."""

    version: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    changelog: Annotated[str, StringConstraints(max_length=20_000)] | None = None


class TagOrder(Strict):
    """Whether tags publish; null: where something was published by hand before."""

    publish_on_tag: bool | None


async def find(state: State, version_id: str) -> tuple[Processor, Version]:
    """A version with its processor, whoever asks."""
    version = processor = None
    if version_id.isprintable():
        async with state.db.read() as tx:
            version = await store.find_version(tx, version_id)
            processor = await store.find_processor(tx, version.processor_id) if version is not None else None
    if version is None or processor is None:
        raise not_found("Processor version")
    return processor, version


async def _allowed(
    state: State, caller: Caller, version_id: str, action: Action
) -> tuple[ProjectAccess, Processor, Version]:
    processor, version = await find(state, version_id)
    access = await guards.hiding(state.access.project(caller, processor.project_id, action), "Processor version")
    return access, processor, version


@router.get("/processor-versions/{version_id}", openapi_extra={"policy": Action.READ_PROJECT})
async def get_version(version_id: VersionId, caller: guards.Visitor, state: guards.Resources) -> VersionAnswer:
    """One immutable version."""
    _, processor, version = await _allowed(state, caller, version_id, Action.READ_PROJECT)
    return answers.version_answer(version, processor)


@router.get("/processor-versions/{version_id}/changes", openapi_extra={"policy": Action.READ_PROJECT})
async def get_changes(
    version_id: VersionId,
    caller: guards.Visitor,
    state: guards.Resources,
    origin: Annotated[
        str | None, Query(alias="from", max_length=255, description="Id of the older version; default: the one before.")
    ] = None,
) -> answers.Changes:
    """What differs from another version of the same processor."""
    _, processor, version = await _allowed(state, caller, version_id, Action.READ_PROJECT)
    async with state.db.read() as tx:
        versions = await store.list_versions(tx, processor.id)
    if origin is not None:
        older = next((one for one in versions if one.id == origin), None)
    else:
        older = next((one for one in versions if one.number < version.number), None)
        if older is None:
            raise invalid(f"{version.version} is the first version; name another one with from=")
    if older is None:
        raise not_found("Version to compare with")
    return answers.changes(older, version, comparing.compare(older, version))


@router.post("/processor-versions/{version_id}/deprecate", openapi_extra={"policy": Action.CURATE})
async def deprecate(
    version_id: VersionId, body: Deprecate, caller: guards.Visitor, state: guards.Resources
) -> VersionAnswer:
    """Warn everybody who chooses this version; ranges take another one where there is one."""
    access, _, _ = await _allowed(state, caller, version_id, Action.CURATE)
    by, now = access.user.username, state.clock.now()
    async with state.db.write() as tx:
        await standing.deprecate(tx, version_id, message=body.message, replacement=body.replacement, by=by, now=now)
    return await _answer(state, version_id)


@router.post("/processor-versions/{version_id}/undeprecate", openapi_extra={"policy": Action.CURATE})
async def undeprecate(version_id: VersionId, caller: guards.Visitor, state: guards.Resources) -> VersionAnswer:
    """Take a deprecation back."""
    access, _, _ = await _allowed(state, caller, version_id, Action.CURATE)
    async with state.db.write() as tx:
        await standing.undeprecate(tx, version_id, by=access.user.username, now=state.clock.now())
    return await _answer(state, version_id)


@router.post("/processor-versions/{version_id}/unpublish", openapi_extra={"policy": Action.CURATE})
async def unpublish(
    version_id: VersionId, body: Unpublish, caller: guards.Visitor, state: guards.Resources
) -> VersionAnswer:
    """Nobody can choose this version any more; runs that used it can still be repeated."""
    access, _, _ = await _allowed(state, caller, version_id, Action.CURATE)
    async with state.db.write() as tx:
        await standing.unpublish(tx, version_id, reason=body.reason, by=access.user.username, now=state.clock.now())
    return await _answer(state, version_id)


async def _answer(state: State, version_id: str) -> VersionAnswer:
    processor, version = await find(state, version_id)
    return answers.version_answer(version, processor)


@router.post("/processor-versions/{version_id}/republish", status_code=202, openapi_extra={"policy": Action.CURATE})
async def republish(
    version_id: VersionId,
    caller: guards.Visitor,
    state: guards.Resources,
    response: Response,
    body: Republish | None = None,
) -> dict[str, Any]:
    """Build the same commit again as a new version; the answer is the publication."""
    access, _, version = await _allowed(state, caller, version_id, Action.CURATE)
    wanted = body or Republish()
    started = await republishing.republish(state, access, version, number=wanted.version, changelog=wanted.changelog)
    response.headers["location"] = f"/api/v1/publications/{started.id}"
    return schemas.publication_json(started)


@router.post("/processor-versions/{version_id}/verify", status_code=202, openapi_extra={"policy": Action.CURATE})
async def verify(version_id: VersionId, caller: guards.Visitor, state: guards.Resources) -> answers.VerificationAnswer:
    """Run the version on its reference data now."""
    _, processor, version = await _allowed(state, caller, version_id, Action.CURATE)
    return answers.verification_answer(await verification.start(state, processor, version))


@router.get("/processor-versions/{version_id}/verifications", openapi_extra={"policy": Action.READ_PROJECT})
async def list_verifications(
    version_id: VersionId, caller: guards.Visitor, state: guards.Resources, page: Number = 1, per_page: Number = 20
) -> answers.VerificationPage:
    """Runs of a version on its reference data, newest first."""
    await _allowed(state, caller, version_id, Action.READ_PROJECT)
    wanted = paging.parse(page, per_page)
    async with state.db.read() as tx:
        found, total = await verification_store.list_of_version(tx, version_id, offset=wanted.offset, limit=wanted.size)
    shown = [answers.verification_answer(one) for one in found]
    return answers.VerificationPage(items=shown, total=total, page=wanted.number, per_page=wanted.size)


@router.get("/projects/{pid}/publish-on-tag", openapi_extra={"policy": Action.READ_CODE})
async def get_tag_settings(
    access: Annotated[ProjectAccess, guards.project(Action.READ_CODE)], state: guards.Resources
) -> TagSettings:
    """Whether pushing a tag such as `v1.2.0` publishes from this project."""
    async with state.db.read() as tx:
        connection = await connections.find(tx, access.project.id)
        by_hand = await publication_store.published_by_hand(tx, access.project.id)
    return _tag_settings(connection, by_hand=by_hand)


@router.put("/projects/{pid}/publish-on-tag", openapi_extra={"policy": Action.CONNECT})
async def set_tag_settings(
    access: Annotated[ProjectAccess, guards.project(Action.CONNECT)], state: guards.Resources, body: TagOrder
) -> TagSettings:
    """Decide it; connects the project where that is needed to hear of tags."""
    await republishing.hear_tags(state, access)
    async with state.db.write() as tx:
        await connections.choose_tags(tx, access.project.id, publish_on_tag=body.publish_on_tag)
        connection = await connections.find(tx, access.project.id)
        by_hand = await publication_store.published_by_hand(tx, access.project.id)
    return _tag_settings(connection, by_hand=by_hand)


def _tag_settings(connection: Mapping[str, Any] | None, *, by_hand: bool) -> TagSettings:
    chosen = connection["publish_on_tag"] if connection is not None else None
    connected = connection is not None and bool(connection["hears_tags"])
    return TagSettings(publish_on_tag=connected and (by_hand if chosen is None else bool(chosen)), chosen=chosen)
