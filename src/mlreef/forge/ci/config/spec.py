"""What a configuration says once read: plain values, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlreef.forge.ci.config.rules import Rule


@dataclass(frozen=True, slots=True)
class Need:
    """Another job that must be done first."""

    job: str
    artifacts: bool = True
    optional: bool = False

    def stored(self) -> dict[str, Any]:
        """The form kept with a job."""
        return {"name": self.job, "artifacts": self.artifacts, "optional": self.optional}


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One job as written, after defaults and `extends`."""

    name: str
    stage: str
    options: Mapping[str, Any]
    """Everything only the runner needs: scripts, image, services, artifacts, cache, id_tokens, retry."""
    variables: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] | None = None
    when: str = "on_success"
    allow_failure: bool | None = None
    needs: tuple[Need, ...] | None = None
    dependencies: tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()
    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job that the CI pipeline gets: rules applied, `parallel` multiplied, dependencies by name."""

    name: str
    stage: str
    stage_index: int
    when: str
    allow_failure: bool
    options: Mapping[str, Any]
    variables: Mapping[str, str]
    needs: tuple[Need, ...] | None
    dependencies: tuple[str, ...] | None
    tags: tuple[str, ...]
    timeout: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """All jobs of a CI pipeline to be, in stage order."""

    stages: tuple[str, ...]
    jobs: tuple[PlannedJob, ...]
    name: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """Top-level variables, weaker than those of jobs."""
