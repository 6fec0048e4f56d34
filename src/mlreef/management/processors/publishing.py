"""The rules of publication: everything checked before anything is recorded, one winner per version, one end.

A publication claims its version number in the transaction that records it. It ends once, when its job reports an image
by digest (then processor and version appear in the same transaction) or when anything says that it failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from mlreef.extraction import study
from mlreef.extraction.manifest import changelog
from mlreef.kit import ids
from mlreef.kit.db import Tx
from mlreef.kit.errors import PlatformError, conflict, invalid
from mlreef.management.processors import describing, numbers, publication_store, standing, store
from mlreef.management.processors.numbers import Number
from mlreef.management.processors.orders import Order, Subject
from mlreef.management.processors.records import Environment, Publication, Status
from mlreef.management.processors.tables import processors, versions


class VersionTaken(PlatformError):
    """Another publication has or had this version."""

    def __init__(self, name: str, version: str) -> None:
        taken = conflict(f"version {version} of {name} exists already or is being published; take another number")
        super().__init__(taken.kind, taken.message)


@dataclass(frozen=True, slots=True)
class Author:
    """Who publishes, and where."""

    project_id: int
    project_path: str
    user_id: int
    username: str


@dataclass(frozen=True, slots=True)
class History:
    """What a version's changelog is taken from: its own text, the changelog file, or the commits since the last."""

    own: str | None = None
    file: str = ""
    commits: str = ""

    def of(self, version: str) -> str:
        """The changelog of a version."""
        if self.own is not None:
            return self.own[: changelog.MAX_CHARACTERS].replace("\x00", "")
        found = changelog.section(self.file, version) if self.file else None
        return (found if found is not None else self.commits).replace("\x00", "")


async def begin(
    tx: Tx,
    order: Order,
    subject: Subject,
    environment: Environment,
    author: Author,
    *,
    history: History,
    now: datetime,
) -> Publication:
    """Record a publication under a number of its own; raises VersionTaken."""
    name = str(subject.document["name"])
    version = order.version or str(await _next(tx, author.project_id, name))
    inspection = subject.inspection
    publication = Publication(
        id=ids.new_id("pub"),
        project_id=author.project_id,
        project_path=author.project_path,
        name=name,
        version=version,
        status=Status.PENDING,
        ref=order.ref,
        commit=inspection.commit,
        entry=inspection.entry,
        requirements=subject.requirements if isinstance(subject.requirements, str) else None,
        environment=environment.name,
        base_image=environment.image or "",
        description=_description(subject, environment, order),
        parameters=[one.to_json() for one in inspection.extraction.parameters],
        user_id=author.user_id,
        username=author.username,
        created_at=now,
        manifest=subject.document,
        changelog=history.of(version),
        trigger=order.trigger,
    )
    if not await publication_store.claim(tx, author.project_id, name, version, publication.id):
        raise VersionTaken(name, version)
    await publication_store.insert(tx, publication)
    return publication


async def _next(tx: Tx, project_id: int, name: str) -> Number:
    taken = [numbers.find(one) for one in await publication_store.list_claimed(tx, project_id, name)]
    return numbers.following([one for one in taken if one is not None])


def _description(subject: Subject, environment: Environment, order: Order) -> dict[str, Any]:
    """What the processor will be described by, and what else its job and its end need to know."""
    document = subject.document
    return {
        **{key: document.get(key) for key in describing.SINGLE},
        **{key: document.get(key, []) for key in describing.LISTED},
        "description": document.get("description", ""),
        "framework": environment.framework,
        "readme": subject.inspection.study.readme,
        "command": subject.command,
        "requirements": subject.requirements,
        "network_consent": order.consent_network,
    }


# -- how it goes on


async def started(tx: Tx, publication_id: str, *, job_id: int, now: datetime) -> bool:
    """Its job runs; False when it has ended."""
    values: dict[str, Any] = {"status": Status.RUNNING.value, "ci_job_id": job_id}
    if not await publication_store.change(tx, publication_id, values):
        return False
    current = await publication_store.find(tx, publication_id)
    if current is not None and current.started_at is None:
        await publication_store.change(tx, publication_id, {"started_at": now})
    return True


