"""The shape of a data pipeline definition, version 1.

Parsing is strict (no coercion, no unknown fields) and total: it yields the definition or every structural fault with
the field it is in, such as `steps[0].inputs.input`. What needs the catalogue or the repository is checked in
`resolution`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal

import pydantic
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mlreef.kit.errors import Detail
from mlreef.management.definitions import canonical, ranges

MAX_STEPS = 200
MAX_NEEDS = 50  # the forge's own limit on a job's `needs`
MAX_TIMEOUT = 7 * 24 * 3600
# Words that mean something else at the top of a CI configuration, where step names become job names.
RESERVED = frozenset(
    [
        *("image", "services", "stages", "types", "variables", "cache", "include", "default"),
        *("true", "false", "nil", "workflow", "pages", "spec"),
    ]
)
_PROCESSOR = re.compile(r"(?P<path>[A-Za-z0-9_][\w.-]*(?:/[\w.-]+)+)/(?P<name>[a-z0-9][a-z0-9._-]*)@(?P<version>.+)")
_FORBIDDEN_IN_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[/-]|[/.]$|\.lock$|^@$")


class Kind(StrEnum):
    """What a data pipeline makes: a dataset, pictures, or models with metrics."""

    DATAOPS = "dataops"
    VISUALIZATION = "visualization"
    EXPERIMENT = "experiment"


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("holds a lone surrogate; write text as valid Unicode") from None
    if "\x00" in value:
        raise ValueError("holds a NUL character, which no program can receive as an argument")
    return value


def _step_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", value):
        raise ValueError("use 1 to 63 lower-case letters, digits and dashes, beginning with a letter or digit")
    if value in RESERVED:
        raise ValueError(f"{value!r} is a reserved word of CI configurations; choose another name")
    return value


def _pipeline_name(value: str) -> str:
    if not re.fullmatch(r"[^\W_](?:[\w .()+-]{0,98}[\w.()+-])?", value):
        raise ValueError("use 1 to 100 letters, digits, spaces and . _ - + ( ), beginning with a letter or digit")
    return value


def _branch(value: str) -> str:
    if not value or len(value) > 200 or _FORBIDDEN_IN_REF.search(value) or re.fullmatch(r"[0-9a-f]{40}", value):
        raise ValueError("is not a valid branch name")
    return value


def _commit(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{7,64}", value):
        raise ValueError("is not a commit id (7 to 64 hexadecimal digits)")
    return value


def clean_path(value: str) -> str:
    """A repository path without leading and trailing slashes; refuses what could point elsewhere."""
    path = value.strip("/")
    parts = path.split("/") if path and path != "." else []
    if any(part in {"", ".", "..", ".git"} for part in parts) or "\\" in path or len(path) > 4096:
        raise ValueError("is not a path inside the repository; write folder/file without .. or empty parts")
    return "/".join(parts)


def _json(value: Any) -> Any:
    try:
        canonical.encode(value)
    except (ValueError, TypeError, RecursionError):
        raise ValueError(
            "is no value that JSON can carry: write text, numbers, true, false, lists or objects"
        ) from None
    return value


Text = Annotated[str, AfterValidator(_text)]
StepName = Annotated[Text, AfterValidator(_step_name)]
Branch = Annotated[Text, AfterValidator(_branch)]
RepoPath = Annotated[Text, AfterValidator(clean_path)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Source(_Strict):
    """Where an input comes from: a path at a branch or commit, or an output of another step."""

    branch: Branch | None = None
    commit: Annotated[Text, AfterValidator(_commit)] | None = None
    path: RepoPath | None = None
    step: Text | None = None
    output: Text | None = None

    @pydantic.model_validator(mode="after")
    def _one_kind(self) -> Source:
        named = [name for name in ("branch", "commit", "step") if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError("name exactly one of branch, commit (both with path) or step (with output)")
        if self.step is None and self.output is not None:
            raise ValueError("output belongs to step; for a branch or commit give path")
        if self.step is not None and self.path is not None:
            raise ValueError("path belongs to branch or commit; for a step give output")
        return self


class Step(_Strict):
    """One processor version applied."""

    name: StepName
    processor: Text
    inputs: dict[Text, Source] = Field(default_factory=dict, max_length=50)
    parameters: dict[Text, Annotated[Any, AfterValidator(_json)]] = Field(default_factory=dict, max_length=500)
    machine: Text | None = None
    timeout: Annotated[int, Field(ge=1, le=MAX_TIMEOUT)] | None = None

    @pydantic.field_validator("processor")
    @classmethod
    def _reference(cls, value: str) -> str:
        match = _PROCESSOR.fullmatch(value)
        if match is None:
            raise ValueError("write <project path>/<processor>@<version>, such as demo/image-augment/augment@1.0.0")
        if ranges.find(match["version"]) is None:
            raise ValueError(f"{match['version'][:60]!r} is no version: {ranges.REMEDY}")
        return value

    @property
    def slug(self) -> str:
        """The processor without its version: `<project path>/<name>`."""
        return self.processor.rpartition("@")[0]

    @property
    def version(self) -> str:
        """The version asked for: a number, a range or `latest`."""
        return self.processor.rpartition("@")[2]


class Target(_Strict):
    """Where the dataset of a `dataops` run is committed."""

    branch: Branch | None = None
    path: RepoPath | None = None


class Definition(_Strict):
    """A data pipeline as its author wrote it."""

    version: Literal[1] = 1
    name: Annotated[Text, AfterValidator(_pipeline_name)]
    kind: Kind = Field(strict=False)
    steps: list[Step] = Field(min_length=1, max_length=MAX_STEPS)
    target: Target = Field(default_factory=Target)

    def to_json(self) -> dict[str, Any]:
        """The document with what is absent left out; parsing it again gives an equal definition."""
        return self.model_dump(mode="json", exclude_none=True)


def parse(document: Any) -> tuple[Definition | None, list[Detail]]:
    """The definition, or None and every structural fault."""
    if not isinstance(document, dict):
        return None, [Detail("definition", "must be an object with version, name, kind and steps")]
    try:
        return Definition.model_validate(document), []
    except pydantic.ValidationError as exc:
        return None, [Detail(field_name(fault["loc"]), _message(fault)) for fault in exc.errors(include_url=False)]


def field_name(loc: Sequence[int | str]) -> str:
    """`("steps", 0, "inputs", "input")` as `steps[0].inputs.input`."""
    name = ""
    for part in loc:
        if isinstance(part, int):
            name += f"[{part}]"
        elif part != "[key]":
            name += f".{part}" if name else part
    return name or "definition"


_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of a data pipeline definition; remove it or mend its spelling",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "model_type": "must be an object",
}


def _message(fault: Any) -> str:
    known = _MESSAGES.get(fault["type"])
    if known is not None:
        return known
    text: str = fault["msg"].removeprefix("Value error, ")
    return text[:1].lower() + text[1:]
