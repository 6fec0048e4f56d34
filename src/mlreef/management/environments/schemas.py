"""Wire shapes of environments."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mlreef.kit.clock import iso
from mlreef.management.processors.records import Environment

Pin = Annotated[str, Field(max_length=300)]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Register(BaseModel):
    """An image to select under a name."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=255)]
    image: Annotated[str, Field(min_length=1, max_length=1000)]
    title: Annotated[str, Field(max_length=255)] | None = None
    description: Annotated[str, Field(max_length=4000)] | None = None
    framework: Annotated[str, Field(max_length=63)] | None = None
    flavour: Literal["cpu", "gpu"] | None = None
    packages: Annotated[list[Pin], Field(max_length=5000)] = Field(default_factory=list)
    source: Annotated[dict[str, Any], Field(max_length=50)] = Field(default_factory=dict)
    attestations: Annotated[dict[str, Digest], Field(max_length=10)] = Field(default_factory=dict)


def environment_json(environment: Environment) -> dict[str, Any]:
    """An environment; one without an image cannot be chosen."""
    return {
        "id": environment.name,
        "name": environment.name,
        "title": environment.title,
        "description": environment.description,
        "framework": environment.framework,
        "flavour": environment.flavour,
        "image": environment.image,
        "digest": environment.digest,
        "packages": environment.packages,
        "source": environment.source,
        "selectable": environment.image is not None,
        "registered_by": environment.registered_by,
        "updated_at": iso(environment.updated_at),
    }
