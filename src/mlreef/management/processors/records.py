"""Processors, versions and publications as typed rows: what the store gives and the rules work on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mlreef.extraction import manifest
from mlreef.management.definitions.lookups import ProcessorVersion
from mlreef.management.definitions.values import Parameter
from mlreef.management.processors import numbers
from mlreef.management.processors.numbers import Number


class Status(StrEnum):
    """How far a publication is; the last two never change."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


ENDED = frozenset({Status.SUCCEEDED, Status.FAILED})
PUBLISHED, DEPRECATED, UNPUBLISHED = "published", "deprecated", "unpublished"
"""How a version stands."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A base image; selectable once it has an image."""

    name: str
    title: str
    description: str
    framework: str
    image: str | None = None
    digest: str | None = None
    flavour: str = "cpu"
    packages: list[str] = field(default_factory=list)
    source: dict[str, Any] = field(default_factory=dict)
    registered_by: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Processor:
    """A program published from a code project, as its newest version describes it."""

    id: str
    project_id: int
    project_path: str
    name: str
    title: str
    description: str
    kind: str
    environment: str
    input_types: list[str]
    output_types: list[str]
    model_type: str | None
    ml_category: str | None
    latest_version_id: str | None
    usage_count: int
    created_at: datetime
    published_at: datetime
    tags: list[str] = field(default_factory=list)
    licence: str | None = None
    framework: str = ""
    readme: str = ""
    visibility: str = "private"
    star_count: int = 0
    verified_at: datetime | None = None
    verified_version_id: str | None = None

    @property
    def slug(self) -> str:
        """How definitions name it."""
        return f"{self.project_path}/{self.name}"


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable publication of a processor."""

    id: str
    processor_id: str
    version: str
    major: int
    minor: int
    patch: int
    kind: str
    commit: str
    entry: str
    command: list[str]
    parameters: list[dict[str, Any]]
    image: str
    digest: str
    size: int | None
    environment: str
    base_image: str
    packages: list[str]
    status: str
    publication_id: str
    published_by_id: int
    published_by: str
    published_at: datetime
    manifest: dict[str, Any] = field(default_factory=dict)
    attestations: dict[str, str] = field(default_factory=dict)
    lock: str = ""
    network: str = "none"
    changelog: str = ""
    status_message: str = ""
    replacement: str | None = None
    status_by: str | None = None
    status_at: datetime | None = None

    @property
    def number(self) -> Number:
        """Its number, which compares as versions do."""
        return numbers.find(self.version) or Number(self.major, self.minor, self.patch)

    @property
    def selectable(self) -> bool:
        """Whether a new run may use it."""
        return self.status != UNPUBLISHED

    def runnable(self, processor: Processor) -> ProcessorVersion:
        """What a run needs to know of it."""
        return ProcessorVersion(
            id=self.id,
            slug=processor.slug,
            version=self.version,
            kind=self.kind,
            image=self.image,
            command=tuple(self.command),
            parameters=tuple(Parameter.from_json(one) for one in self.parameters),
            commit=self.commit,
            project_id=processor.project_id,
            wanted=manifest.wanted(self.manifest),
            status=self.status,
            status_message=self.status_message,
            replacement=self.replacement,
        )


@dataclass(frozen=True, slots=True)
class Publication:
    """The making of one version. `description` is what the processor will be described by."""

    id: str
    project_id: int
    project_path: str
    name: str
    version: str
    status: Status
    ref: str
    commit: str
    entry: str
    requirements: str | None
    environment: str
    base_image: str
    description: dict[str, Any]
    parameters: list[dict[str, Any]]
    user_id: int
    username: str
    created_at: datetime
    ci_pipeline_id: int | None = None
    ci_job_id: int | None = None
    reason: str | None = None
    processor_id: str | None = None
    version_id: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    manifest: dict[str, Any] = field(default_factory=dict)
    changelog: str = ""
    trigger: str = "user"

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", Status(self.status))

    @property
    def ended(self) -> bool:
        """Whether nothing of it can change any more."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class Verification:
    """One run of a version on its reference data, and what came of it."""

    id: str
    version_id: str
    run_id: str | None
    status: str  # running | passed | failed
    reason: str | None
    started_at: datetime
    finished_at: datetime | None = None
