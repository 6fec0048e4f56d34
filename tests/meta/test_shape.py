"""Rules about the code itself: sizes, module docstrings, banned names, banned tools."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*ROOT.glob("src/mlreef/**/*.py"), *ROOT.glob("epf/src/**/*.py")])
TESTS = sorted(path for path in ROOT.glob("tests/**/*.py") if "corpus" not in path.parts)
MODULE_LINES, FUNCTION_LINES = 600, 60
BANNED_MODULES = {"utils", "helpers", "common", "misc"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=relative)
def test_a_module_is_short_and_says_what_it_is(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= MODULE_LINES, f"{relative(path)}: split it by sub-concept"
    assert path.stem not in BANNED_MODULES, f"{relative(path)}: name it after what it owns"
    assert ast.get_docstring(tree) or not tree.body, f"{relative(path)}: open with a docstring"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_functions_are_short(path: Path) -> None:
    # A migration is one flat list of statements: splitting it would hide it.
    if "versions" in path.parts:
        return
    for function in functions(ast.parse(path.read_text())):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= FUNCTION_LINES, f"{relative(path)}:{function.lineno} {function.name} has {length} lines"


@pytest.mark.parametrize("path", TESTS, ids=relative)
def test_tests_use_fakes_and_not_mocks(path: Path) -> None:
    imported = {
        name.name.split(".")[-1] if isinstance(node, ast.Import) else f"{node.module}.{name.name}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert not {name for name in imported if name.endswith((".mock", "mocker")) or name == "mock"}


EDGES = {
    "routes",
    "wire",
    "app",
    "http",
    "state",
    "deps",
    "params",
    "bodies",
    "guards",
    "callers",
    "identify",
    "routing",
}
"""Modules at the edge of a service, where requests come in and answers go out."""


@pytest.mark.parametrize("path", sorted(ROOT.glob("src/mlreef/*/**/*.py")), ids=relative)
def test_libraries_have_owners(path: Path) -> None:
    tree = ast.parse(path.read_text())
    tops = {name.split(".")[0] for name in imported_modules(tree)}
    parts, last = path.relative_to(ROOT / "src/mlreef").parts, path.stem.rsplit("_", 1)[-1]
    if "sqlalchemy" in tops:
        allowed = last in {"store", "tables"} or {"db", "migrations", "stores"} & set(parts) or path.stem == "audit"
        # A service may name the type of a row, never build a statement.
        only_rows = names_from(tree, "sqlalchemy") <= {"RowMapping"}
        assert allowed or only_rows, f"{relative(path)}: SQLAlchemy belongs to store, tables and kit.db"
    if tops & {"fastapi", "starlette"}:
        allowed = path.stem in EDGES or last == "routes" or parts[0] == "compose" or "routes" in parts
        assert allowed, f"{relative(path)}: the web framework belongs to the edges: routes, wire, app"
    if "alembic" in tops:
        assert "migrations" in parts or parts[:2] == ("kit", "db")


def imported_modules(tree: ast.AST) -> set[str]:
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return found | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def names_from(tree: ast.AST, module: str) -> set[str]:
    found = (n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and (n.module or "").startswith(module))
    return {alias.name for node in found for alias in node.names}


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_the_environment_is_read_in_settings_and_the_command_line_only(path: Path) -> None:
    if path.stem == "settings" or {"cli", "runner", "mlreef_epf"} & set(path.parts):
        return
    tree = ast.parse(path.read_text())
    # `{**os.environ, ...}` makes the environment of a child process and decides nothing.
    spread = {id(v) for node in ast.walk(tree) if isinstance(node, ast.Dict) for v in node.values}
    reads = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"} and id(node) not in spread
    ]
    lines = path.read_text().splitlines()
    assert not [n for n in reads if 'os.environ.get("PATH"' not in lines[n - 1]], relative(path)


def test_no_two_files_of_tests_have_the_same_name() -> None:
    names = [path.name for path in TESTS if path.name.startswith("test_")]
    assert sorted(names) == sorted(set(names)), "pytest imports them by name: give each its own"
