"""Everything that a project's files say about one processor, by one set of rules for whoever reads the files.

`study` is a generator: it yields which file it needs next (`Wish`) or what it wants read (`Program`), is sent the
answer, and returns its findings. The management service reads from a commit at the forge and extracts in a process of
its own, the command line from a folder; neither has rules of its own.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlreef.extraction import manifest as manifests
from mlreef.extraction import service as extraction
from mlreef.extraction.manifest import Manifest
from mlreef.extraction.model import Extraction, Fault, Position, extraction_from_json

REQUIREMENTS, README = "requirements.txt", "README.md"
MAX_SMALL = 256 << 10
MAX_README = 64 << 10
CODE = "/mlreef/code/"


@dataclass(frozen=True, slots=True)
class Wish:
    """A file that is needed: at most so many bytes of it; `exists` asks only whether a file or folder is there."""

    path: str
    limit: int
    exists: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """A program whose parameters are to be extracted, with what is known of the project's other files."""

    content: bytes
    file: str
    files: Mapping[str, bytes]
    subcommand: str | None


class TooLarge:
    """The answer for a file beyond the limit."""


TOO_LARGE = TooLarge()
_ODD = re.compile("[\x00\ud800-\udfff]")
Answer = bytes | TooLarge | bool | Extraction | None
Question = Wish | Program
Reading = Generator[Question, Answer, "Study"]
_ROUNDS = 8
"""How often files that a program imports are asked for: what is imported may import more."""


class NoSuchFile(Exception):
    """The program or description that was asked about is not there."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(slots=True)
class Study:
    """What is known about a processor before it is published."""

    entry: str
    """The program's file, or `processor.yaml` where a command is described."""
    command: list[str]
    extraction: Extraction
    manifest: Manifest
    requirements: str | None = None
    readme: str = ""
    changelog: str = ""
    """The changelog file's text."""
    suggested: dict[str, Any] = field(default_factory=dict)

    @property
    def errors(self) -> list[Fault]:
        """What stands against publishing."""
        return self.extraction.errors

    @property
    def warnings(self) -> list[Fault]:
        """What somebody should know."""
        return self.extraction.warnings


def study(target: str, subcommand: str | None = None) -> Reading:
    """Study a Python file, or the program that a `processor.yaml` is about; raises NoSuchFile."""
    if posixpath.basename(target) == manifests.FILE:
        content = yield Wish(target, manifests.MAX_BYTES)
        if content is None:
            raise NoSuchFile(target)
        found = yield from _described(_parsed(content, target), target, subcommand)
    else:
        source = yield Wish(target, extraction.MAX_BYTES)
        if source is None:
            raise NoSuchFile(target)
        warnings: list[Fault] = []
        manifest = yield from _find_manifest(target, warnings)
        found = yield from _extracted(source, target, manifest, subcommand)
        found.extraction.warnings += warnings
    yield from _finish(found)
    return found


def _parsed(content: Answer, path: str) -> Manifest:
    if isinstance(content, bytes):
        return manifests.parse(content, path)
    manifest = Manifest(file=path)
    manifest.fault([], f"the file is larger than {manifests.MAX_BYTES >> 10} KiB", "keep data in files of its own")
    return manifest


def _described(manifest: Manifest, path: str, subcommand: str | None) -> Generator[Question, Answer, Study]:
    entry = manifest.values.get("entry")
    if manifest.command is not None or entry is None:
        if manifest.command is None and not manifest.problems:
            remedy = "write `entry: train.py`, or `command: [...]` and parameters"
            manifest.fault([], "the file names no program", remedy)
        found = Study(path, manifest.command or [], Extraction(), manifest)
        yield from _command_files(found)
        return found
    program = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry))
    source = yield Wish(program, extraction.MAX_BYTES)
    if source is None:
        manifest.fault(["entry"], f"there is no file {program}", "name a Python file, relative to this one")
        return Study(program, python(program), Extraction(), manifest)
    found = yield from _extracted(source, program, manifest, subcommand)
    return found


def python(program: str) -> list[str]:
    """The command of a Python program."""
    return ["python3", CODE + program]


