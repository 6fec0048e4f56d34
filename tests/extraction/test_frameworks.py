"""What each library makes of functions and records; every command line here was tried with the library itself."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from mlreef.extraction.model import Extraction, Parameter
from mlreef.extraction.service import extract

FUNCTION = """
def main(path: str, n_items: int = 3, fast: bool = False, names: list[str] = [], rate: float | None = None):
    '''Does it.

    Args:
        path: where
    '''
"""
RECORD = """
from dataclasses import dataclass, field
@dataclass
class Inner:
    depth: int = 2
@dataclass
class Config:
    path: str  # where
    n_items: int = 3
    fast: bool = False
    names: list[str] = field(default_factory=list)
    inner: Inner = field(default_factory=Inner)
"""


def read(source: str) -> Extraction:
    return extract(textwrap.dedent(source).encode(), "t.py")


def shape(one: Parameter) -> tuple[Any, ...]:
    return (one.name, one.flag, one.negated_flag, one.type, one.required, one.default, one.multiple, one.nargs)


PATH = ("path", "--path", None, "string", True, None, False, None)
SPREAD = ("names", "--names", None, "string", False, [], True, "*")
REPEATED = ("names", "--names", None, "string", False, [], True, None)
TEXT = ("names", "--names", None, "string", False, "[]", False, None)
RATE = ("rate", "--rate", None, "float", False, None, False, None)


def items(flag: str) -> tuple[Any, ...]:
    return ("n_items", flag, None, "integer", False, 3, False, None)


def fast(flag: str | None, negated: str | None, nargs: int | None = None) -> tuple[Any, ...]:
    return ("fast", flag, negated, "boolean", False, False, False, nargs)


@pytest.mark.parametrize(
    ("start", "framework", "expected"),
    [
        ("import fire\nfire.Fire(main)", "fire", [PATH, items("--n_items"), fast("--fast", "--nofast"), TEXT, RATE]),
        ("from tyro import cli\ncli(main)", "tyro",
         [PATH, items("--n-items"), fast("--fast", "--no-fast"), SPREAD, RATE]),
        ("from jsonargparse import CLI\nCLI(main)", "jsonargparse",
         [("path", None, *PATH[2:]), items("--n_items"), fast("--fast", None, 1), TEXT, RATE]),
        ("import cyclopts\ncyclopts.run(main)", "cyclopts",
         [PATH, items("--n-items"), fast("--fast", "--no-fast"), REPEATED, RATE]),
        ("import argh\nargh.dispatch_command(main)", "argh",
         [("path", None, *PATH[2:]), items("--n-items"), fast("--fast", None), SPREAD, RATE]),
        ("import typer\ntyper.run(main)", "typer",
         [("path", None, *PATH[2:]), items("--n-items"), fast("--fast", "--no-fast"), REPEATED, RATE]),
        ("if __name__ == '__main__':\n    main('x')", "function",
         [("path", "--path", None, "string", False, "x", False, None), items("--n_items"), fast("--fast", None, 1),
          SPREAD, RATE]),
    ],
)  # fmt: skip
def test_a_function_becomes_what_its_library_makes_of_it(start: str, framework: str, expected: list[Any]) -> None:
    found = read(FUNCTION + start)
    assert (found.errors, found.framework) == ([], framework)
    assert [shape(one) for one in found.parameters] == expected
    assert found.parameters[0].help == "where"


DEPTH = ("inner.depth", "--inner.depth", None, "integer", False, 2, False, None)


@pytest.mark.parametrize(
    ("start", "framework", "expected"),
    [
        ("import tyro\ntyro.cli(Config)", "tyro",
         [PATH, items("--n-items"), fast("--fast", "--no-fast"), SPREAD, DEPTH]),
        ("import pyrallis\npyrallis.parse(config_class=Config)", "pyrallis",
         [PATH, items("--n_items"), fast("--fast", None, 1), TEXT, DEPTH]),
        ("import pyrallis\n@pyrallis.wrap()\ndef main(config: Config): pass\nmain()", "pyrallis",
         [PATH, items("--n_items"), fast("--fast", None, 1), TEXT, DEPTH]),
        ("import simple_parsing\nsimple_parsing.parse(Config)", "simple-parsing",
         [PATH, items("--n_items"), fast("--fast", None, 1), SPREAD, DEPTH]),
    ],
)  # fmt: skip
def test_a_record_becomes_what_its_library_makes_of_it(start: str, framework: str, expected: list[Any]) -> None:
    found = read(RECORD + start)
    assert (found.errors, found.framework) == ([], framework)
    assert [shape(one) for one in found.parameters] == expected
    assert found.parameters[0].help == "where"


def test_typed_argument_parsers_toggle() -> None:
    found = read(
        "from tap import Tap\nclass A(Tap):\n    a: int = 1\n    b: bool = False\n    c: bool = True\nA().parse_args()"
    )
    assert [(one.name, one.flag, one.negated_flag) for one in found.parameters] == [
        ("a", "--a", None), ("b", "--b", None), ("c", None, "--c")]  # fmt: skip


SETTINGS = """
from pydantic import Field
from pydantic_settings import BaseSettings
class Base(BaseSettings):
    a_b: int = Field(3, gt=0, description="how many")
