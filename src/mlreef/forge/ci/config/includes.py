"""`include`: other files joined before the one that names them, whose own keys win.

Where files come from is the `Sources` protocol: local files at the pipeline's commit, remote ones by HTTP from
allow-listed prefixes only. Cycles, depth and number of files are bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
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

    async def remote(self, url: str) -> bytes:
        """A file by URL; a ConfigError says why it cannot be had."""
        ...


def is_remote(path: str) -> bool:
    """Whether a configuration path is a URL."""
    return path.startswith(("https://", "http://"))


async def load(path: str, sources: Sources, facts: rules.Facts) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The merged document whose root is `path`, and the list of files included, for `ci/lint`."""
    joiner = _Joiner(sources, facts)
    text = await joiner.read(path)
    return await joiner.join(text, path, ()), joiner.included


async def expand(
    text: str | bytes, source: str, sources: Sources, facts: rules.Facts
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The merged document of a given text."""
    joiner = _Joiner(sources, facts)
    return await joiner.join(text, source, ()), joiner.included


class _Joiner:
    def __init__(self, sources: Sources, facts: rules.Facts) -> None:
        self._sources = sources
        self._facts = facts
        self.included: list[dict[str, Any]] = []

    async def read(self, path: str) -> bytes:
        """The bytes of a local path or a URL."""
        if is_remote(path):
            return await self._sources.remote(path)
        cleaned = path.lstrip("/")
        if ".." in cleaned.split("/"):
            raise fault(f"Local file `{path}` leaves the repository")
        found = await self._sources.local(cleaned)
        if found is None:
            raise fault(f"Local file `{path}` does not exist!")
        return found

    async def join(self, text: str | bytes, source: str, chain: tuple[str, ...]) -> dict[str, Any]:
        """The document of `text` over everything it includes."""
        own = document.load(text, source)
        entries = own.pop("include", None)
        merged: dict[str, Any] = {}
        for location in self._locations(entries, own):
            if location in (*chain, source):
                raise fault(f"include: `{location}` includes itself: {' -> '.join((*chain, source, location))}")
            if len(self.included) >= MAX_FILES or len(chain) >= MAX_DEPTH:
                raise fault(f"include: more than {MAX_FILES} files or {MAX_DEPTH} levels")
            kind = "remote" if is_remote(location) else "local"
            self.included.append({"type": kind, "location": location, "extra": {}})
            content = await self.read(location)
            merged = merging.deep_merge(merged, await self.join(content, location, (*chain, source)))
        return merging.deep_merge(merged, own)

    def _locations(self, entries: Any, own: Mapping[str, Any]) -> list[str]:
        if entries is None:
            return []
        listed = entries if isinstance(entries, list) else [entries]
        locations = [self._location(entry) for entry in listed]
        return [location for location in locations if location is not None]

    def _location(self, entry: Any) -> str | None:
        if isinstance(entry, str):
            entry = {"remote" if is_remote(entry) else "local": entry}
        if not isinstance(entry, dict):
            raise fault("include config should be a path, a URL or a mapping with local or remote")
        wanted = entry.get("rules")
        if wanted is not None:
            rule = rules.first_match(rules.parse(wanted, "include"), self._facts)
            if rule is None or rule.when == "never":
                return None
        for kind in ("local", "remote"):
            if kind in entry:
                return self._checked(entry[kind], kind)
        names = ", ".join(sorted(str(key) for key in entry if key != "rules"))
        raise fault(f"include: {names or 'an empty entry'} is not supported; use local or remote")

    def _checked(self, value: Any, kind: str) -> str:
        if not isinstance(value, str) or len(value) > 2048:
            raise fault(f"include:{kind} should be a path or URL of at most 2048 characters")
        location = rules.expand(value, self._facts.variables)
        if kind == "remote" and not is_remote(location):
            raise fault(f"Remote file `{location}` does not have a valid address!")
        return location if kind == "remote" else location.lstrip("/")