def _command_files(found: Study) -> Generator[Question, Answer, None]:
    for number, item in enumerate(found.command):
        if item.startswith(CODE):
            there = yield Wish(item.removeprefix(CODE), 0, exists=True)
            if not there:
                found.manifest.fault(["command"], f"command[{number}]: there is no file {item.removeprefix(CODE)}",
                                     f"{CODE} is the project's root; name a file of it")  # fmt: skip


def _extracted(
    source: Answer, path: str, manifest: Manifest, subcommand: str | None
) -> Generator[Question, Answer, Study]:
    start = Position(path, 1, 1)
    if not isinstance(source, bytes):
        limit = extraction.MAX_BYTES >> 20
        faults = [Fault(start, f"the file is larger than {limit} MiB", "move data out of the source")]
        return Study(path, python(path), Extraction(errors=faults), manifest)
    if source.startswith(b"version https://git-lfs.github.com/spec/"):
        faults = [Fault(start, "the file is in LFS", "keep source files out of LFS")]
        return Study(path, python(path), Extraction(errors=faults), manifest)
    wanted = subcommand or manifest.values.get("subcommand")
    extracted = yield from _with_imports(source, path, wanted)
    _declared(manifest, extracted, path)
    return Study(path, extracted.command or python(path), extracted, manifest)


def _with_imports(source: bytes, path: str, subcommand: str | None) -> Generator[Question, Answer, Extraction]:
    """Extract, get what the program imports from its project, and extract again."""
    files: dict[str, bytes] = {}
    asked: set[str] = set()
    for _ in range(_ROUNDS):
        answer = yield Program(source, path, files, subcommand)
        found = answer if isinstance(answer, Extraction) else Extraction()
        news = [one for one in found.wanted if one not in asked]
        asked.update(news)
        before = len(files)
        for name in news:
            content = yield Wish(name, extraction.MAX_BYTES)
            if isinstance(content, bytes):
                files[name] = content
        if len(files) == before:
            break
    return _storable(found, path)


def _storable(found: Extraction, path: str) -> Extraction:
    """Without characters that neither JSON nor databases take; they cannot be part of a command line either."""
    odd = [one.name for one in found.parameters if _ODD.search(f"{one.name}{one.flag}{one.negated_flag}")]
    document = found.to_json()
    cleaned = _clean(document)
    if cleaned == document:
        return found
    found = extraction_from_json(cleaned)
    place = Position(path, 1, 1)
    message = "texts hold NUL or broken characters, which are shown as \N{REPLACEMENT CHARACTER}"
    found.warnings.append(Fault(place, message, "remove them"))
    if odd:
        found.errors.append(Fault(place, f"{len(odd)} parameters have names that nobody can type", "rename them"))
    return found


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _ODD.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    return {_clean(key): _clean(one) for key, one in value.items()} if isinstance(value, dict) else value


def _declared(manifest: Manifest, found: Extraction, path: str) -> None:
    """What decorators in the program say about it holds where the description says nothing."""
    told = {key: one for key, one in found.declared.items() if key not in {"entry", "command", "parameters"}}
    checked = manifests.from_document(told, path)
    for one in checked.problems:
        place = Position(path, 1, 1)
        found.warnings.append(Fault(place, f"decorators: {one.fault.message}", one.fault.remedy))
    manifest.values = {**checked.values, **manifest.values}


def _find_manifest(entry: str, warnings: list[Fault]) -> Generator[Question, Answer, Manifest]:
    """The description beside the program or at the root, if it is about this program."""
    folder = posixpath.dirname(entry)
    for path in dict.fromkeys((posixpath.join(folder, manifests.FILE), manifests.FILE)):
        content = yield Wish(path, manifests.MAX_BYTES)
        if content is None:
            continue
        manifest = _parsed(content, path)
        meant = manifest.values.get("entry")
        if manifest.command is not None:
            about = "a command"
        elif meant is not None and posixpath.normpath(posixpath.join(posixpath.dirname(path), meant)) != entry:
            about = meant
        else:
            return manifest
        warnings.append(
            Fault(manifest.place("entry"), f"{path} is about {about}, not {entry}", "it is left out of account")
        )
    return Manifest()


