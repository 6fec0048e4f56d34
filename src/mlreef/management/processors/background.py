"""What drives publications on: their jobs' questions and reports, webhooks, and a slow look for lost ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from mlreef.kit import logs, tasks
from mlreef.kit.errors import Kind, PlatformError, conflict
from mlreef.management.access.identity import JobIdentity
from mlreef.management.attestations import service as attestations
from mlreef.management.hooks import dispatch
from mlreef.management.layers import store as layers
from mlreef.management.processors import (
    ci,
    marketplace,
    mirroring,
    publication_store,
    publishing,
    store,
    tagging,
    verification,
)
from mlreef.management.processors.records import Publication, Status
from mlreef.management.state import State

log = logs.get(__name__)

_NEVER_STARTED = timedelta(minutes=5)
_FAILED = {"failed", "canceled", "skipped"}
_NO_REPORT = "the job ended without reporting an image; see its log"


class PublicationSubject:
    """Jobs that build images; see `jobs.dispatch.Subject`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def current(self, job: JobIdentity) -> Mapping[str, Any] | None:
        """The publication's specification."""
        publication = await self._find(job)
        if publication is None:
            return None
        state = self._state
        async with state.db.write() as tx:
            if not await publishing.started(tx, publication.id, job_id=job.job_id, now=state.clock.now()):
                raise conflict("this publication has ended; publish again instead of repeating its job")
        async with state.db.read() as tx:
            where = (publication.project_id, publication.name, publication.environment)
            previous = await layers.find_previous(tx, *where)
        return ci.specification(publication, state.settings, previous)

    async def result(self, job: JobIdentity, body: Any) -> Mapping[str, Any] | None:
        """Record the image, or why there is none."""
        publication = await self._find(job)
        if publication is None:
            return None
        state, report = self._state, publishing.parse_report(body)
        target = ci.target(publication, state.settings)
        publishing.check_image(report, target)
        if report.status == "success" and not publication.ended:
            try:
                told = await attestations.vouch(state, ci.image(publication, report, state.settings))
            except PlatformError as exc:
                reason = f"the image was not accepted: {exc.message}"
                async with state.db.write() as tx:
                    await publishing.failed(tx, publication.id, reason, now=state.clock.now())
                return {"status": Status.FAILED.value, "reason": reason}
            report = report.model_copy(update={"attestations": told})
        async with state.db.write() as tx:
            answer = await publishing.reported(tx, publication.id, report, target, now=state.clock.now())
        if answer["status"] == Status.SUCCEEDED.value and not publication.ended:
            # Shown to nobody but members until it is known who may see the project.
            await mirroring.refresh(state, publication.project_id)
        return answer

    async def _find(self, job: JobIdentity) -> Publication | None:
        async with self._state.db.read() as tx:
            return await publication_store.find_by_pipeline(tx, job.project_id, job.pipeline_id)


def subjects(state: State) -> list[PublicationSubject]:
    """Publications are what some jobs are for."""
    return [PublicationSubject(state)]


def handlers(state: State) -> list[dispatch.Handler]:
    """Webhooks move publications on, and tell where projects are now."""

    async def hear(event: dispatch.Event) -> None:
        told = mirroring.told(event.body.get("project") or {})
        async with state.db.read() as tx:  # nearly every delivery says what is known
            news = bool(told) and not await store.is_mirrored(tx, event.project_id, told)
        if news:
            async with state.db.write() as tx:
                await mirroring.take_over(tx, event.project_id, told)
        tag = tagging.parse(event.body, event.project_id) if event.kind == dispatch.TAG else None
        if tag is not None:
            await tagging.publish(state, tag)
        pipeline_id = event.pipeline_id
        if event.kind not in {dispatch.JOB, dispatch.PIPELINE} or pipeline_id is None:
            return
        async with state.db.read() as tx:
            publication = await publication_store.find_by_pipeline(tx, event.project_id, pipeline_id)
        if publication is None or publication.ended:
            return
        if event.kind == dispatch.JOB:
            body = event.body
            reason = body.get("build_failure_reason")
            await _news(state, publication, str(body.get("build_status")), reason, job_id=_number(body.get("build_id")))
        else:
            status = str((event.body.get("object_attributes") or {}).get("status"))
            if status in _FAILED or status == "success":
                await _news(state, publication, status, None, job_id=None)

    return [hear]


def loops(state: State) -> list[tasks.Loop]:
    """The loops of this slice."""

    async def reconcile() -> None:
        await look_for_lost(state)

    async def mirror() -> None:
        await mirroring.compare(state)
        await marketplace.of(state).follow()  # whoever searches first shall not wait

    async def verify() -> None:
        await verification.nightly(state)
        await verification.look(state)

    settings = state.settings
    return [
        tasks.Loop("publications", reconcile, interval=settings.reconcile_seconds),
        tasks.Loop("marketplace", mirror, interval=settings.mirror_seconds),
        tasks.Loop("verifications", verify, interval=min(15.0, settings.reconcile_seconds)),
    ]


async def look_for_lost(state: State) -> None:
    """Compare open publications with the forge's jobs."""
    before = state.clock.now() - timedelta(seconds=state.settings.reconcile_seconds)
    async with state.db.read() as tx:
        waiting = await publication_store.list_open(tx, before)
    for publication in waiting:
        try:
            await _compare(state, publication)
        except PlatformError as exc:
            log.warning("publication could not be compared", publication=publication.id, error=exc.message)


async def _compare(state: State, publication: Publication) -> None:
    if publication.ci_pipeline_id is None:
        if state.clock.now() - publication.created_at > _NEVER_STARTED:
            await _news(state, publication, "failed", "its start was interrupted; publish again", job_id=None)
        return
    try:
        jobs = await state.bot.list_pipeline_jobs(publication.project_id, publication.ci_pipeline_id)
    except PlatformError as exc:
        if exc.kind is not Kind.NOT_FOUND:
            raise
        await _news(state, publication, "failed", "its CI pipeline is gone", job_id=None)
        return
    for job in jobs:
        await _news(state, publication, job.status, job.failure_reason, job_id=job.id)


async def _news(state: State, publication: Publication, status: str, reason: str | None, *, job_id: int | None) -> None:
    now = state.clock.now()
    async with state.db.write() as tx:
        if status in _FAILED:
            told = reason if reason not in {None, "", "unknown_failure"} else "see the job's log"
            await publishing.failed(tx, publication.id, f"the job was {status}: {told}", now=now)
        elif status == "success":
            await publishing.failed(tx, publication.id, _NO_REPORT, now=now)
        elif status == "running" and job_id is not None:
            await publishing.started(tx, publication.id, job_id=job_id, now=now)
        elif job_id is not None:
            await publication_store.change(tx, publication.id, {"ci_job_id": job_id})


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
