"""The answers about processors and their versions as typed models: clients are generated from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from mlreef.kit.clock import iso
from mlreef.management.processors.comparing import Comparison
from mlreef.management.processors.marketplace import Found
from mlreef.management.processors.records import Processor, Verification, Version

Kind = Literal["operation", "visualization", "algorithm"]
Status = Literal["published", "deprecated", "unpublished"]


class Place(BaseModel):
    """Where something stands in a file."""

    file: str
    line: int
    column: int


class Parameter(BaseModel):
    """A parameter, input or output of a program."""

    name: str
    flag: str | None = None
    type: Literal["string", "integer", "float", "boolean", "choice", "list", "path", "dictionary"]
    required: bool = False
    default: Any = None
    choices: list[Any] | None = None
    min: float | int | None = None
    max: float | int | None = None
    multiple: bool = False
    nargs: str | int | None = None
    help: str | None = None
    unit: str | None = None
    role: Literal["value", "input", "output"] = "value"
    position: Place | None = None
    negated_flag: str | None = None


class Person(BaseModel):
    """A user of the forge."""

    id: int
    username: str


class Attestations(BaseModel):
    """Digests of the image's referrers."""

    sbom: str | None = None
    provenance: str | None = None
    signature: str | None = None


class VerificationAnswer(BaseModel):
    """A run of a version on its reference data."""

    id: str
    version_id: str
    run_id: str | None
    status: Literal["running", "passed", "failed"]
    reason: str | None
    started_at: str
    finished_at: str | None


class VersionAnswer(BaseModel):
    """One immutable version. In lists `packages`, `lock` and `changelog` are left empty."""

    id: str
    processor_id: str
    slug: str
    version: str
    prerelease: bool
    kind: Kind
    commit: str
    entry: str
    command: list[str]
    parameters: list[Parameter]
    image: str
    digest: str
    size: int | None
    environment: str
    base_image: str
    packages: list[str]
    lock: str | None
    manifest: dict[str, Any]
    attestations: Attestations
    network: str
    changelog: str
    licence: str | None
    tags: list[str]
    resources: dict[str, Any]
    metrics: dict[str, Any]
    status: Status
    status_message: str
    replacement: str | None
    status_by: str | None
    status_at: str | None
    verified: bool
    published_by: Person
    published_at: str


class Usage(BaseModel):
    """Runs that were started with a processor, and people who started them."""

    runs: int
    users: int
    recent_runs: int = Field(description="In the last 30 days.")
    recent_users: int = Field(description="In the last 30 days.")


class ProcessorAnswer(BaseModel):
    """A processor as its latest version describes it. `latest` is null while there are pre-releases only."""

    id: str
    slug: str
    name: str
    title: str
    description: str
    kind: Kind
    project_id: int
    project_path: str
    owner: str
    environment: str
    framework: str
    licence: str | None
    tags: list[str]
    input_types: list[str]
    output_types: list[str]
    model_type: str | None
    ml_category: str | None
    visibility: str
    star_count: int
    usage_count: int
    verified: bool
    verified_at: str | None
    created_at: str
    published_at: str
    latest: VersionAnswer | None


class WholeProcessor(ProcessorAnswer):
    """A processor with everything about it."""

    readme: str
    usage: Usage
    verification: VerificationAnswer | None
    versions: list[VersionAnswer]


class FacetValue(BaseModel):
    """A value of a facet, and how many processors it would leave."""

    value: str
    count: int


class Facets(BaseModel):
    """The most frequent values of each facet (30 at most), counted without the facet's own filter."""

    kind: list[FacetValue]
    input_type: list[FacetValue]
    output_type: list[FacetValue]
    model_type: list[FacetValue]
    ml_category: list[FacetValue]
    environment: list[FacetValue]
    framework: list[FacetValue]
    licence: list[FacetValue]
    tag: list[FacetValue]
    owner: list[FacetValue]
    verified: list[FacetValue]


class ProcessorPage(BaseModel):
    """A page of processors."""

    items: list[ProcessorAnswer]
    total: int
    page: int
    per_page: int
    facets: Facets | None = None


class VerificationPage(BaseModel):
    """Verifications of a version, newest first."""

    items: list[VerificationAnswer]
    total: int
    page: int
    per_page: int


class NamedVersion(BaseModel):
    """A version by id and number."""

    id: str
    version: str


class ParameterChange(BaseModel):
    """One property of one parameter that differs."""

    name: str
    field: str
    before: Any
    after: Any
    breaking: bool


class ParameterChanges(BaseModel):
    """How the parameters differ."""

    added: list[Parameter]
    removed: list[Parameter]
    changed: list[ParameterChange]


