"""Which part of the service a CI job belongs to.

Each part registers a Subject in `state.subjects`. A subject answers None for jobs that are not its own; the identity
is what the forge signed, so a job can neither choose its work nor report for another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from mlreef.management.access.identity import JobIdentity


class Subject(Protocol):
    """Something that CI jobs are started for."""

    async def current(self, job: JobIdentity) -> Mapping[str, Any] | None:
        """The job's work in full, or None when it is not of this kind."""
        ...

    async def result(self, job: JobIdentity, body: Any) -> Mapping[str, Any] | None:
        """Record how the job's work ended, or None when it is not of this kind; repeated reports change nothing."""
        ...
