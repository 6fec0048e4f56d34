"""What a webhook tells, and who is told.

A delivery is acknowledged only after every handler is done with it; the forge repeats the others. Handlers therefore
must take the same news twice, and open their own transactions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

JOB, PIPELINE, PUSH, TAG = "job", "pipeline", "push", "tag"

KINDS = {"build": JOB, "pipeline": PIPELINE, "push": PUSH, "tag_push": TAG}
"""GitLab's `object_kind` to ours; everything else is acknowledged and not looked at."""


@dataclass(frozen=True, slots=True)
class Event:
    """One webhook."""

    kind: str
    project_id: int
    body: Mapping[str, Any]

    @property
    def pipeline_id(self) -> int | None:
        """The CI pipeline that a job or pipeline event is about."""
        found = self.body.get("pipeline_id")
        if self.kind == PIPELINE:
            found = (self.body.get("object_attributes") or {}).get("id")
        return int(found) if isinstance(found, (int, str)) and str(found).isdigit() else None


Handler = Callable[[Event], Awaitable[None]]