class Difference(BaseModel):
    """What something was, and is."""

    before: str
    after: str


class PackageChange(Difference):
    """A package in another version."""

    name: str


class PackageChanges(BaseModel):
    """How the installed packages differ."""

    added: list[str]
    removed: list[str]
    changed: list[PackageChange]


class Changes(BaseModel):
    """What differs between two versions. `breaking`: calls of the older one may fail or mean something else."""

    # `from` is a word of the language; clients see the plain name.
    from_: NamedVersion = Field(serialization_alias="from", validation_alias="from")
    to: NamedVersion
    parameters: ParameterChanges
    environment: Difference | None
    packages: PackageChanges
    breaking: bool
    reasons: list[str] = Field(description="Why it is breaking, in words.")


class TagSettings(BaseModel):
    """Whether tags publish, and what that follows from: null in `chosen` means that nobody decided."""

    publish_on_tag: bool
    chosen: bool | None


def version_answer(version: Version, processor: Processor, *, lock: bool = True) -> VersionAnswer:
    """A version on the wire."""
    manifest = version.manifest
    verified = processor.verified_version_id == version.id
    return VersionAnswer.model_validate(
        {
            **{name: getattr(version, name) for name in _COPIED},
            "slug": processor.slug,
            "prerelease": bool(version.number.prerelease),
            "lock": version.lock or None if lock else None,
            "licence": manifest.get("licence"),
            "tags": manifest.get("tags") or [],
            "resources": manifest.get("resources") or {},
            "metrics": manifest.get("metrics") or {},
            "status_at": iso(version.status_at),
            "verified": verified,
            "published_by": {"id": version.published_by_id, "username": version.published_by},
            "published_at": iso(version.published_at),
        }
    )


_COPIED = (
    *("id", "processor_id", "version", "kind", "commit", "entry", "command", "parameters", "image", "digest", "size"),
    *("environment", "base_image", "packages", "manifest", "attestations", "network", "changelog", "status"),
    *("status_message", "replacement", "status_by"),
)
_SHOWN = (
    *("id", "slug", "name", "title", "description", "kind", "project_id", "project_path", "environment", "framework"),
    *("licence", "tags", "input_types", "output_types", "model_type", "ml_category", "visibility", "star_count"),
    "usage_count",
)


def processor_values(processor: Processor, latest: Version | None) -> dict[str, Any]:
    """What is told of a processor everywhere."""
    verified = processor.verified_version_id is not None
    return {
        **{name: getattr(processor, name) for name in _SHOWN},
        "owner": processor.project_path.rpartition("/")[0],
        "verified": verified and processor.verified_version_id == processor.latest_version_id,
        "verified_at": iso(processor.verified_at),
        "created_at": iso(processor.created_at),
        "published_at": iso(processor.published_at),
        "latest": version_answer(latest, processor, lock=False) if latest is not None else None,
    }


def whole(
    processor: Processor, versions: Sequence[Version], usage: Mapping[str, int], verification: Verification | None
) -> WholeProcessor:
    """A processor with all its versions."""
    latest = next((one for one in versions if one.id == processor.latest_version_id), None)
    return WholeProcessor.model_validate(
        {
            **processor_values(processor, latest),
            "readme": processor.readme,
            "usage": usage,
            "verification": verification_answer(verification) if verification is not None else None,
            "versions": [version_answer(one, processor) for one in versions],
        }
    )


def page(found: Found) -> ProcessorPage:
    """A page of processors, perhaps with facets."""
    facets = None
    if found.facets is not None:
        facets = {
            name: [{"value": value, "count": count} for value, count in values] for name, values in found.facets.items()
        }
    items = [processor_values(one, found.latest.get(one.id)) for one in found.page.items]
    numbers = {"total": found.page.total, "page": found.page.page.number, "per_page": found.page.page.size}
    return ProcessorPage.model_validate({"items": items, **numbers, "facets": facets})


def verification_answer(one: Verification) -> VerificationAnswer:
    """A verification on the wire."""
    times = {"started_at": iso(one.started_at), "finished_at": iso(one.finished_at)}
    told = {name: getattr(one, name) for name in ("id", "version_id", "run_id", "status", "reason")}
    return VerificationAnswer.model_validate({**told, **times})


def changes(before: Version, after: Version, found: Comparison) -> Changes:
    """A comparison on the wire."""
    return Changes.model_validate(
        {
            "from": {"id": before.id, "version": before.version},
            "to": {"id": after.id, "version": after.version},
            **found.to_json(),
        }
    )
