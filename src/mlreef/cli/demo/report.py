"""What the demo did: a table for people, JSON for programs. Nothing is ok unless every step really succeeded."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlreef.cli import output


@dataclass(slots=True)
class Step:
    """One thing the demo did: how it ended, how long it took, what it measured, where to look at it."""

    name: str
    kind: str
    status: str = "running"
    seconds: float = 0.0
    cached: bool = False
    metrics: dict[str, float] = field(default_factory=dict)
    url: str | None = None
    message: str | None = None


@dataclass(slots=True)
class Report:
    """All steps, and what running the first pipeline again cost."""

    steps: list[Step] = field(default_factory=list)
    rerun: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether everything succeeded and the rerun was served from the cache alone."""
        done = all(step.status == "success" for step in self.steps)
        return bool(self.steps) and done and self.rerun.get("jobs_started") == 0 and self.rerun.get("cached", 0) > 0

    @contextmanager
    def step(self, name: str, kind: str) -> Iterator[Step]:
        """Time a step; it is a success when the block ends without an exception."""
        step = Step(name, kind)
        self.steps.append(step)
        started = time.monotonic()
        try:
            yield step
        except BaseException as exc:
            step.status, step.message = "failed", str(exc)
            raise
        else:
            step.status = "success"
        finally:
            step.seconds = round(time.monotonic() - started, 3)

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        steps = [
            {
                "name": step.name,
                "kind": step.kind,
                "status": step.status,
                "seconds": step.seconds,
                "cached": step.cached,
                "metrics": step.metrics,
                "url": step.url,
                **({"message": step.message} if step.message else {}),
            }
            for step in self.steps
        ]
        return {"steps": steps, "rerun": self.rerun, "ok": self.ok}

    def write(self, path: Path) -> None:
        """Keep the report as a file."""
        path.write_text(json.dumps(self.document(), indent=2) + "\n")

    def show(self) -> None:
        """Print the table."""
        rows = []
        for step in self.steps:
            accuracy = step.metrics.get("accuracy")
            shown = "-" if accuracy is None else f"{accuracy:.4f}"
            seconds = f"{step.seconds:.2f}"
            rows.append([step.name, step.kind, step.status, seconds, "yes" if step.cached else "-", shown, step.url])
        output.table(("step", "kind", "status", "seconds", "cached", "accuracy", "look at"), rows, title="The demo")
        started, cached = self.rerun.get("jobs_started"), self.rerun.get("cached")
        output.out.print(f"Run again: {cached} steps from the cache, {started} jobs started.")
