"""What a processor asks for when the definition of a step says nothing, read from a stored manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Wanted:
    """None where the processor asks for nothing in particular."""

    machine: str | None = None
    cpus: float | None = None
    memory_bytes: int | None = None
    gpus: int | None = None
    disk_bytes: int | None = None
    processes: int | None = None
    timeout: int | None = None
    network: str = "none"


def wanted(manifest: Mapping[str, Any]) -> Wanted:
    """The resources and the network of a normalised manifest (`Version.manifest`); an empty one asks for nothing."""
    found = manifest.get("resources") or {}
    return Wanted(
        machine=found.get("machine"),
        cpus=found.get("cpus"),
        memory_bytes=found.get("memory"),
        gpus=found.get("gpus"),
        disk_bytes=found.get("disk"),
        processes=found.get("processes"),
        timeout=found.get("timeout"),
        network=manifest.get("network", "none"),
    )