def _finish(found: Study) -> Generator[Question, Answer, None]:
    manifests.apply(found.manifest, found.extraction)
    found.extraction.errors += _role_faults(found.extraction)
    folder = posixpath.dirname(found.manifest.file if found.manifest.present else found.entry)
    faults: list[Fault] = []
    found.requirements = yield from _requirements(found, folder, faults)
    found.readme = yield from _readme(found, folder)
    named = found.manifest.values.get("changelog")
    if named is not None:
        found.changelog = yield from _named(found, ["changelog"], posixpath.join(folder, named), faults)
    for name, path in ((found.manifest.values.get("reference") or {}).get("inputs") or {}).items():
        there = yield Wish(posixpath.join(folder, path), 0, exists=True)
        if not there:
            place = found.manifest.place("reference", "inputs", name)
            faults.append(Fault(place, f"there is nothing at {path}", "name a folder or file beside this file"))
    found.extraction.errors += faults
    found.suggested = suggested(found)


def _requirements(found: Study, folder: str, faults: list[Fault]) -> Generator[Question, Answer, str | None]:
    """The path of the requirements file; a list of requirements needs none."""
    named = found.manifest.values.get("requirements")
    if isinstance(named, list):
        return None
    if named is not None:
        path = posixpath.join(folder, named)
        yield from _named(found, ["requirements"], path, faults)
        return path
    beside = posixpath.dirname(found.entry)
    for path in dict.fromkeys(posixpath.join(place, REQUIREMENTS) for place in (beside, folder, "")):
        content = yield Wish(path, MAX_SMALL)
        if isinstance(content, TooLarge):
            faults.append(Fault(Position(path, 1, 1), f"the file is larger than {MAX_SMALL >> 10} KiB", "list less"))
        elif content is not None:
            return path
    return None


def _named(found: Study, key: list[str], path: str, faults: list[Fault]) -> Generator[Question, Answer, str]:
    """The text of a file that the description names."""
    content = yield Wish(path, MAX_SMALL)
    if isinstance(content, bytes):
        return content.decode(errors="replace")
    message = f"there is no file {path}" if content is None else f"{path} is larger than {MAX_SMALL >> 10} KiB"
    faults.append(Fault(found.manifest.place(*key), message, "name a file, relative to this one"))
    return ""


def _readme(found: Study, folder: str) -> Generator[Question, Answer, str]:
    for path in dict.fromkeys(posixpath.join(place, README) for place in (folder, posixpath.dirname(found.entry), "")):
        content = yield Wish(path, MAX_README)
        if isinstance(content, bytes):
            return content.decode(errors="replace").replace("\x00", "")
        if content is not None:
            message = f"the file is larger than {MAX_README >> 10} KiB: nobody finds the processor by its words"
            found.extraction.warnings.append(Fault(Position(path, 1, 1), message, "shorten it"))
            return ""
    return ""


def _role_faults(found: Extraction) -> list[Fault]:
    return [
        Fault(one.position, f"{one.name}: a {one.type} cannot be an {one.role}", "take one folder, or set role: value")
        for one in found.parameters
        if one.role != "value" and one.type not in {"path", "string"}
    ]


def suggested(found: Study) -> dict[str, Any]:
    """What a form is filled with: the description's words, or what can be guessed from the program."""
    values = found.manifest.values
    folder, name = posixpath.split(found.entry)
    stem = posixpath.basename(folder) if name == manifests.FILE else name.removesuffix(".py")
    stem = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    outputs = [one.name for one in found.extraction.parameters if one.role == "output"]
    summary = found.extraction.description.split("\n\n")[0].strip()
    types = {key: _types(values, key) for key in ("input_types", "output_types")}
    return {
        "name": values.get("name", stem[:63].strip("-") or "processor"),
        "kind": values.get("kind", "operation" if outputs else "algorithm"),
        "title": values.get("title", (stem or "processor").replace("-", " ").capitalize()),
        "description": values.get("description", summary),
        "environment": values.get("environment", "python-3.11"),
        **types,
        "model_type": values.get("model_type"),
        "ml_category": values.get("ml_category"),
        "licence": values.get("licence"),
        "tags": values.get("tags", []),
        "network": values.get("network", "none"),
    }


def _types(values: dict[str, Any], key: str) -> list[str]:
    """Data types as listed, and those of the single inputs or outputs."""
    ports = values.get(key.replace("_types", "s")) or {}
    every = [*values.get(key, []), *(kind for one in ports.values() for kind in one.get("types", []))]
    return list(dict.fromkeys(every))
