"""How parts of a configuration become one: deep merge, `extends` and `!reference`.

Mappings merge key by key and anything else is replaced, later over earlier, as
https://docs.gitlab.com/ci/yaml/yaml_optimization/ describes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlreef.forge.ci.config.document import MAX_EXPANDED, Reference
from mlreef.forge.ci.config.errors import fault

MAX_EXTENDS = 11
MAX_REFERENCES = 10


def deep_merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `over` laid upon it."""
    merged = dict(base)
    for key, value in over.items():
        held = merged.get(key)
        merged[key] = deep_merge(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return merged


def resolve(document: Mapping[str, Any]) -> dict[str, Any]:
    """All `extends` and `!reference` of the document carried out."""
    extended = {
        name: _extended(document, name, ()) if isinstance(value, dict) and "extends" in value else value
        for name, value in document.items()
    }
    resolver = _References(extended)
    return {name: resolver.resolve(value, name, 0) for name, value in extended.items()}


def _extended(document: Mapping[str, Any], name: str, chain: tuple[str, ...]) -> dict[str, Any]:
    if name in chain:
        raise fault(f"{chain[0]}: circular dependency detected in `extends`: {' -> '.join((*chain, name))}")
    if len(chain) >= MAX_EXTENDS:
        raise fault(f"{chain[0]}: nesting too deep in `extends`, at most {MAX_EXTENDS} levels")
    job = document[name]
    if not isinstance(job, dict):
        raise fault(f"{name}: invalid base hash in `extends`")
    bases = job.get("extends", [])
    bases = [bases] if isinstance(bases, str) else bases
    if not isinstance(bases, list) or not all(isinstance(base, str) for base in bases):
        raise fault(f"{name}:extends should be a job name or a list of job names")
    merged: dict[str, Any] = {}
    for base in bases:
        if base not in document:
            raise fault(f"{name}: unknown keys in `extends` ({base})")
        merged = deep_merge(merged, _extended(document, base, (*chain, name)))
    merged = deep_merge(merged, job)
    merged.pop("extends", None)
    return merged


class _References:
    """Replaces references by what they name; counts values, because references multiply like aliases."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._count = 0

    def resolve(self, value: Any, where: str, depth: int) -> Any:
        """`value` without references."""
        self._count += 1
        if self._count > MAX_EXPANDED:
            raise fault(f"{where}: !reference expands to more than {MAX_EXPANDED} values")
        if isinstance(value, Reference):
            if depth >= MAX_REFERENCES:
                raise fault(
                    f"{where}: !reference {list(value.path)} nests more than {MAX_REFERENCES} levels or is circular"
                )
            return self.resolve(self._named(value, where), where, depth + 1)
        if isinstance(value, dict):
            return {key: self.resolve(item, where, depth) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolve(item, where, depth) for item in value]
        return value

    def _named(self, reference: Reference, where: str) -> Any:
        found: Any = self._document
        for step in reference.path:
            if not isinstance(found, dict) or step not in found:
                raise fault(f"{where}: !reference {list(reference.path)} could not be found")
            found = found[step]
        return found