async def failed(tx: Tx, publication_id: str, reason: str, *, now: datetime) -> None:
    """It ended without a version; its number is free again. Later news change nothing."""
    values = {"status": Status.FAILED.value, "reason": reason[:4000], "finished_at": now}
    if await publication_store.change(tx, publication_id, values):
        await publication_store.release(tx, publication_id)


class Report(BaseModel):
    """What the job reports at its end."""

    model_config = ConfigDict(extra="ignore")

    status: Literal["success", "failed"]
    message: str | None = None
    image: str | None = Field(default=None, max_length=1000)
    digest: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$")
    size: int | None = Field(default=None, ge=0, lt=2**62)
    packages: list[str] = Field(default_factory=list, max_length=5000)
    lock: str = Field(default="", max_length=4 << 20)
    attestations: dict[str, str] = Field(default_factory=dict, max_length=10)


def check_image(report: Report, target: str) -> None:
    """Raise unless a success names an image of the publication's own repository."""
    if report.status == "success" and (report.digest is None or report.image != f"{target}@{report.digest}"):
        raise invalid(f"a published image is named {target}@sha256:<digest>, and digest repeats the digest")


def parse_report(document: Any) -> Report:
    """The report in a body, or one error that names every fault."""
    try:
        return Report.model_validate(document)
    except pydantic.ValidationError as exc:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in exc.errors())
        raise invalid(f"the body is not a result: {faults}") from exc


async def reported(tx: Tx, publication_id: str, report: Report, target: str, *, now: datetime) -> Mapping[str, Any]:
    """Record how the job ended; the first report stays."""
    publication = await publication_store.find(tx, publication_id, lock=True)
    if publication is None or publication.ended:
        return {"status": publication.status.value if publication else Status.FAILED.value}
    if report.status == "failed":
        await failed(tx, publication_id, report.message or "the image could not be built; see the log", now=now)
        return {"status": Status.FAILED.value}
    check_image(report, target)
    version_id = await _publish(tx, publication, report, now=now)
    return {"status": Status.SUCCEEDED.value, "version_id": version_id}


async def _publish(tx: Tx, publication: Publication, report: Report, *, now: datetime) -> str:
    number = numbers.find(publication.version)
    if number is None:
        raise invalid("the publication has no version number")
    processor = await store.find_by_name(tx, publication.project_id, publication.name)
    processor_id = processor.id if processor is not None else await _create(tx, publication, now=now)
    await store.lock(tx, processor_id)
    version_id = ids.new_id("ver")
    values = {
        "id": version_id,
        "processor_id": processor_id,
        "version": publication.version,
        **number.columns(),
        "kind": publication.description["kind"],
        "commit": publication.commit,
        "entry": publication.entry,
        "command": command(publication),
        "parameters": publication.parameters,
        "image": report.image,
        "digest": report.digest,
        "size": report.size,
        "environment": publication.environment,
        "base_image": publication.base_image,
        "packages": [one[:300] for one in report.packages],
        "manifest": publication.manifest,
        "network": publication.manifest.get("network", "none"),
        "changelog": publication.changelog,
        "lock": report.lock,
        "attestations": report.attestations,
        "status": "published",
        "publication_id": publication.id,
        "published_by_id": publication.user_id,
        "published_by": publication.username,
        "published_at": now,
    }
    await store.insert(tx, versions, values)
    await standing.settle(tx, processor_id)
    ended = {"status": Status.SUCCEEDED.value, "finished_at": now}
    ended |= {"processor_id": processor_id, "version_id": version_id}
    await publication_store.change(tx, publication.id, ended)
    return version_id


async def _create(tx: Tx, publication: Publication, *, now: datetime) -> str:
    processor_id = ids.new_id("prc")
    values = {
        "id": processor_id,
        "project_id": publication.project_id,
        "project_path": publication.project_path,
        "name": publication.name,
        "usage_count": 0,
        "created_at": now,
        "published_at": now,
        **describing.described(publication),
    }
    await store.insert(tx, processors, values)
    return processor_id


def command(publication: Publication) -> list[str]:
    """The command of a publication's program."""
    found: list[str] | None = publication.description.get("command")
    return found or study.python(publication.entry)
