"""Runs a program up to where argparse reads its command line, and prints what argparse knows of its options.

Only for programs of the corpus, in a process of its own: it executes them. Modules that are not installed are stood in
for by something that may be called and asked for anything.
"""

from __future__ import annotations

import argparse
import enum
import importlib.abc
import importlib.machinery
import json
import pathlib
import runpy
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NoReturn


class Anything:
    def __init__(self, *_args: Any, **_kwargs: Any) -> None: ...

    def __call__(self, *args: Any, **_kwargs: Any) -> Any:
        return args[0] if args and (isinstance(args[0], argparse.ArgumentParser) or callable(args[0])) else self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()

    def __mro_entries__(self, _bases: Any) -> tuple[type, ...]:
        return (object,)


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> Any:
        top = fullname.partition(".")[0]
        if top in sys.stdlib_module_names or pathlib.Path(top).exists() or pathlib.Path(f"{top}.py").exists():
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: Any) -> ModuleType:
        module = ModuleType(spec.name)
        module.__dict__["__path__"] = []
        module.__dict__["__getattr__"] = lambda name: Anything().__getattr__(name)
        return module

    def exec_module(self, module: ModuleType) -> None: ...


def plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, pathlib.PurePath):
        return str(value)
    if isinstance(value, (list, tuple, range, set)) or type(value).__name__ in {"dict_keys", "dict_values"}:
        return [plain(one) for one in value]
    return value if isinstance(value, (str, int, float, bool, dict, type(None))) else str(value)


def tell(self: argparse.ArgumentParser, args: Any = None, namespace: Any = None) -> NoReturn:
    found: dict[str, dict[str, Any]] = {}
    for action in self._actions:
        if isinstance(action, (argparse._HelpAction, argparse._VersionAction)) or action.help == argparse.SUPPRESS:
            continue
        default = self.get_default(action.dest)
        if isinstance(default, str) and action.type is not None:
            default = self._get_value(action, default)
        entry = found.setdefault(action.dest, {"dest": action.dest, "flags": [], "required": action.required})
        entry["flags"] += action.option_strings
        entry["default"], entry["choices"] = plain(default), plain(action.choices)
        if not action.option_strings and action.nargs in {"*", "...", "?"}:
            entry["required"] = False
    print(json.dumps(list(found.values())))
    sys.stdout.flush()
    raise SystemExit(0)


if __name__ == "__main__":
    entry = sys.argv[1]
    sys.argv = [entry]
    sys.path[0] = str(pathlib.Path(entry).absolute().parent)
    sys.meta_path.insert(0, StandIns())
    for name in ("parse_args", "parse_intermixed_args"):
        setattr(argparse.ArgumentParser, name, tell)
    argparse.ArgumentParser.parse_known_args = lambda *_args, **_kwargs: (Anything(), [])  # type: ignore[assignment]
    runpy.run_path(entry, run_name="__main__")
