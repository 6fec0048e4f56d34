"""The rules of publication: everything checked before anything is recorded, one winner per version, one end.

A publication claims its version number in the transaction that records it. It ends once, when its job reports an image
by digest (then processor and version appear in the same transaction) or when anything says that it failed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from mlreef.extraction import manifest as manifests
from mlreef.extraction.model import KINDS, Fault
from mlreef.kit import ids
from mlreef.kit.db import Tx
from mlreef.kit.errors import Detail, Location, PlatformError, conflict, invalid
from mlreef.management.processors import numbers, publication_store, store
from mlreef.management.processors.inspection import Inspection
from mlreef.management.processors.numbers import Number
from mlreef.management.processors.records import Environment, Processor, Publication, Status
from mlreef.management.processors.tables import processors, versions

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]{0,62}")


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants to publish."""

    ref: str
    entry: str
    name: str
    kind: str
    environment: str
    version: str | None
    title: str | None
    description: str | None
    input_types: Sequence[str]
    output_types: Sequence[str]
    model_type: str | None
    ml_category: str | None


class VersionTaken(PlatformError):
    """Another publication has or had this version."""

    def __init__(self, name: str, version: str) -> None:
        taken = conflict(f"version {version} of {name} exists already or is being published; take another number")
        super().__init__(taken.kind, taken.message)


def check(order: Order, inspection: Inspection, environment: Environment | None) -> None:
    """Raise one error with every fault of an order; nothing has been recorded then."""
    details = [detail(one) for one in inspection.extraction.errors]
    if not manifests.NAME.fullmatch(order.name):
        details.append(Detail("name", "use a-z, 0-9 and '-', beginning with a letter or digit, at most 63 characters"))
    if order.kind not in KINDS:
        details.append(Detail("kind", f"use one of {', '.join(KINDS)}"))
    if environment is None:
        details.append(Detail("environment", f"there is no environment {order.environment[:63]!r}"))
    elif environment.image is None:
        message = f"{environment.name} has no image yet: an administrator has to register one"
        details.append(Detail("environment", message))
    if order.version is not None and numbers.find(order.version) is None:
        details.append(Detail("version", "write three numbers, such as 1.2.0"))
    for field, values in (("input_types", order.input_types), ("output_types", order.output_types)):
        details += [Detail(field, f"{one[:63]!r} is no data type") for one in values if not _WORD.fullmatch(one)]
    if details:
        raise invalid("this cannot be published", details=details)


def detail(fault: Fault) -> Detail:
    """A fault of the source as part of an error."""
    place = fault.position
    return Detail("entry", fault.message, Location(place.file, place.line, place.column), fault.remedy)


@dataclass(frozen=True, slots=True)
class Author:
    """Who publishes, and where."""

    project_id: int
    project_path: str
    user_id: int
    username: str


async def begin(
    tx: Tx, order: Order, inspection: Inspection, base_image: str, author: Author, *, now: datetime
) -> Publication:
    """Record a publication under a number of its own; raises VersionTaken."""
    version = order.version or str(await _next(tx, author.project_id, order.name))
    publication = Publication(
        id=ids.new_id("pub"),
        project_id=author.project_id,
        project_path=author.project_path,
        name=order.name,
        version=version,
        status=Status.PENDING,
        ref=order.ref,
        commit=inspection.commit,
        entry=inspection.entry,
        requirements=inspection.requirements,
        environment=order.environment,
        base_image=base_image,
        description=_description(order, inspection),
        parameters=[one.to_json() for one in inspection.extraction.parameters],
        user_id=author.user_id,
        username=author.username,
        created_at=now,
    )
    if not await publication_store.claim(tx, author.project_id, order.name, version, publication.id):
        raise VersionTaken(order.name, version)
    await publication_store.insert(tx, publication)
    return publication


async def _next(tx: Tx, project_id: int, name: str) -> Number:
    taken = [numbers.find(one) for one in await publication_store.list_claimed(tx, project_id, name)]
    return numbers.following([one for one in taken if one is not None])


def _description(order: Order, inspection: Inspection) -> dict[str, Any]:
    suggested = inspection.suggested
    return {
        "title": order.title or suggested["title"],
        "description": suggested["description"] if order.description is None else order.description,
        "kind": order.kind,
        "input_types": list(order.input_types),
        "output_types": list(order.output_types),
        "model_type": order.model_type,
        "ml_category": order.ml_category,
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
    version_id = ids.new_id("ver")
    values = {
        "id": version_id,
        "processor_id": processor_id,
        "version": publication.version,
        **number._asdict(),
        "kind": publication.description["kind"],
        "commit": publication.commit,
        "entry": publication.entry,
        "command": ["python3", f"/mlreef/code/{publication.entry}"],
        "parameters": publication.parameters,
        "image": report.image,
        "digest": report.digest,
        "size": report.size,
        "environment": publication.environment,
        "base_image": publication.base_image,
        "packages": [one[:300] for one in report.packages],
        "lock": report.lock,
        "attestations": report.attestations,
        "status": "published",
        "publication_id": publication.id,
        "published_by_id": publication.user_id,
        "published_by": publication.username,
        "published_at": now,
    }
    await store.insert(tx, versions, values)
    if await _is_latest(tx, processor, number):
        await store.update_processor(
            tx, processor_id, {**_described(publication), "latest_version_id": version_id, "published_at": now}
        )
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
        **_described(publication),
    }
    await store.insert(tx, processors, values)
    return processor_id


async def _is_latest(tx: Tx, processor: Processor | None, number: Number) -> bool:
    if processor is None or processor.latest_version_id is None:
        return True
    latest = await store.find_version(tx, processor.latest_version_id)
    return latest is None or number > Number(latest.major, latest.minor, latest.patch)


def _described(publication: Publication) -> dict[str, Any]:
    told = publication.description
    names = " ".join(one["name"] for one in publication.parameters)
    slug = f"{publication.project_path}/{publication.name}"
    text = f"{publication.name} {told['title']} {told['description']} {slug} {names}"
    return {**told, "environment": publication.environment, "search_text": text.lower()}
