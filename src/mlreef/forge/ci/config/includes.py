"""`include`: other files joined before the one that names them, whose own keys win.

Where files come from is the `Sources` protocol: local files at the pipeline's commit, remote ones by HTTP from
allow-listed prefixes only. Cycles, depth and number of files are bounded.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Protocol

from mlreef.forge.ci.config import document, merging, rules
from mlreef.forge.ci.config.errors import fault

MAX_FILES = 150
MAX_DEPTH = 20


class Sources(Protocol):
    """Reads configuration files for one project at one commit."""

    async def local(self, path: str) -> bytes | None:
        """A file of the repository, or None when there is none."""
        ...

    async def remote(self, url: str, shown: str) -> bytes:
        """A file by URL; a ConfigError says why it cannot be had.

        Faults name it as `shown`, before variables were put in: their values may be secrets.
        """
        ...

    async def present(self, globs: Collection[str]) -> frozenset[str]:
        """Those paths of the repository that any of the globs can match (more may be given)."""
        ...


def is_remote(path: str) -> bool:
    """Whether a configuration path is a URL."""
    return path.startswith(("https://", "http://"))


async def load(path: str, sources: Sources, facts: rules.Facts) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The merged document whose root is `path`, and the list of files included, for `ci/lint`."""
    joiner = _Joiner(sources, facts)
    text = await joiner.read(_Location(path, path))
    return await joiner.join(text, path, ()), joiner.included


async def expand(
    text: str | bytes, source: str, sources: Sources, facts: rules.Facts
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The merged document of a given text."""
    joiner = _Joiner(sources, facts)
    return await joiner.join(text, source, ()), joiner.included


@dataclass(frozen=True, slots=True)
class _Location:
    address: str
    shown: str


class _Joiner:
    def __init__(self, sources: Sources, facts: rules.Facts) -> None:
        self._sources = sources
        self._facts = facts
        self.included: list[dict[str, Any]] = []

    async def read(self, location: _Location) -> bytes:
        """The bytes of a local path or a URL."""
        if is_remote(location.address):
            return await self._sources.remote(location.address, location.shown)
        cleaned = location.address.lstrip("/")
        if ".." in cleaned.split("/"):
            raise fault(f"Local file `{location.shown}` leaves the repository")
        found = await self._sources.local(cleaned)
        if found is None:
            raise fault(f"Local file `{location.shown}` does not exist!")
        return found

    async def join(self, text: str | bytes, source: str, chain: tuple[str, ...]) -> dict[str, Any]:
        """The document of `text` over everything it includes."""
        own = document.load(text, source)
        entries = own.pop("include", None)
        merged: dict[str, Any] = {}
        for entry in [] if entries is None else entries if isinstance(entries, list) else [entries]:
            location = await self._location(entry)
            if location is None:
                continue
            path = (*chain, source)
            if location.shown in path:
                raise fault(f"include: `{location.shown}` includes itself: {' -> '.join((*path, location.shown))}")
            if len(self.included) >= MAX_FILES or len(chain) >= MAX_DEPTH:
                raise fault(f"include: more than {MAX_FILES} files or {MAX_DEPTH} levels")
            kind = "remote" if is_remote(location.address) else "local"
            self.included.append({"type": kind, "location": location.shown, "extra": {}})
            content = await self.read(location)
            merged = merging.deep_merge(merged, await self.join(content, location.shown, path))
        return merging.deep_merge(merged, own)

    async def _location(self, entry: Any) -> _Location | None:
        if isinstance(entry, str):
            entry = {"remote" if is_remote(entry) else "local": entry}
        if not isinstance(entry, dict):
            raise fault("include config should be a path, a URL or a mapping with local or remote")
        wanted = entry.get("rules")
        if wanted is not None and not await self._wanted(wanted):
            return None
        for kind in ("local", "remote"):
            if kind in entry:
                return self._checked(entry[kind], kind)
        names = ", ".join(sorted(str(key) for key in entry if key != "rules"))
        raise fault(f"include: {names or 'an empty entry'} is not supported; use local or remote")

    async def _wanted(self, value: Any) -> bool:
        listed = rules.parse(value, "include")
        globs = [rules.expand(glob, self._facts.variables) for rule in listed for glob in rule.exists or ()]
        facts = replace(self._facts, paths=await self._sources.present(globs)) if globs else self._facts
        rule = rules.first_match(listed, facts)
        return rule is not None and rule.when != "never"

    def _checked(self, value: Any, kind: str) -> _Location:
        if not isinstance(value, str) or len(value) > 2048:
            raise fault(f"include:{kind} should be a path or URL of at most 2048 characters")
        address = rules.expand(value, self._facts.variables)
        if kind == "remote" and not is_remote(address):
            raise fault(f"Remote file `{value}` does not have a valid address!")
        return _Location(address if kind == "remote" else address.lstrip("/"), value.lstrip("/"))
