"""Wire shapes of processors, publications and environments."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from mlreef.extraction import manifest as manifests
from mlreef.kit.clock import iso
from mlreef.management.processors.orders import Order
from mlreef.management.processors.records import Publication
from mlreef.management.settings import MachineClass

Short = Annotated[str, Field(min_length=1, max_length=255)]
Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=63)]], Field(max_length=50)]


class Strict(BaseModel):
    """Scalars stay what they are, and unknown fields are refused: a mistyped name must not be ignored."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Inspect(Strict):
    """Which script to look at."""

    ref: Short
    entry: Short
    subcommand: Short | None = None


class Publish(Strict):
    """What to publish: a program or a `processor.yaml`. What is left out is taken from the files.

    All but `ref`, `entry`, `version`, `changelog` and `consent_network` mean the keys of `processor.yaml`.
    """

    ref: Short
    entry: Short = manifests.FILE
    version: Short | None = None
    name: Short | None = None
    kind: Short | None = None
    environment: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    title: Annotated[str, Field(max_length=255)] | None = None
    description: Annotated[str, Field(max_length=4000)] | None = None
    input_types: Words | None = None
    output_types: Words | None = None
    model_type: Annotated[str, Field(max_length=63)] | None = None
    ml_category: Annotated[str, Field(max_length=63)] | None = None
    subcommand: Short | None = None
    command: Annotated[list[str], Field(min_length=1, max_length=50)] | None = None
    requirements: str | Annotated[list[str], Field(max_length=500)] | None = None
    licence: Annotated[str, Field(max_length=200)] | None = None
    tags: Words | None = None
    resources: dict[str, Any] | None = None
    network: Short | None = None
    metrics: dict[str, Any] | None = None
    changelog: Annotated[str, Field(max_length=20_000)] | None = None
    consent_network: bool = False

    def order(self) -> Order:
        """The same for the rules."""
        return Order(**self.model_dump())


def publication_json(publication: Publication) -> dict[str, Any]:
    """A publication; `processor` is there once it has succeeded."""
    processor = None
    if publication.processor_id is not None:
        slug = f"{publication.project_path}/{publication.name}"
        processor = {"id": publication.processor_id, "slug": slug}
    return {
        "id": publication.id,
        "status": publication.status.value,
        "project_id": publication.project_id,
        "project_path": publication.project_path,
        "name": publication.name,
        "version": publication.version,
        "version_id": publication.version_id,
        "processor": processor,
        "ref": publication.ref,
        "commit": publication.commit,
        "entry": publication.entry,
        "environment": publication.environment,
        "base_image": publication.base_image,
        "manifest": publication.manifest,
        "changelog": publication.changelog,
        "trigger": publication.trigger,
        "pipeline_id": publication.ci_pipeline_id,
        "job_id": publication.ci_job_id,
        "reason": publication.reason,
        "errors": [],
        "created_by": {"id": publication.user_id, "username": publication.username},
        "created_at": iso(publication.created_at),
        "started_at": iso(publication.started_at),
        "finished_at": iso(publication.finished_at),
    }


def machine_json(machine: MachineClass) -> dict[str, Any]:
    """A machine class."""
    return {**machine.model_dump(), "title": machine.title or machine.name}
