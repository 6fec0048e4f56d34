"""What changed in a run since the last look, as event frames.

A look compares what the database says now with what was said before: the run, each step, and for each metric series how
many points there were. It holds no connection between looks.
"""

from __future__ import annotations

from typing import Any

from mlreef.kit.db import Database, Tx
from mlreef.management.events.frames import frame, number
from mlreef.management.experiments import packing
from mlreef.management.experiments.stores import series
from mlreef.management.runs import schemas, store
from mlreef.management.runs.records import RunView
from mlreef.management.runs.transitions import ENDED_RUNS

MAX_POINTS = 5000


class Reading:
    """The last look at one run."""

    def __init__(self, db: Database, run_id: str) -> None:
        self._db = db
        self._run_id = run_id
        self._revision: int | None = None
        self._run: dict[str, Any] = {}
        self._steps: dict[str, dict[str, Any]] = {}
        self._counts: dict[tuple[str, str, str], int] | None = None
        self.view: RunView | None = None

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self.view is not None and self.view.run.status in ENDED_RUNS

    async def look(self) -> list[bytes]:
        """Frames for all that changed; the first look gives the whole run."""
        async with self._db.read() as tx:
            frames = await self._changes(tx)
            frames += await self._points(tx)
        return frames

    async def _changes(self, tx: Tx) -> list[bytes]:
        revision = await store.revision(tx, self._run_id)
        if revision is None or revision == self._revision:
            return []
        first, self._revision = self._revision is None, revision
        self.view = await store.get_view(tx, self._run_id)
        document = schemas.run_json(self.view)
        steps = {step["name"]: step for step in document.pop("steps")}
        frames = [frame("step", step) for name, step in steps.items() if step != self._steps.get(name)]
        if document != self._run:
            frames.append(frame("run", {**document, "steps": list(steps.values())}))
        self._run, self._steps = document, steps
        return frames[-1:] if first else frames

    async def _points(self, tx: Tx) -> list[bytes]:
        if self.view is None:
            return []
        names = {step.id: step.name for step in self.view.steps if not step.cached}
        counts = await series.counts(tx, list(names))
        before, self._counts = self._counts, counts
        if before is None:
            return []
        metrics: dict[str, list[dict[str, Any]]] = {}
        samples: dict[str, dict[float, dict[str, Any]]] = {}
        for (source, family, key), count in counts.items():
            known = before.get((source, family, key), 0)
            if count <= known:
                continue
            blobs, drop = await series.blobs(tx, source, family, key, offset=max(known, count - MAX_POINTS))
            for point in list(zip(*packing.unpack(blobs), strict=True))[drop:]:
                step, time_ms, value = point
                if family == "metric":
                    entry = {"key": key, "step": step, "value": number(value), "time_ms": time_ms}
                    metrics.setdefault(names[source], []).append(entry)
                else:
                    at = samples.setdefault(names[source], {}).setdefault(time_ms, {"time_ms": time_ms})
                    at[key] = number(value)
        frames = [frame("metric", {"step": name, "points": points}) for name, points in metrics.items()]
        frames += [frame("resource", {"step": name, "samples": list(at.values())}) for name, at in samples.items()]
        return frames
