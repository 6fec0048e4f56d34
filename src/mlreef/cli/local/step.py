"""A step on this machine: the same work description that a run's job gets, and what is reported of it.

Inputs are told as upstream outputs are (a list of files by digest), so the framework in the job fetches them, verifies
them and seals them exactly as in a run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlreef.extraction import arguments, command_lines, manifest
from mlreef.extraction.arguments import Parameter
from mlreef.extraction.study import Study
from mlreef.kit.errors import Detail, invalid, not_found

TIMEOUT = 3600
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
OWNER = {"id": "local", "name": "local", "project_id": 1, "project_path": "local/project"}


@dataclass(frozen=True, slots=True)
class Program:
    """A processor that is not published; see `command_lines.Program`."""

    command: Sequence[str]
    parameters: Sequence[Parameter]

    @classmethod
    def of(cls, study: Study) -> Program:
        """The processor that files describe."""
        declared = [Parameter.from_json(one.to_json()) for one in study.extraction.parameters]
        return cls(study.command, declared)

    def of_role(self, role: str) -> list[Parameter]:
        """The parameters of a role, in the order declared."""
        return [one for one in self.parameters if one.role == role]

    def names(self, role: str) -> list[str]:
        """The names of inputs or outputs; a program that declares none has one."""
        return [one.name for one in self.of_role(role)] or [role]


@dataclass(slots=True)
class Source:
    """A folder or file as an input: its files by digest."""

    entries: list[dict[str, Any]]
    places: dict[str, Path]
    links: int = 0

    @property
    def manifest(self) -> bytes:
        """Its tree manifest, canonical."""
        document = {"version": 1, "entries": self.entries}
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def digest(self) -> str:
        """The manifest's digest."""
        return hashlib.sha256(self.manifest).hexdigest()


def source(path: Path) -> Source:
    """Read an input; links and special files are left out, as they are in repositories' trees."""
    if not path.exists():
        raise not_found(f"Input {path}")
    found = Source([], {})
    single = path.is_file()
    names = [path.name] if single else sorted(_walk(path, found))
    root = path.parent if single else path
    for name in names:
        place = root / name
        with place.open("rb") as file:
            oid = hashlib.file_digest(file, "sha256").hexdigest()
        status = place.stat()
        mode = "100755" if status.st_mode & 0o100 else "100644"
        found.entries.append({"path": name, "size": status.st_size, "oid": oid, "mode": mode})
        found.places[oid] = place
    if not found.entries:
        raise invalid(f"the input {path} holds no file")
    return found


def _walk(root: Path, found: Source) -> list[str]:
    names = []
    for folder, folders, files in os.walk(root):
        folders[:] = [one for one in folders if one != ".git" and not Path(folder, one).is_symlink()]
        for name in files:
            place = Path(folder, name)
            if place.is_symlink() or not place.is_file():
                found.links += 1
            else:
                names.append(place.relative_to(root).as_posix())
    return names


def values(
    program: Program, given: Mapping[str, Sequence[str]], known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Parameter values written as text, each read as its parameter's type and checked; raises with all faults.

    `known` are values that hold where none is given.
    """
    declared = {one.name: one for one in program.of_role("value")}
    found: dict[str, Any] = dict(known or {})
    faults = []
    for name, texts in given.items():
        parameter = declared.get(name)
        if parameter is None:
            names = ", ".join(declared) or "none"
            faults.append(Detail(name, f"is no parameter of the program; its parameters: {names}"))
            continue
        try:
            found[name] = arguments.check(parameter, _read(parameter, texts))
        except (arguments.BadValue, ValueError) as exc:
            faults.append(Detail(name, str(exc)))
    missing = [one.name for one in declared.values() if one.required and one.name not in {*given, *found}]
    faults += [Detail(name, "is required: --set " + name + "=VALUE") for name in missing]
    if faults:
        listed = "; ".join(f"{one.field}: {one.message}" for one in faults)
        raise invalid(f"the program cannot be called: {listed}", details=faults)
    return found


def _read(parameter: Parameter, texts: Sequence[str]) -> Any:
    if not parameter.many:
        return _one(parameter, texts[-1])
    if len(texts) == 1 and texts[0].startswith("["):
        return json.loads(texts[0])
    return [_one(parameter, text) for text in texts]


def _one(parameter: Parameter, text: str) -> Any:
    match parameter.type:
        case "integer":
            return int(text) if text.lstrip("+-").isdigit() else text
        case "float":
            try:
                return float(text)
            except ValueError:
                return text
        case "boolean":
            return _TRUTH.get(text.lower(), text)
        case "dictionary":
            return json.loads(text)
        case "choice" if parameter.choices is not None:
            return next((one for one in parameter.choices if str(one) == text), text)
    return text


def specification(
    program: Program, given: Mapping[str, Any], sources: Mapping[str, Source], limits: Mapping[str, Any], url: str
) -> dict[str, Any]:
    """The work of the step as the job is told it."""
    command, parts, positional = command_lines.command_line(program, given, set(sources))
    inputs = []
    for name, one in command_lines.in_order(program, sources).items():
        flag = command_lines.flag(program, name)
        flag = "" if positional and flag is None else flag
        inputs.append({"name": name, "flag": flag, "source": {"type": "manifest", "digest": one.digest, "step": name}})
    return {
        "kind": "step",
        "run": OWNER,
        "step": {"id": "local", "name": "local"},
        "command": command,
        "arguments": parts,
        "inputs": inputs,
        "outputs": command_lines.outputs(program, positional=positional),
        "limits": dict(limits),
        "forge": {"url": url, "project_id": 1, "lfs_url": f"{url}/local/lfs"},
        "cached": None,
        "environment": {"PYTHONUNBUFFERED": "1"},
    }


def limits(study: Study, timeout: int | None) -> dict[str, Any]:
    """What the processor may use: what it asks for itself."""
    wanted = manifest.wanted(study.manifest.values)
    found: dict[str, Any] = {"timeout_s": timeout or wanted.timeout or TIMEOUT}
    if wanted.memory_bytes:
        found["memory_bytes"] = wanted.memory_bytes
    if wanted.cpus:
        found["cpus"] = wanted.cpus
    return found


def missed(study: Study, report: Report) -> list[str]:
    """What the description expects of its reference run and did not come true."""
    wanted = study.manifest.values.get("reference") or {}
    found = []
    for key, text in (wanted.get("metrics") or {}).items():
        condition, seen = manifest.condition(text), report.metrics.get(key)
        if seen is None:
            found.append(f"the metric {key} was not reported")
        elif condition is not None and not condition.holds(seen[-1]):
            found.append(f"{key} is {seen[-1]:g}, not {text}")
    for name, one in (wanted.get("outputs") or {}).items():
        condition, count = manifest.condition(one.get("files", ">= 1")), len(report.outputs.get(name, []))
        if condition is not None and not condition.holds(count):
            found.append(f"the output {name} has {count} files, not {one['files']}")
    return found


@dataclass(slots=True)
class Report:
    """What the job told while it ran and at its end."""

    result: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    state: str = ""
    """How the runner says that the job ended."""
    reason: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the processor ended well and its outputs were taken."""
        return self.result.get("status") == "success" and self.state == "success"

    def summary(self) -> list[dict[str, Any]]:
        """Each metric's last, least and greatest value."""
        return [
            {"name": name, "last": seen[-1], "min": min(seen), "max": max(seen), "points": len(seen)}
            for name, seen in sorted(self.metrics.items())
        ]
