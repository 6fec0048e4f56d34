"""Runs and steps as typed rows: what the store gives and the rules work on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mlreef.management.runs.transitions import Result, RunStatus, StepStatus


@dataclass(slots=True)
class Run:
    """One execution of a data pipeline."""

    id: str
    project_id: int
    project_path: str
    number: int
    name: str
    kind: str
    status: RunStatus
    definition: dict[str, Any]
    user_id: int
    username: str
    ref: str
    created_at: datetime
    reason: str | None = None
    ci_pipeline_id: int | None = None
    config_hash: str | None = None
    jobs_started: int = 0
    cached_steps: int = 0
    rerun_of: str | None = None
    cancel_requested: bool = False
    use_cache: bool = True
    target_branch: str | None = None
    target_path: str | None = None
    base_commit: str | None = None
    dataset_commit: str | None = None
    dataset_files: int | None = None
    dataset_bytes: int | None = None
    finish_lease: datetime | None = None
    revision: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None

    def __post_init__(self) -> None:
        self.status = RunStatus(self.status)


@dataclass(slots=True)
class Step:
    """One processor version applied in a run."""

    id: str
    run_id: str
    project_id: int
    position: int
    name: str
    version_id: str
    slug: str
    version: str
    processor_kind: str
    image: str
    command: list[str]
    arguments: list[dict[str, Any]]
    parameters: dict[str, Any]
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    needs: list[str]
    machine: str
    timeout_s: int
    status: StepStatus
    processor_commit: str | None = None
    processor_project_id: int | None = None
    reason: str | None = None
    message: str | None = None
    exit_code: int | None = None
    cached: bool = False
    cached_from: str | None = None
    cache_key: str | None = None
    cache_reason: str | None = None
    ci_job_id: int | None = None
    result: dict[str, Any] | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_s: float | None = None

    def __post_init__(self) -> None:
        self.status = StepStatus(self.status)

    @property
    def image_digest(self) -> str:
        """The digest of the image."""
        return self.image.rpartition("@")[2]

    @property
    def output_names(self) -> list[str]:
        """The names of the declared outputs."""
        return [one["name"] for one in self.outputs]

    def reported(self) -> Result | None:
        """What the framework reported, if it has."""
        if self.result is None:
            return None
        return Result(
            self.result["status"], self.result.get("reason"), self.result.get("exit_code"), self.result.get("message")
        )


@dataclass(frozen=True, slots=True)
class Output:
    """What a step wrote: the digest of its tree manifest, and its size."""

    step_id: str
    name: str
    project_id: int
    digest: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with its steps and their outputs, as read in one transaction."""

    run: Run
    steps: list[Step]
    outputs: dict[str, list[Output]] = field(default_factory=dict)  # by step id

    def step(self, name: str) -> Step | None:
        """The step of a name."""
        return next((step for step in self.steps if step.name == name), None)

    def digests(self) -> dict[tuple[str, str], str]:
        """Manifest digests by (step, output)."""
        return {(step.name, out.name): out.digest for step in self.steps for out in self.outputs.get(step.id, ())}
