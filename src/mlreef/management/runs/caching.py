"""Looking a step up in the project's cache, and saying why it was found or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlreef.kit.db import Tx
from mlreef.management.runs import cache_keys, store
from mlreef.management.runs.records import Output, Step

Digests = Mapping[tuple[str, str], str]


def key_of(step: Step, digests: Digests) -> str | None:
    """The step's cache key, or None while an input is not known yet."""
    contents: dict[str, Any] = {}
    for one in step.inputs:
        content = cache_keys.content_of(one["source"], digests)
        if content is None:
            return None
        contents[one["name"]] = content
    return cache_keys.of_step(
        image_digest=step.image_digest,
        command=step.command,
        parameters=step.parameters,
        inputs=contents,
        outputs=step.output_names,
    )


async def find_hit(tx: Tx, step: Step, key: str) -> list[Output] | None:
    """The outputs that an earlier success left for this key, as this step's own; None for a miss.

    Sets the step's key, reason and origin; nothing is written.
    """
    step.cache_key = key
    hit = await store.find_cached(tx, step.project_id, key)
    if hit is None:
        step.cache_reason = await _why_not(tx, step)
        return None
    found = (await store.list_outputs(tx, [hit["step_id"]])).get(hit["step_id"], [])
    step.cached, step.cached_from = True, hit["step_id"]
    step.cache_reason = f'same as step "{hit["name"]}" of run #{hit["number"]}'
    step.result = hit["result"]
    return [replace(one, step_id=step.id) for one in found]


async def take_hit(tx: Tx, step: Step, key: str) -> list[Output] | None:
    """Find a hit and record its outputs as the step's; the caller writes the step."""
    outputs = await find_hit(tx, step, key)
    for output in outputs or ():
        await store.put_output(tx, output)
    return outputs


async def _why_not(tx: Tx, step: Step) -> str:
    previous = await store.find_previous(tx, step.project_id, step.slug, step.name)
    if previous is None:
        return "this processor has not succeeded under this step name in this project before"
    changed = _differences(step, previous)
    return f"changed since its last success: {', '.join(changed) or 'the content of its inputs'}"


def _differences(step: Step, previous: Step) -> list[str]:
    changed = []
    if step.image_digest != previous.image_digest:
        changed.append(f"processor version ({previous.version} -> {step.version})")
    elif step.command != previous.command:
        changed.append("command")
    names = sorted({*step.parameters, *previous.parameters})
    differing = [name for name in names if step.parameters.get(name) != previous.parameters.get(name)]
    changed += [f"parameter {name}" for name in differing]
    before = {one["name"]: _stored(one["source"]) for one in previous.inputs}
    changed += [
        f"input {one['name']}"
        for one in step.inputs
        if one["source"]["type"] == "git" and _stored(one["source"]) != before.get(one["name"])
    ]
    if step.output_names != previous.output_names:
        changed.append("outputs")
    return changed


def _stored(source: Mapping[str, Any]) -> tuple[Any, Any]:
    return (source.get("object_type"), source.get("object_id"))
