"""`processor.yaml` read as a whole: its normal form, and every fault of it at once with its place.

The file lies in the folder of its program, or at the root of the project and names the program with `entry`. It
describes one processor; several processors are several folders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlreef.extraction.manifest import fields, nodes, shapes
from mlreef.extraction.manifest.nodes import Node, Table
from mlreef.extraction.manifest.shapes import MISSING, Problem, Problems
from mlreef.extraction.model import Fault, Position

FILE = "processor.yaml"


@dataclass(slots=True)
class Manifest:
    """A file's content in its normal form, and all that is wrong with it."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    file: str = FILE
    root: Node | None = None

    @property
    def faults(self) -> list[Fault]:
        """What is wrong with it, in the order of the file."""
        found = [one.fault for one in self.problems]
        return sorted(found, key=lambda fault: (fault.position.line, fault.position.column))

    @property
    def present(self) -> bool:
        """Whether there is a file at all."""
        return self.root is not None or bool(self.problems)

    def place(self, *path: str) -> Position:
        """Where a key stands; the nearest key above it when it is not there."""
        found, node = Position(self.file, 1, 1), self.root
        for key in path:
            if isinstance(node, nodes.Listing):
                item = next((one for one in node.items if isinstance(one, nodes.Scalar) and one.value == key), None)
                return found if item is None else item.place
            if not isinstance(node, Table) or key not in node.entries:
                break
            found, node = node.entries[key]
        return found

    def fault(self, path: Sequence[str], message: str, remedy: str) -> None:
        """Record what is wrong with a key."""
        self.problems.append(Problem(".".join(path), Fault(self.place(*path), message, remedy)))

    @property
    def command(self) -> list[str] | None:
        """The command of a program that is not read, if it has one."""
        found: list[str] | None = self.values.get("command")
        return found


def parse(content: bytes, file: str) -> Manifest:
    """The manifest in a file; never raises for what it holds."""
    root, faults = nodes.read(content, file)
    problems = [Problem("", one) for one in faults]
    if root is None or (isinstance(root, nodes.Scalar) and root.value is None):
        return Manifest(problems=problems, file=file)
    return _checked(root, file, problems)


def from_document(document: Mapping[str, Any], file: str = FILE) -> Manifest:
    """The manifest in a JSON document, by the same rules."""
    return _checked(nodes.from_value(document, file), file, [])


def merged(manifest: Manifest, changes: Mapping[str, Any]) -> Manifest:
    """The manifest with some of its keys replaced, as a publication's order does; faults of the rest are kept."""
    given = _checked(nodes.from_value(changes, "request"), "request", [])
    replaced = {key for key in changes if key in fields.PROCESSOR.fields}
    if "command" in replaced:
        replaced.add("entry")
    kept = [one for one in manifest.problems if one.path.split(".")[0].split("[")[0] not in replaced]
    values = {key: value for key, value in manifest.values.items() if key not in replaced}
    return Manifest({**values, **given.values}, [*kept, *given.problems], manifest.file, manifest.root)


def _checked(root: Node, file: str, problems: list[Problem]) -> Manifest:
    found = Problems(problems)
    values = fields.PROCESSOR.read(root, "", found)
    manifest = Manifest({} if values is MISSING else values, found.found, file, root)
    manifest.problems = [_hinted(one) for one in manifest.problems]
    for role in ("inputs", "outputs"):
        if role in manifest.values:
            manifest.values[role] = {name: given or {} for name, given in manifest.values[role].items()}
    _consistent(manifest)
    return manifest


def _hinted(problem: Problem) -> Problem:
    hint = fields.HINTS.get(problem.path)
    if hint is None or not problem.fault.message.startswith("unknown key"):
        return problem
    return Problem(problem.path, Fault(problem.fault.position, problem.fault.message, hint))


def _consistent(manifest: Manifest) -> None:
    values = manifest.values
    if "entry" in values and "command" in values:
        manifest.fault(["command"], "a processor has either `entry` or `command`", "delete one of them")
    declared = values.get("parameters") or {}
    if "command" in values:
        ports = {*(values.get("inputs") or {}), *(values.get("outputs") or {})}
        for name, given in declared.items():
            if "type" not in given and name not in ports and given.get("role", "value") == "value":
                manifest.fault(["parameters", name], f"{name} needs a type: a command's parameters are not read",
                               "write type: integer (or string, float, boolean, ...)")  # fmt: skip
    for name in {*(values.get("inputs") or {})} & {*(values.get("outputs") or {})}:
        manifest.fault(["outputs", name], f"{name} cannot be both an input and an output", "use two parameters")
    for name, given in declared.items():
        if given.get("min", 0) > given.get("max", float("inf")):
            manifest.fault(["parameters", name, "min"], f"{name}: min is greater than max", "exchange them")


def schema(identifier: str = "") -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of the file."""
    found = fields.PROCESSOR.schema()
    typed = {"anyOf": [{"required": ["type"]}, {"required": ["role"]}]}
    ports = {"anyOf": [{"required": ["inputs"]}, {"required": ["outputs"]}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **({"$id": identifier} if identifier else {}),
        "title": "processor.yaml of MLReef",
        "description": "What a program's source cannot say about a processor, and what shall be said otherwise.",
        **found,
        "allOf": [
            {"not": {"required": ["entry", "command"]}},
            {
                "if": {"required": ["command"], "not": ports},
                "then": {"properties": {"parameters": {"additionalProperties": typed}}},
            },
        ],
    }


__all__ = ["FILE", "Manifest", "from_document", "merged", "parse", "schema", "shapes"]
