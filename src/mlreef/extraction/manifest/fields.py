"""Every key of `processor.yaml`: the one declaration that check, JSON schema and reference table are made from."""

from __future__ import annotations

import re

from mlreef.extraction.manifest import units
from mlreef.extraction.manifest.shapes import (
    Choice,
    Constant,
    Either,
    Field,
    Flag,
    Items,
    Measured,
    Named,
    Nullable,
    Number,
    Record,
    Text,
)
from mlreef.extraction.model import KINDS, ROLES, TYPES

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
NETWORKS = ("none", "package-index", "open")
GOALS = ("maximize", "minimize")

_GIB = 1 << 30
_PATH = r"(?!/)(?!.*(?:^|/)\.\.?(?:/|$))[^\\\x00-\x1f]+"


def _words(text: str) -> str | None:
    found = " ".join(text.split()).lower()
    return found if re.fullmatch(r"[a-z0-9][a-z0-9_. +/-]{0,62}", found) else None


def _licence(text: str) -> str | None:
    # Loading these parsers takes longer than everything else here; few processes read a description.
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return None


def _requirement(text: str) -> str | None:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return str(Requirement(text))
    except InvalidRequirement:
        return None


def _path(text: str) -> str:
    return "/".join(part for part in text.removeprefix("./").split("/") if part)


def _condition(text: str) -> str | None:
    found = units.condition(text)
    return None if found is None else str(found)


WORD = Text(63, r"[A-Za-z0-9][A-Za-z0-9_. +/\-]*", "write a word of letters and digits", _words)
PATH = Text(255, _PATH, "write a path relative to processor.yaml, such as data/input, without '..'", _path)
HELP = Text(4000)
CONDITION = Text(63, units.CONDITION, "write a comparison, such as '>= 0.9'", _condition)
SIZE = Measured(units.size, units.SIZE, "a size such as 2GiB or 500MB", 1, 1 << 50)
_TYPES = Items(WORD, "[image, text]", most=50, unique=True)
_FLAG = Nullable(
    Text(100, r"-{1,2}[A-Za-z0-9][A-Za-z0-9_.-]*|none", "write an option such as --rate, null (positional), or none")
)

PARAMETER = Record(
    {
        "type": Field(Choice(TYPES), "The type of its value; needed where the program is not read (`command`)"),
        "flag": Field(_FLAG, "The option it is passed with; `null`: by position; `none`: by environment variable only "
                      "(inputs and outputs)"),
        "negated_flag": Field(_FLAG, "The option that switches a boolean off"),
        "required": Field(Flag(), "Whether users must give a value"),
        "default": Field(Constant(), "What the program takes when no value is given"),
        "choices": Field(Items(Constant(nothing=False), "[fast, exact]", least=1, most=1000), "The values it may have"),
        "min": Field(Number(), "The least value"),
        "max": Field(Number(), "The greatest value"),
        "multiple": Field(Flag(), "Whether the option may be repeated"),
        "nargs": Field(Nullable(Either(Items(Number(), "'+'", most=0), Text(1, r"[+*?]", "write '+', '*' or '?'"))),
                       "How many values follow the option: `+`, `*` or `?`"),
        "unit": Field(Nullable(Text(63)), "The unit of its value, such as `pixels`"),
        "help": Field(HELP, "What it does, in a sentence"),
        "role": Field(Choice(ROLES), "Whether the value is a path that the platform fills in"),
    }
)  # fmt: skip

PORT = Record(
    {
        "types": Field(_TYPES, "Data types of what is in the folder"),
        "flag": Field(_FLAG, "The option it is passed with (with `command` only)"),
        "required": Field(Flag(), "Whether it must be given (inputs)"),
        "help": Field(HELP, "What belongs into it, in a sentence"),
    }
)


def _ports(names: list[str]) -> dict[str, dict[str, object]]:
    return {name: {} for name in names}


_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_.-]{0,99}"
PORTS = Either(
    Items(Text(100, _IDENTIFIER, "write the name of a parameter"), "[input_path]", unique=True),
    Named(Nullable(PORT), "{input_path: {types: [image]}}"),
    _ports,
)

RESOURCES = Record(
    {
        "machine": Field(Text(63, NAME.pattern, "use the name of a machine class"), "The machine class"),
        "cpus": Field(Number(0.01, 1024), "Processor cores at most"),
        "memory": Field(Measured(units.size, units.SIZE, "a size such as 2GiB", 16 << 20, 1 << 46), "Memory at most"),
        "gpus": Field(Number(0, 64, whole=True), "Graphics processors needed"),
        "disk": Field(Measured(units.size, units.SIZE, "a size such as 10GiB", 1 << 20, 1 << 50), "Disk space at most"),
        "processes": Field(Number(1, 1_000_000, whole=True), "Processes and threads at most"),
        "timeout": Field(Measured(units.duration, units.DURATION, "a time such as 1h or 3600", 1, 30 * 86400),
                         "Run time at most"),
    }
)  # fmt: skip

