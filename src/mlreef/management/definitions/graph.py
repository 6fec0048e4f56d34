"""The order of steps: which need which, and the cycles that make an order impossible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from mlreef.management.definitions.model import Step


def needs(step: Step) -> list[str]:
    """The names of the steps whose outputs this one reads, in the order first named."""
    return list(dict.fromkeys(source.step for source in step.inputs.values() if source.step is not None))


def order(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """Names so that each comes after all it needs, otherwise as given; raises `graphlib.CycleError`."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, upstream in edges.items():
        sorter.add(name, *(one for one in upstream if one in edges))
    sorter.prepare()
    rank = {name: index for index, name in enumerate(edges)}
    ordered: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=rank.__getitem__)
        ordered += ready
        sorter.done(*ready)
    return ordered


def find_cycle(edges: Mapping[str, Sequence[str]]) -> list[str] | None:
    """One cycle as a list of names that begins and ends with the same, or None."""
    try:
        order(edges)
    except CycleError as exc:
        cycle: list[str] = exc.args[1]
        return cycle
    return None


def downstream(edges: Mapping[str, Sequence[str]], name: str) -> set[str]:
    """All steps that need `name`, directly or through others."""
    found: set[str] = set()
    frontier = {name}
    while frontier:
        frontier = {one for one, upstream in edges.items() if frontier & set(upstream)} - found
        found |= frontier
    return found
