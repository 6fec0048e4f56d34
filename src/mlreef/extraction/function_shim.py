"""Starts a program that cannot be started as it is: `python3 -c <this text> <file> <how, as JSON> <arguments...>`.

How: {"function": name, "given": {...}} calls a function with what its annotations say; {"subcommand": [...],
"before": {flag: count}} puts the program's own options before its subcommand; {"decorators": [modules]} lets it import
MLReef's decorators where they are not installed. This text runs inside images: standard library only, Python 3.8.
"""

from __future__ import annotations

import argparse
import asyncio
import collections.abc
import enum
import importlib
import importlib.util
import inspect
import json
import pathlib
import runpy
import sys
import types
import typing
from typing import Any

NONE = type(None)
UNIONS = (typing.Union, getattr(types, "UnionType", typing.Union))
LISTS = (list, set, frozenset, tuple, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
TRUE = ("true", "1", "yes", "on")


def stand_ins(names: Any) -> None:
    """Modules whose decorators do nothing."""

    def decorator(*given: Any, **_: Any) -> Any:
        return given[0] if len(given) == 1 and callable(given[0]) else lambda target: target

    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            parts = name.split(".")
            for count in range(1, len(parts) + 1):
                module = sys.modules.setdefault(".".join(parts[:count]), types.ModuleType(".".join(parts[:count])))
                module.__dict__.setdefault("__path__", [])
            for word in ("processor", "data_processor", "parameter", "metric"):
                setattr(module, word, decorator)


def reordered(items: Any, how: Any) -> Any:
    """The program's own options, its subcommand, and the subcommand's arguments."""
    before: list[str] = []
    after: list[str] = []
    flags = how.get("before", {})
    index = 0
    while index < len(items):
        item = items[index]
        index += 1
        joined = [one for one in flags if item.startswith(one + "=" if one.startswith("--") else one) and item != one]
        if item not in flags:
            (before if joined else after).append(item)
            continue
        count = flags[item]
        end = index + count if count >= 0 else index
        while count < 0 and end < len(items) and not items[end].startswith("-"):
            end += 1
        before += [item, *items[index:end]]
        index = end
    return before + how["subcommand"] + after


def boolean(text: str) -> bool:
    """Whether a word means yes."""
    return text.lower() in TRUE


def chosen(values: Any) -> Any:
    """What finds a value by the text it is given as."""

    def convert(text: str) -> Any:
        for key, value in values:
            if str(key) == text:
                return value
        raise argparse.ArgumentTypeError("must be one of " + ", ".join(str(key) for key, _ in values))

    return convert


def scalar(hint: Any) -> Any:
    """What turns one text into a value."""
    if hint is bool:
        return boolean
    if hint in (int, float):
        return hint
    if typing.get_origin(hint) is getattr(typing, "Literal", None):
        return chosen([(value, value) for value in typing.get_args(hint)])
    base = typing.get_origin(hint) or hint
    if isinstance(base, type):
        if issubclass(base, enum.Enum):
            return chosen([(member.value, member) for member in base])
        if issubclass(base, pathlib.PurePath):
            return pathlib.Path
        if issubclass(base, (dict, collections.abc.Mapping)):
            return json.loads
    return str


def reading(hint: Any) -> Any:
    """How a hint is read: the converter, the number of items (None: one) and what holds them."""
    origin, inner = typing.get_origin(hint), [one for one in typing.get_args(hint) if one is not NONE]
    if hasattr(hint, "__metadata__"):
        return reading(hint.__origin__)
    if origin in UNIONS:
        if len(inner) == 1:
            return reading(inner[0])
        kinds = {one for one in inner if isinstance(one, type)}
        if kinds == {int, float}:
            return float, None, None
        if len(kinds) == len(inner) and any(issubclass(one, pathlib.PurePath) for one in kinds) and str in kinds:
            return pathlib.Path, None, None
        lists = [one for one in inner if typing.get_origin(one) in LISTS]
        return reading(lists[0]) if lists else (str, None, None)
    if hint in LISTS or origin in LISTS:
        kind = origin or hint
        fixed = kind is tuple and inner and inner[-1] is not Ellipsis
        holder = kind if kind in (list, set, frozenset, tuple) else list
        return scalar(inner[0] if inner else str), len(inner) if fixed else "*", holder
    return scalar(hint), None, None


def call(path: str, how: Any, items: Any) -> None:
    """Import the file and call its function."""
    name = pathlib.Path(path).stem
    spec: Any = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    function = inspect.unwrap(getattr(module, how["function"]))
    try:
        found = typing.get_type_hints(function)
    except Exception:  # noqa: BLE001 - annotations may name anything
        found = {}
    parser = argparse.ArgumentParser(prog=how["function"], allow_abbrev=False, argument_default=argparse.SUPPRESS)
    given, holders, parameters = dict(how.get("given", {})), {}, inspect.signature(function).parameters.values()
    for one in parameters:
        if one.kind is one.VAR_KEYWORD:
            continue
        hint = found.get(one.name)
        if hint is None or hint is typing.Any:
            hint = type(one.default) if one.default not in (one.empty, None) else str
        convert, count, holders[one.name] = reading(hint)
        flat = one.kind in (one.VAR_POSITIONAL, one.POSITIONAL_ONLY)
        count = "*" if one.kind is one.VAR_POSITIONAL else count
        required = one.default is one.empty and one.name not in given
        options = {"nargs": count, "type": convert}
        if isinstance(given.get(one.name), str):
            given[one.name] = convert(given[one.name])
        if flat and not required and count is None:
            options["nargs"] = "?"
        if not flat:
            options.update(dest=one.name, required=required)
        parser.add_argument(one.name if flat else "--" + one.name, **options)
    values = dict(given, **vars(parser.parse_args(items)))
    for key, holder in holders.items():
        if holder not in (None, list) and isinstance(values.get(key), list):
            values[key] = holder(values[key])
    positional = []
    for one in parameters:
        if one.kind is one.POSITIONAL_ONLY and one.name in values:
            positional.append(values.pop(one.name))
        elif one.kind is one.VAR_POSITIONAL:
            positional += values.pop(one.name, [])
    result: Any = function(*positional, **values)
    if inspect.iscoroutine(result):
        asyncio.run(result)


def main() -> None:
    """Start the program."""
    path, how, items = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
    sys.path[0:1] = [str(pathlib.Path(path).absolute().parent)]
    stand_ins(how.get("decorators", []))
    sys.argv = [path, *items]
    if "function" in how:
        call(path, how, items)
        return
    if "subcommand" in how:
        sys.argv[1:] = reordered(items, how)
    runpy.run_path(path, run_name="__main__")


if __name__ == "__main__":
    main()