METRIC = Record(
    {
        "goal": Field(Choice(GOALS), "Which direction is better"),
        "unit": Field(Nullable(Text(63)), "The unit of its value"),
        "help": Field(HELP, "What it measures"),
    }
)

_FILES = Either(Items(Number(), "'>= 1'", most=0), CONDITION)
REFERENCE = Record(
    {
        "inputs": Field(Named(PATH, "{input_path: reference/input}"), "Folder or file in the project for each input"),
        "parameters": Field(Named(Constant(), "{rotate: 5}"), "Values other than the defaults"),
        "metrics": Field(Named(CONDITION, "{accuracy: '>= 0.9'}", r"[A-Za-z_][A-Za-z0-9_./-]{0,199}"),
                         "What each metric's last value has to be"),
        "outputs": Field(Named(Record({"files": Field(_FILES, "How many files the output has to hold")}),
                               "{output_path: {files: '>= 1'}}"), "What each output has to hold"),
    }
)  # fmt: skip

PROCESSOR = Record(
    {
        "name": Field(Text(63, NAME.pattern, "use a-z, 0-9 and '-', at most 63 characters"),
                      "Its name within the project"),
        "kind": Field(Choice(KINDS), "What it turns data into: other data, pictures and tables, or a model"),
        "title": Field(Text(255), "Its name for people"),
        "description": Field(HELP, "What it does; shown and searched in the marketplace"),
        "entry": Field(Text(255, _PATH + r"\.py", "name a Python file beside it; for any other program use `command`",
                            _path), "The Python program, relative to this file; its parameters are read from it"),
        "subcommand": Field(Text(255), "Which of the program's subcommands the processor is, such as `fit`"),
        "command": Field(Items(Text(1000), "[Rscript, /mlreef/code/fit.R]", least=1, most=50),
                         "Instead of `entry`, a program in any language; the project is at `/mlreef/code`, and "
                         "parameters are declared here completely"),
        "environment": Field(Text(1000, r"[a-z0-9][a-z0-9.-]{0,62}|[a-z0-9.-]+(?::[0-9]{1,5})?(?:/[a-z0-9._-]+)+"
                                  r"(?::[A-Za-z0-9_.-]{1,128})?(?:@sha256:[0-9a-f]{64})?",
                                  "use a name from `mlreef environment list`"),
                             "The image it is built on: a name, or the reference of a registered image"),
        "requirements": Field(Either(Items(Text(1000, None, "write a requirement such as numpy>=2", _requirement),
                                           "[numpy>=2]", most=500), PATH),
                              "Python packages: a requirements file, or a list of requirements; by default "
                              "`requirements.txt` beside the program or at the root"),
        "licence": Field(Text(200, None, "use an SPDX expression such as Apache-2.0 or MIT OR GPL-3.0-only", _licence),
                         "Its licence as an SPDX expression"),
        "tags": Field(Items(WORD, "[images, preprocessing]", most=30, unique=True), "Words to find it by"),
        "model_type": Field(WORD, "What kind of model an algorithm trains, such as `classification`"),
        "ml_category": Field(WORD, "How it learns, such as `supervised`"),
        "input_types": Field(_TYPES, "Data types it takes, over all inputs"),
        "output_types": Field(_TYPES, "Data types it yields, over all outputs"),
        "inputs": Field(PORTS, "The parameters that are input folders: names, or names with details"),
        "outputs": Field(PORTS, "The parameters that are output folders: names, or names with details"),
        "parameters": Field(Named(PARAMETER, "{rotate: {min: 0, max: 180}}"),
                            "What the program does not say about its parameters, or, with `command`, all of them"),
        "resources": Field(RESOURCES, "What a step gets when its definition says nothing"),
        "network": Field(Choice(NETWORKS), "What it may reach while it runs; `open` needs a maintainer's consent "
                         "at publication", "none"),
        "metrics": Field(Named(METRIC, "{accuracy: {goal: maximize}}", r"[A-Za-z_][A-Za-z0-9_./-]{0,199}"),
                         "The metrics it reports"),
        "reference": Field(REFERENCE, "A small run that proves it works; paths are relative to this file"),
        "changelog": Field(PATH, "A file with a section per version"),
    }
)  # fmt: skip

HINTS = {
    "version": "leave it out: the version is given at publication (`mlreef processor publish --version 1.2.0`)",
    "license": "did you mean 'licence'?",
    "image": "did you mean 'environment'?",
    "script": "did you mean 'entry' (Python) or 'command' (anything else)?",
    "author": "leave it out: authors are the project's members",
}
"""Remedies for keys that people expect, but which are not there."""