class Settings(Base{keywords}):
    fast: bool = False
    name: str = Field(alias="title")
Settings({arguments})
"""


@pytest.mark.parametrize(
    ("keywords", "arguments", "flags"),
    [
        (", cli_parse_args=True", "", ["--a_b", "--fast", "--title"]),
        ("", "_cli_parse_args=True, _cli_kebab_case=True", ["--a-b", "--fast", "--title"]),
        (", cli_parse_args=True, cli_implicit_flags=True", "", ["--a_b", "--fast", "--title"]),
    ],
)
def test_settings_read_the_command_line_when_told(keywords: str, arguments: str, flags: list[str]) -> None:
    found = read(SETTINGS.format(keywords=keywords, arguments=arguments))
    assert [one.flag for one in found.parameters] == flags
    assert (found.parameters[0].min, found.parameters[0].help) == (1, "how many")
    assert found.parameters[1].negated_flag == ("--no-fast" if "implicit" in keywords else None)


def test_settings_of_the_environment_are_no_command_line() -> None:
    assert read(SETTINGS.format(keywords="", arguments="")).errors != []


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("Annotated[int, Field(ge=1, lt=10)]", ("integer", 1, 9, None)),
        ("Annotated[float, annotated_types.Interval(ge=0, le=1)]", ("float", 0, 1, None)),
        ("Annotated[int, annotated_types.Gt(3)]", ("integer", 4, None, None)),
        ("PositiveInt", ("integer", 1, None, None)),
        ("conint(ge=2, le=4)", ("integer", 2, 4, None)),
        ("'Optional[int]'", ("integer", None, None, None)),
        ("Literal['a', 'b'] | None", ("choice", None, None, ["a", "b"])),
        ("Kind", ("choice", None, None, ["x", "y"])),
        ("Union[int, float]", ("float", None, None, None)),
        ("Union[str, Path]", ("path", None, None, None)),
        ("Union[int, str]", ("string", None, None, None)),
        ("dict[str, int]", ("dictionary", None, None, None)),
        ("Alias", ("integer", None, None, None)),
        ("unknown.Thing", ("string", None, None, None)),
    ],
)
def test_annotations_have_types_ranges_and_choices(annotation: str, expected: tuple[Any, ...]) -> None:
    head = "import annotated_types, enum, jsonargparse, unknown\nfrom pathlib import Path\n"
    head += (
        "from pydantic import Field, PositiveInt, conint\nfrom typing import *\nfrom typing import Annotated, Literal\n"
    )
    head += "from typing import Optional, Union\nAlias = Optional[int]\n"
    head += "class Kind(str, enum.Enum):\n    X = 'x'\n    Y = 'y'\n"
    found = read(f"{head}def f(x: {annotation}): pass\njsonargparse.CLI(f)")
    one = found.parameters[0]
    assert (one.type, one.min, one.max, one.choices) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import hydra\n@hydra.main(config_path='c')\ndef main(cfg): pass\nmain()", "Hydra"),
        ("from sacred import Experiment\nex = Experiment()", "sacred"),
        ("from lightning.pytorch.cli import LightningCLI\nLightningCLI()", "LightningCLI"),
        ("'''Usage:\n  t.py a <x>\n  t.py b <x>\n'''\nfrom docopt import docopt\ndocopt(__doc__)", "usage patterns"),
        ("'''Usage:\n  t.py (<x> | <y>)\n'''\nfrom docopt import docopt\ndocopt(__doc__)", "not read"),
        ("EPOCHS = 3\nfor e in range(EPOCHS):\n    print(e)", "no parameters"),
        ("import sys\nx = sys.argv[2]", "no parameters"),
    ],
)
def test_what_cannot_be_a_command_line_is_told_by_name(source: str, message: str) -> None:
    found = read(source)
    assert message in found.errors[0].message
    assert found.errors[0].remedy


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import sys\n_, a, b = sys.argv", [("a", True), ("b", True)]),
        ("import sys\nsource, target = sys.argv[1:]", [("source", True), ("target", True)]),
        ("from sys import argv\nn = int(argv[1]) if len(argv) > 1 else 3", [("n", False)]),
        ("import sys\nfor name in sys.argv[1:]:\n    print(name)", [("name", False)]),
    ],
)
def test_a_bare_command_line_is_read_by_its_positions(source: str, expected: list[Any]) -> None:
    assert [(one.name, one.required) for one in read(source).parameters] == expected


def test_flags_of_other_modules_are_flags_too() -> None:
    entry = (
        b"from absl import app, flags\nimport parts.loss\nflags.DEFINE_integer('n', 1, 'in pixels')\napp.run(print)\n"
    )
    files = {"src/parts/loss.py": b"from absl import flags\nflags.DEFINE_bool('soft', True, '')\n"}
    found = extract(entry, "src/main.py", sources=files.get)
    assert [(one.name, one.negated_flag, one.unit) for one in found.parameters] == [
        ("n", None, "pixels"), ("soft", "--nosoft", None)]  # fmt: skip
    assert found.parameters[1].position.file == "src/parts/loss.py"
