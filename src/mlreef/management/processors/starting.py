"""The start of a publication: inspect, check, record, ask the forge for the CI pipeline; in this order.

What fails before the record leaves nothing behind; what fails after it ends the publication as failed.
"""

from __future__ import annotations

from mlreef.kit.errors import Kind, PlatformError
from mlreef.management.access.service import ProjectAccess
from mlreef.management.connect import service as connect
from mlreef.management.processors import ci, environments, inspection, publication_store, publishing
from mlreef.management.processors.publishing import Author, Order, VersionTaken
from mlreef.management.processors.records import Publication
from mlreef.management.serving import store as configs
from mlreef.management.state import State

_TRIES = 5


async def publish(state: State, access: ProjectAccess, order: Order) -> Publication:
    """Start a publication; raises with all faults at once."""
    found = await inspection.inspect(access.forge, access.project.id, order.ref, order.entry)
    async with state.db.read() as tx:
        environment = await environments.find(tx, order.environment)
    publishing.check(order, found, environment)
    state.framework.required()
    await connect.ensure(state, access)
    base = environment.image if environment is not None and environment.image is not None else ""
    publication, token = await _record(state, access, order, found, base)
    ref = order.ref
    if found.commit.startswith(ref.lower()) and len(ref) >= 7:
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


async def _record(
    state: State, access: ProjectAccess, order: Order, found: inspection.Inspection, base: str
) -> tuple[Publication, str]:
    author = Author(access.project.id, access.project.path, access.user.id, access.user.username)
    for attempt in range(_TRIES):
        try:
            async with state.db.write() as tx:
                now = state.clock.now()
                publication = await publishing.begin(tx, order, found, base, author, now=now)
                body = ci.render(publication, state.settings, state.framework.sha256)
                token = await configs.add_config(tx, kind="publication", subject_id=publication.id, body=body, now=now)
        except VersionTaken:
            # A number that nobody asked for may simply be the next one.
            if order.version is not None or attempt == _TRIES - 1:
                raise
        else:
            return publication, token
    raise VersionTaken(order.name, order.version or "")
