"""The pictures among the outputs of visualization runs."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from mlreef.kit.db import Tx
from mlreef.management.runs import manifests, store
from mlreef.management.runs.records import RunView

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg")
TABLES = (".csv", ".tsv", ".json")
PAGES = (".html", ".htm")
MAX_SHOWN = 200


async def files_of(tx: Tx, view: RunView) -> list[dict[str, Any]]:
    """What a visualization run shows, each with where to fetch it."""
    found: list[dict[str, Any]] = []
    for step in view.steps:
        if step.processor_kind != "visualization":
            continue
        for output in view.outputs.get(step.id, []):
            content = await store.find_manifest(tx, view.run.project_id, output.digest)
            for entry in manifests.entries_of(content) if content is not None else []:
                kind = _kind(entry.path)
                if kind is not None and len(found) < MAX_SHOWN:
                    base = f"/api/v1/runs/{view.run.id}/steps/{step.name}/outputs/{quote(output.name, safe='')}"
                    found.append(
                        {
                            "step": step.name,
                            "output": output.name,
                            "path": entry.path,
                            "kind": kind,
                            "size": entry.size,
                            "url": f"{base}/files/{quote(entry.path)}",
                        }
                    )
    return found


def _kind(path: str) -> str | None:
    lower = path.lower()
    for kind, endings in (("picture", PICTURES), ("table", TABLES), ("page", PAGES)):
        if lower.endswith(endings):
            return kind
    return None
