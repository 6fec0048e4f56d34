"""What resolution asks of the outside: the catalogue of processors, the repository, and the operator's limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from mlreef.extraction.manifest import Wanted
from mlreef.management.definitions import values


@dataclass(frozen=True, slots=True)
class ProcessorVersion:
    """What a run needs to know of one published, immutable processor version."""

    id: str
    slug: str
    version: str
    kind: str  # operation | visualization | algorithm
    image: str  # host/path@sha256:...
    command: tuple[str, ...]
    parameters: tuple[values.Parameter, ...]
    commit: str | None = None
    project_id: int | None = None
    wanted: Wanted = field(default_factory=Wanted)
    """What it asks for where the definition of a step says nothing."""
    status: str = "published"
    status_message: str = ""
    replacement: str | None = None

    @property
    def digest(self) -> str:
        """The image's digest."""
        return self.image.rpartition("@")[2]

    def of_role(self, role: str) -> list[values.Parameter]:
        """The parameters of a role, in the order declared."""
        return [one for one in self.parameters if one.role == role]

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs; a program that declares none writes to `MLREEF_OUTPUT_OUTPUT`."""
        return [one.name for one in self.of_role("output")] or ["output"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or directory of the repository by its content: object id (or listing digest for the root)."""

    type: str  # tree | blob
    id: str


class Catalogue(Protocol):
    """Published processor versions as far as the caller may see them."""

    async def find_version(self, slug: str, version: str) -> ProcessorVersion | None:
        """The version that can be run: of a number, or the best of a range or `latest`; None when there is none."""
        ...

    async def explain(self, slug: str, version: str) -> str:
        """Why there is none, in words that tell nothing the caller may not see."""
        ...


class Repository(Protocol):
    """The data project's repository with the caller's rights."""

    async def find_commit(self, ref: str, *, branch: bool) -> str | None:
        """The full commit id that a branch or an abbreviated id means."""
        ...

    async def find_entry(self, commit: str, path: str) -> Entry | None:
        """What is at a path of a commit; the root for an empty path."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator allows: machine classes and time."""

    machines: tuple[str, ...]
    default_machine: str
    max_timeout: int = 24 * 3600
    default_timeout: int = 3600
