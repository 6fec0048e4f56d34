"""The job as the forge hands it out, typed: the part of GitLab's `spec.Job` this runner uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mlreef.kit.errors import invalid


@dataclass(frozen=True, slots=True)
class Variable:
    """One CI variable; later ones override earlier ones of the same key."""

    key: str
    value: str = field(repr=False)
    file: bool = False
    masked: bool = False
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A named piece of shell script with its own rules about when it runs."""

    name: str
    script: Sequence[str]
    timeout: int
    when: str
    allow_failure: bool


@dataclass(frozen=True, slots=True)
class Image:
    """The container image a job asks for."""

    name: str
    entrypoint: Sequence[str]


@dataclass(frozen=True, slots=True)
class Credential:
    """A login for one registry host."""

    host: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Artifact:
    """What to upload when the job is over."""

    name: str
    paths: Sequence[str]
    exclude: Sequence[str]
    untracked: bool
    when: str
    expire_in: str
    kind: str
    format: str


@dataclass(frozen=True, slots=True)
class Dependency:
    """An earlier job whose artifacts this one gets."""

    id: int
    name: str
    token: str = field(repr=False)
    filename: str


@dataclass(frozen=True, slots=True)
class Git:
    """Which source the job is about."""

    repo_url: str = field(repr=False)
    ref: str
    sha: str
    refspecs: Sequence[str]
    depth: int
    protected: bool

    @property
    def clean_url(self) -> str:
        """The repository's URL without credentials."""
        parts = urlsplit(self.repo_url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True, slots=True)
class Held:
    """What it takes to speak to the forge about a claimed job."""

    id: int
    token: str = field(repr=False)
    failure_reasons: frozenset[str]
    """Reasons that the forge knows besides those that every forge knows."""


@dataclass(frozen=True, slots=True)
class Job:
    """One claimed job."""

    id: int
    token: str = field(repr=False)
    name: str
    project_id: int
    project_path: str
    timeout: int
    git: Git
    variables: Sequence[Variable]
    steps: Sequence[Step]
    image: Image | None
    services: int
    credentials: Sequence[Credential]
    artifacts: Sequence[Artifact]
    cache: int
    dependencies: Sequence[Dependency]
    mask_prefixes: Sequence[str]
    failure_reasons: frozenset[str]

    @property
    def held(self) -> Held:
        """The part that delivering its log and its end takes."""
        return Held(self.id, self.token, self.failure_reasons)

    def value(self, key: str) -> str | None:
        """The effective value of a variable."""
        for variable in reversed(self.variables):
            if variable.key == key:
                return variable.value
        return None


def parse(data: Mapping[str, Any]) -> Job:
    """Read the 201 answer of `POST /jobs/request`; a malformed one is refused as a whole."""
    try:
        return _parse(data)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise invalid(f"the forge sent a job that cannot be read: {type(exc).__name__}: {exc}") from exc


def _parse(data: Mapping[str, Any]) -> Job:
    info, features = data.get("job_info") or {}, data.get("features") or {}
    timeout = int((data.get("runner_info") or {}).get("timeout") or 0)
    return Job(
        id=int(data["id"]),
        token=str(data["token"]),
        name=str(info.get("name") or ""),
        project_id=int(info.get("project_id") or 0),
        project_path=str(info.get("project_full_path") or ""),
        timeout=timeout if timeout > 0 else 7200,
        git=_git(data.get("git_info") or {}),
        variables=[_variable(entry) for entry in data.get("variables") or ()],
        steps=[_step(entry) for entry in data.get("steps") or ()],
        image=_image(data.get("image")),
        services=len(data.get("services") or ()),
        credentials=[_credential(c) for c in data.get("credentials") or () if c.get("type") == "registry"],
        artifacts=[_artifact(entry) for entry in data.get("artifacts") or ()],
        cache=len(data.get("cache") or ()),
        dependencies=[_dependency(d) for d in data.get("dependencies") or () if d.get("artifacts_file")],
        mask_prefixes=[str(prefix) for prefix in features.get("token_mask_prefixes") or ()],
        failure_reasons=frozenset(features.get("failure_reasons") or ()),
    )


def _git(entry: Mapping[str, Any]) -> Git:
    return Git(
        repo_url=str(entry.get("repo_url") or ""),
        ref=str(entry.get("ref") or ""),
        sha=str(entry.get("sha") or ""),
        refspecs=[str(spec) for spec in entry.get("refspecs") or ()],
        depth=int(entry.get("depth") or 0),
        protected=bool(entry.get("protected")),
    )


def _variable(entry: Mapping[str, Any]) -> Variable:
    value = entry.get("value")
    return Variable(
        key=str(entry["key"]),
        value="" if value is None else str(value),
        file=bool(entry.get("file")),
        masked=bool(entry.get("masked")),
        raw=bool(entry.get("raw")),
    )


def _step(entry: Mapping[str, Any]) -> Step:
    return Step(
        name=str(entry["name"]),
        script=[str(line) for line in entry.get("script") or ()],
        timeout=int(entry.get("timeout") or 0),
        when=str(entry.get("when") or "on_success"),
        allow_failure=bool(entry.get("allow_failure")),
    )


def _image(entry: Mapping[str, Any] | None) -> Image | None:
    if not entry or not entry.get("name"):
        return None
    return Image(name=str(entry["name"]), entrypoint=[str(item) for item in entry.get("entrypoint") or ()])


def _credential(entry: Mapping[str, Any]) -> Credential:
    host = str(entry["url"]).partition("://")[2] or str(entry["url"])
    return Credential(host.rstrip("/"), str(entry.get("username") or ""), str(entry.get("password") or ""))


def _artifact(entry: Mapping[str, Any]) -> Artifact:
    return Artifact(
        name=str(entry.get("name") or "artifacts"),
        paths=[str(path) for path in entry.get("paths") or ()],
        exclude=[str(path) for path in entry.get("exclude") or ()],
        untracked=bool(entry.get("untracked")),
        when=str(entry.get("when") or "on_success"),
        expire_in=str(entry.get("expire_in") or ""),
        kind=str(entry.get("artifact_type") or "archive"),
        format=str(entry.get("artifact_format") or "zip"),
    )


def _dependency(entry: Mapping[str, Any]) -> Dependency:
    return Dependency(
        id=int(entry["id"]),
        name=str(entry.get("name") or ""),
        token=str(entry.get("token") or ""),
        filename=str(entry["artifacts_file"].get("filename") or ""),
    )
