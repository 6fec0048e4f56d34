"""Changing a tree without a work tree: actions in, a new root tree out.

Folders are read from git only when a path leads through them, and only changed ones are written again, so thousands of
actions on a huge repository touch only what they name. Nothing is ever written through a link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlreef.forge.repos import objects, packs, paths
from mlreef.kit.errors import PlatformError, invalid

_FILES = (objects.FILE, objects.EXECUTABLE)


@dataclass(frozen=True, slots=True)
class Action:
    """One change: `create`, `update`, `delete`, `move` or `chmod` of a file."""

    verb: str
    path: str
    previous: str | None = None
    content: bytes | None = None
    executable: bool | None = None
    last_commit: str | None = None


class EditRefused(PlatformError):
    """An action does not fit what the tree holds."""

    def __init__(self, problem: str, path: str) -> None:
        refused = invalid(f"{problem}: {path[:300]}")
        super().__init__(refused.kind, refused.message)


def _missing(path: str) -> EditRefused:
    return EditRefused("A file with this name doesn't exist", path)


def _exists(path: str) -> EditRefused:
    return EditRefused("A file with this name already exists", path)


class _Folder:
    """A tree being edited: entries by raw name, folders among them loaded when needed."""

    def __init__(self, entries: dict[bytes, tuple[int, str]], tree_id: str | None) -> None:
        self.entries = entries
        self.loaded: dict[bytes, _Folder] = {}
        self.tree_id = tree_id
        self.changed = tree_id is None

    def holds(self, name: bytes) -> bool:
        """Whether something is there; a folder that lost its last file no longer is."""
        inner = self.loaded.get(name)
        if inner is None:
            return name in self.entries
        return any(inner.holds(one) for one in inner.entries)

    def write(self, batch: packs.Batch) -> str | None:
        """The id of the tree; None when nothing is left in it."""
        for name, folder in self.loaded.items():
            if not folder.changed:
                continue
            sha = folder.write(batch)
            if sha is None:
                self.entries.pop(name, None)
            else:
                self.entries[name] = (objects.TREE, sha)
        if not self.entries:
            return None
        raw = bytearray()
        for name, (mode, sha) in sorted(self.entries.items(), key=_order):
            raw += b"%o %s\x00" % (mode, name) + bytes.fromhex(sha)
        return batch.add("tree", bytes(raw))


def _order(item: tuple[bytes, tuple[int, str]]) -> bytes:
    """Git sorts a folder as if its name ended in a slash."""
    name, (mode, _) = item
    return name + b"/" if mode == objects.TREE else name


class Editor:
    """Applies actions to one tree, in order."""

    def __init__(self, repo: Any, root: str | None, batch: packs.Batch) -> None:
        self._repo = repo
        self._batch = batch
        self._root = self._load(root) if root else _Folder({}, None)

    def apply(self, actions: Sequence[Action]) -> str | None:
        """The id of the new root tree; None when it is empty. Raises EditRefused at the first action that fails."""
        for action in actions:
            self._apply(action)
        return self._root.write(self._batch)

    def _apply(self, action: Action) -> None:
        parts = paths.checked(action.path)
        match action.verb:
            case "create":
                mode = objects.EXECUTABLE if action.executable else objects.FILE
                self._put(parts, mode, action.content or b"", create=True)
            case "update":
                mode, _ = self._file(parts)
                if action.executable is not None:
                    mode = objects.EXECUTABLE if action.executable else objects.FILE
                self._put(parts, mode, action.content or b"", create=False)
            case "delete":
                self._file(parts)
                self._remove(parts)
            case "move":
                self._move(action, parts)
            case "chmod":
                _, sha = self._file(parts)
                mode = objects.EXECUTABLE if action.executable else objects.FILE
                self._set(parts, (mode, sha))
            case _:
                raise invalid("actions[][action] does not have a valid value: create, update, delete, move or chmod")

    def _move(self, action: Action, parts: tuple[str, ...]) -> None:
        if not action.previous:
            raise EditRefused("You must provide previous_path to move a file", action.path)
        source = paths.checked(action.previous)
        mode, sha = self._file(source)
        self._remove(source)
        folder, name = self._folder(parts, create=True)
        if folder.holds(name):
            raise _exists(action.path)
        if action.content is not None:
            sha = self._batch.add("blob", action.content)
        self._set(parts, (mode, sha))

    def _put(self, parts: tuple[str, ...], mode: int, content: bytes, *, create: bool) -> None:
        folder, name = self._folder(parts, create=create)
        if create and folder.holds(name):
            raise _exists("/".join(parts))
        self._set(parts, (mode, self._batch.add("blob", content)))

    def _file(self, parts: tuple[str, ...]) -> tuple[int, str]:
        folder, name = self._folder(parts, create=False)
        found = folder.entries.get(name)
        if found is None or found[0] == objects.TREE:
            raise _missing("/".join(parts))
        if found[0] not in _FILES:
            raise EditRefused("Symbolic links and submodules are not changed through the API", "/".join(parts))
        return found

    def _set(self, parts: tuple[str, ...], entry: tuple[int, str]) -> None:
        folder, name = self._folder(parts, create=True)
        folder.entries[name] = entry
        folder.loaded.pop(name, None)
        self._touch(parts)

    def _remove(self, parts: tuple[str, ...]) -> None:
        folder, name = self._folder(parts, create=False)
        del folder.entries[name]
        self._touch(parts)

    def _touch(self, parts: tuple[str, ...]) -> None:
        folder = self._root
        folder.changed = True
        for part in parts[:-1]:
            folder = folder.loaded[part.encode()]
            folder.changed = True

    def _folder(self, parts: tuple[str, ...], *, create: bool) -> tuple[_Folder, bytes]:
        folder = self._root
        for part in parts[:-1]:
            name = part.encode()
            inner = folder.loaded.get(name)
            if inner is None:
                inner = self._enter(folder, name, "/".join(parts), create=create)
            elif create and name not in folder.entries:
                folder.entries[name] = (objects.TREE, "")
            folder = inner
        return folder, parts[-1].encode()

    def _enter(self, folder: _Folder, name: bytes, path: str, *, create: bool) -> _Folder:
        found = folder.entries.get(name)
        if found is None:
            if not create:
                raise _missing(path)
            inner = _Folder({}, None)
            folder.entries[name] = (objects.TREE, "")
        elif found[0] == objects.TREE:
            inner = self._load(found[1])
        else:
            raise EditRefused("A part of the path is a file, a link or a submodule, not a directory", path)
        folder.loaded[name] = inner
        return inner

    def _load(self, tree_id: str) -> _Folder:
        raw: bytes = self._repo[tree_id].read_raw()
        entries: dict[bytes, tuple[int, str]] = {}
        position = 0
        while position < len(raw):
            space = raw.index(b" ", position)
            end = raw.index(b"\x00", space)
            sha = raw[end + 1 : end + 21].hex()
            entries[raw[space + 1 : end]] = (int(raw[position:space], 8), sha)
            position = end + 21
        return _Folder(entries, tree_id)
