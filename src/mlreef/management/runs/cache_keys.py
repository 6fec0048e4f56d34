"""When two steps are the same step: the cache key.

SHA-256 of the canonical JSON of everything a processor can see: image digest, command, canonical arguments, the content
of its inputs, the names of its outputs. Keys are only ever looked up within one project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlreef.management.definitions import canonical

SCHEMA = 1


def of_step(
    *,
    image_digest: str,
    command: Sequence[str],
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Any],
    outputs: Sequence[str],
) -> str:
    """The key of a step whose inputs are all known; `inputs` holds for each name what `content_of` gave."""
    return canonical.digest(
        {
            "schema": SCHEMA,
            "image": image_digest,
            "command": list(command),
            "arguments": dict(parameters),
            "inputs": dict(inputs),
            "outputs": sorted(outputs),
        }
    )


def content_of(source: Mapping[str, Any], digests: Mapping[tuple[str, str], str]) -> dict[str, str] | None:
    """What an input holds, by content alone; None while the step that makes it has not ended.

    `digests` maps (step, output) to manifest digests. A single file is named too, since the program sees its name.
    """
    if source["type"] == "step":
        digest = digests.get((source["step"], source["output"]))
        return {"manifest": digest} if digest is not None else None
    content = {f"git-{source['object_type']}": str(source["object_id"])}
    if source["object_type"] == "blob":
        content["file"] = str(source["path"]).rpartition("/")[2]
    return content
