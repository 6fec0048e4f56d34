"""The files of one program: which of them an import means, read once each, within bounds."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable

from mlreef.extraction import paths, source
from mlreef.extraction.values import Module

MAX_MODULES = 40
MAX_TOTAL = 4 << 20

Sources = Callable[[str], bytes | None]


class Project:
    """Modules by dotted name, found beside the program that is started, as Python finds them."""

    def __init__(self, entry: Module, sources: Sources | None) -> None:
        self.entry = entry
        self.wanted: list[str] = []
        self._folder = posixpath.dirname(entry.file)
        self._sources = sources
        self._modules: dict[str, Module | None] = {}
        self._asked: dict[str, bytes | None] = {}
        self._size = 0
        stem = posixpath.basename(entry.file).removesuffix(".py")
        self._modules[stem] = None  # a program does not import itself

    def find(self, name: str) -> tuple[Module | None, ast.Module | None]:
        """The module of that name; with its tree when it was read just now and is yet to be followed."""
        if name in self._modules:
            return self._modules[name], None
        top = name.partition(".")[0]
        if self._sources is None or paths.is_library(top) or len(self._modules) > MAX_MODULES * 10:
            return None, None
        self._modules[name] = None
        parts = tuple(name.split("."))
        if not all(part.isidentifier() for part in parts) or not self._may_exist(parts):
            return None, None
        stem = posixpath.join(self._folder, *parts)
        places = [(f"{stem}.py", parts[:-1]), (f"{stem}/__init__.py", parts)]
        if len(parts) > 1 and self._modules.get(".".join(parts[:-1])) is None:
            places = places[:1]  # below a folder without __init__.py, one module deep
        for path, package in places:
            content = self._ask(path)
            if content is not None:
                return self._read(name, path, package, content)
        return None, None

    def _may_exist(self, parts: tuple[str, ...]) -> bool:
        """Whether a module below another is worth asking for: not below one that is a plain file."""
        outer = self._modules.get(".".join(parts[:-1])) if len(parts) > 1 else None
        return len(parts) <= 2 if outer is None else outer.package == parts[:-1]

    def _ask(self, path: str) -> bytes | None:
        if path not in self._asked:
            if len(self._asked) >= MAX_MODULES * 6 or self._sources is None:
                return None
            content = self._sources(path)
            if content is None:
                self.wanted.append(path)
            self._asked[path] = content
        return self._asked[path]

    def _read(
        self, name: str, path: str, package: tuple[str, ...], content: bytes
    ) -> tuple[Module | None, ast.Module | None]:
        self._size += len(content)
        if self._size > MAX_TOTAL or sum(1 for one in self._modules.values() if one is not None) >= MAX_MODULES:
            return None, None
        read = source.read(content, path)
        if not isinstance(read, source.Source):
            return None, None  # it would fail when the program is started, not here
        module = Module(name, path, read.lines, package)
        self._modules[name] = module
        return module, read.tree
