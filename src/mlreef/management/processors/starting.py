"""The start of a publication: inspect, check, record, ask the forge for the CI pipeline; in this order.

What fails before the record leaves nothing behind; what fails after it ends the publication as failed.
"""

from __future__ import annotations

from mlreef.kit.db import Tx
from mlreef.kit.errors import Kind, PlatformError, not_found
from mlreef.management.access import policy
from mlreef.management.access.service import ProjectAccess
from mlreef.management.connect import service as connect
from mlreef.management.processors import (
    ci,
    environments,
    inspection,
    orders,
    publication_store,
    publishing,
    store,
)
from mlreef.management.processors.orders import Order, Subject
from mlreef.management.processors.publishing import Author, History, VersionTaken
from mlreef.management.processors.records import Environment, Publication
from mlreef.management.serving import store as configs
from mlreef.management.state import State

_TRIES = 5
_COMMITS = 50


async def publish(state: State, access: ProjectAccess, order: Order) -> Publication:
    """Start a publication; raises with all faults at once."""
    inspected = await inspection.inspect(
        state, access.forge, access.project.id, order.ref, order.entry, subcommand=order.subcommand
    )
    found = orders.subject(order, inspected)
    async with state.db.read() as tx:
        environment = await _environment(tx, found.environment)
    machines = [one.name for one in state.settings.machine_classes]
    orders.check(order, found, environment, machines, maintainer=access.level >= policy.MAINTAINER)
    if environment is None:
        raise not_found("Environment")  # orders.check has said so already
    state.framework.required()
    await connect.ensure(state, access)
    history = await _history(state, access, order, found)
    publication, token = await _record(state, access, order, found, environment, history=history)
    ref = order.ref
    if inspected.commit.startswith(ref.lower()) and len(ref) >= 7:
        # CI pipelines run on branches and tags; the job fetches the commit by its id anyway.
        ref = access.project.default_branch or ref
    try:
        pipeline = await access.forge.create_pipeline(access.project.id, ref, {"MLREEF_CONFIG": token})
    except PlatformError as exc:
        async with state.db.write() as tx:
            await publishing.failed(
                tx, publication.id, f"no CI pipeline could be created: {exc.message}", now=state.clock.now()
            )
        kind = Kind.UNAVAILABLE if exc.kind is Kind.NOT_FOUND else exc.kind
        raise PlatformError(kind, f"the forge refused to create the CI pipeline: {exc.message}") from exc
    async with state.db.write() as tx:
        await publication_store.change(tx, publication.id, {"ci_pipeline_id": int(pipeline["id"])})
    async with state.db.read() as tx:
        return await publication_store.find(tx, publication.id) or publication


async def _environment(tx: Tx, wanted: str) -> Environment | None:
    """An environment by its name, or by the reference of its image."""
    every = await environments.list_all(tx)
    named = next((one for one in every if one.name == wanted), None)
    return named or next((one for one in every if one.image is not None and one.image == wanted), None)


async def _history(state: State, access: ProjectAccess, order: Order, found: Subject) -> History:
    """What the changelog of the version is taken from; the commits only where nobody wrote one."""
    if order.changelog is not None or found.inspection.study.changelog:
        return History(order.changelog, found.inspection.study.changelog)
    async with state.db.read() as tx:
        last = await store.find_by_name(tx, access.project.id, str(found.document["name"]))
        version = await store.find_version(tx, last.latest_version_id or "") if last is not None else None
    if version is None:
        return History()
    commit = found.inspection.commit
    try:
        newest = await access.forge.list_commits(access.project.id, ref_name=commit, per_page=_COMMITS)
    except PlatformError:
        return History()  # a changelog is worth no publication
    subjects: list[str] = []
    for one in newest:
        if one.get("id") == version.commit:
            break
        subject = str(one.get("title") or one.get("message") or "").strip().split("\n")[0]
        subjects.append(f"- {subject[:200]}")
    return History(commits="\n".join(subjects))


async def _record(
    state: State, access: ProjectAccess, order: Order, found: Subject, environment: Environment, *, history: History
) -> tuple[Publication, str]:
    author = Author(access.project.id, access.project.path, access.user.id, access.user.username)
    for attempt in range(_TRIES):
        try:
            async with state.db.write() as tx:
                now = state.clock.now()
                publication = await publishing.begin(tx, order, found, environment, author, history=history, now=now)
                body = ci.render(publication, state.settings, state.framework.sha256)
                token = await configs.add_config(tx, kind="publication", subject_id=publication.id, body=body, now=now)
        except VersionTaken:
            # A number that nobody asked for may simply be the next one.
            if order.version is not None or attempt == _TRIES - 1:
                raise
        else:
            return publication, token
    raise VersionTaken(str(found.document["name"]), order.version or "")
