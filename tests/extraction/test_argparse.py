"""What argparse programs declare, read without running them."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlreef.extraction.model import Extraction, Parameter
from mlreef.extraction.service import extract

HEAD = "import argparse, json, os, pathlib\nfrom pathlib import Path\n"


def read(source: str) -> Extraction:
    return extract((HEAD + textwrap.dedent(source)).encode(), "train.py")


def one(arguments: str, before: str = "") -> Parameter:
    """The only parameter of a parser with one `add_argument`."""
    found = read(f"{before}\nparser = argparse.ArgumentParser()\nparser.add_argument({arguments})\n")
    assert found.errors == [], found.errors
    assert len(found.parameters) == 1, found
    return found.parameters[0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("'--rate', type=float, default=1e-4", {"type": "float", "default": 1e-4, "flag": "--rate"}),
        ("'--rate', type=float, default=1", {"default": 1.0}),
        ("'--epochs', type=int, default='3'", {"type": "integer", "default": 3}),
        ("'--offset', type=int, default=-5", {"default": -5}),
        ("'-n', '--number', type=int", {"name": "number", "flag": "--number", "required": False}),
        ("'-n', type=int", {"name": "n", "flag": "-n"}),
        ("'--learning-rate'", {"name": "learning_rate", "flag": "--learning-rate", "type": "string"}),
        ("'--lr', dest='rate'", {"name": "rate", "flag": "--lr"}),
        ("'--x', required=True", {"required": True}),
        ("'name'", {"flag": None, "required": True, "name": "name"}),
        ("'name', nargs='?', default='a'", {"flag": None, "required": False, "nargs": "?", "multiple": False}),
        ("'files', nargs='+'", {"nargs": "+", "multiple": True, "required": True}),
        ("'--size', nargs=2, type=int, default=(1, 2)", {"nargs": 2, "multiple": True, "default": [1, 2]}),
        ("'--tag', action='append'", {"multiple": True, "nargs": None}),
        ("'--fast', action='store_true'", {"type": "boolean", "default": False, "flag": "--fast"}),
        ("'--no-cache', dest='cache', action='store_false'",
         {"name": "cache", "default": True, "flag": None, "negated_flag": "--no-cache"}),
        ("'--flip', action=argparse.BooleanOptionalAction, default=True",
         {"type": "boolean", "flag": "--flip", "negated_flag": "--no-flip", "default": True}),
        ("'--mode', choices=['a', 'b'], default='a'", {"type": "choice", "choices": ["a", "b"]}),
        ("'--k', type=int, choices=range(1, 5)", {"type": "integer", "min": 1, "max": 4, "choices": None}),
        ("'--k', type=int, choices=(1, 3)", {"type": "choice", "choices": [1, 3]}),
        ("'--model', type=Path", {"type": "path"}),
        ("'--model', type=pathlib.Path, default=Path('a') / 'b'", {"type": "path", "default": "a/b"}),
        ("'--options', type=json.loads, default={'a': [1]}", {"type": "dictionary", "default": {"a": [1]}}),
        ("'--steps', type=int, default=2 * 60 + 3", {"default": 123}),
        ("'--path', default=os.path.join('a', 'b')", {"default": "a/b"}),
        ("'--name', default=f'run-{1 + 1}'", {"default": "run-2"}),
        ("'-v', '--verbose', action='count'", {"type": "boolean", "flag": "--verbose"}),
    ],
)  # fmt: skip
def test_an_argument_means_what_argparse_means(arguments: str, expected: dict[str, Any]) -> None:
    found = one(arguments).to_json()
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("name", "role"),
    [("--input-path", "input"), ("--data", "input"), ("--output", "output"), ("--out-dir", "output"), ("--x", "value")],
)
def test_paths_with_well_known_names_are_inputs_and_outputs(name: str, role: str) -> None:
    assert one(f"'{name}', type=str").role == role


def test_a_number_called_data_is_a_value() -> None:
    assert one("'--data', type=int").role == "value"


def test_help_has_its_placeholders_filled() -> None:
    found = one("'--rate', type=float, default=0.5, help='100%% of\\n  the rate (default: %(default)s)'")
    assert found.help == "100% of the rate (default: 0.5)"


def test_positions_are_those_of_the_call() -> None:
    found = read("parser = argparse.ArgumentParser()\nif True:\n    parser.add_argument('--x')\n").parameters[0]
    assert (found.position.file, found.position.line, found.position.column) == ("train.py", 5, 5)


@pytest.mark.parametrize(
    "source",
    [
        # a function that makes the parser, called from main
        """
        def get_parser():
            parser = argparse.ArgumentParser()
            parser.add_argument("--x", type=int, default=DEFAULT)
            return parser
        DEFAULT = 3
        def main():
            args = get_parser().parse_args()
        if __name__ == "__main__":
            main()
        """,
        # helpers that are given the parser, and groups
        """
        def add(group, default):
            group.add_argument("--x", type=int, default=default)
        parser = argparse.ArgumentParser()
        add(parser.add_argument_group("training"), default=3)
        """,
        # a class in the manner of many research repositories
        """
        class Options:
            def __init__(self):
                self.parser = argparse.ArgumentParser()
            def initialize(self):
                self.parser.add_argument("--x", type=int, default=3)
            def parse(self):
                self.initialize()
                return self.parser.parse_args()
        args = Options().parse()
        """,
        # a table and a loop
        """
        OPTIONS = {"x": 3}
        parser = argparse.ArgumentParser()
        for name, default in OPTIONS.items():
            parser.add_argument(f"--{name}", type=int, default=default)
        """,
        # a parent parser, and defaults that are set later
        """
        base = argparse.ArgumentParser(add_help=False)
        base.add_argument("--x", type=int)
        parser = argparse.ArgumentParser(parents=[base])
        parser.set_defaults(x=3)
        """,
        # a program that cannot be followed to its start
        """
        import unknown
        @unknown.command
        def start(config):
            parser = argparse.ArgumentParser()
            parser.add_argument("--x", type=int, default=3)
        """,
        # names taken from the module
        """
        from argparse import ArgumentParser as AP
        with AP() as p:
            pass
        p = AP(description="d")
        (p.add_mutually_exclusive_group(required=False)).add_argument("--x", type=int, default=3)
        """,
        # keyword arguments in a dictionary
        """
        settings = dict(type=int, default=3)
        parser = argparse.ArgumentParser()
        parser.add_argument("--x", **settings)
        """,
    ],
)
def test_parsers_are_followed_wherever_they_are_built(source: str) -> None:
    found = read(source)
    assert [(one.name, one.type, one.default) for one in found.parameters] == [("x", "integer", 3)]
    assert found.errors == []


def test_an_enumeration_offers_its_values() -> None:
    source = "import enum\nclass Mode(enum.Enum):\n    FAST = 'fast'\n    SLOW = 'slow'\n"
    found = one("'--mode', type=Mode, default=Mode.FAST, choices=list(Mode)", source)
    assert (found.type, found.choices, found.default) == ("choice", ["fast", "slow"], "fast")


def test_a_word_for_a_boolean_is_passed_as_a_word() -> None:
    found = one("'--fast', type=str2bool, default=False", "def str2bool(text):\n    return text == 'true'\n")
    assert (found.type, found.nargs, found.multiple) == ("boolean", 1, False)


@pytest.mark.parametrize(
    ("arguments", "message", "remedy"),
    [
        ("'--data', type=argparse.FileType('r')", "opens a file", "pathlib.Path"),
        ("'--data', type=open", "opens a file", "pathlib.Path"),
        ("'fast', type=bool", "type=bool", "BooleanOptionalAction"),
        ("'-f', type=bool", "type=bool", "BooleanOptionalAction"),
        ("'--items', type=list", "type=list", "nargs='+'"),
        ("'--code', type=eval", "type=eval", "json.loads"),
        ("'--x', nargs='A...'", "nargs", "nargs='?'"),
        ("'--x', action='append', nargs='+'", "list of lists", "action='append'"),
        ("'--x y'", "cannot be the name", "letters"),
        ("input()", "computed", "constant"),
        ("'--x', choices=[]", "choices", "between 1"),
    ],
)
def test_what_cannot_be_published_is_said_with_a_remedy(arguments: str, message: str, remedy: str) -> None:
    found = read(f"parser = argparse.ArgumentParser()\nparser.add_argument({arguments})\n")
    fault = found.errors[0]
    assert (fault.position.line, message in fault.message, remedy in fault.remedy) == (4, True, True), fault


def test_the_place_of_an_unsupported_type_is_the_type_itself() -> None:
    source = "p = argparse.ArgumentParser()\np.add_argument(\n    '--data',\n    type=argparse.FileType('r'),\n)\n"
    place = read(source).errors[0].position
    assert (place.line, place.column) == (6, 10)


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("x = (\n", 3, "syntax error"),
        ("print('hello')\n", 1, "no parameters"),
        ("p = argparse.ArgumentParser()\np.add_argument('--x')\np.add_argument('--x')\n", 5, "taken"),
        ("p = argparse.ArgumentParser()\ns = p.add_subparsers()\ns.add_parser('a')\ns.add_parser('b')\n", 3, "subcom"),
    ],
)
def test_faults_of_the_whole_program_have_a_place(source: str, line: int, message: str) -> None:
    found = read(source)
    assert [(one.position.line, message in one.message) for one in found.errors] == [(line, True)]


def test_what_only_running_would_tell_is_a_warning() -> None:
    found = read(
        "p = argparse.ArgumentParser()\np.add_argument('--n', type=int, default=os.cpu_count(), required=True)\n"
    )
    assert (found.parameters[0].default, found.parameters[0].required) == (None, False)
    assert "default" in found.warnings[0].message


@pytest.mark.parametrize(
    "source",
    [
        "x = " + "(" * 150 + ")" * 150,
        "x = " + "-" * 50_000 + "1",
        "x" + ".a" * 50_000,
        "x = 'a' * 10**12\nimport argparse\np = argparse.ArgumentParser()\np.add_argument('--x', default='a' * 10**12)",
        "x = 9 ** 9 ** 9 ** 9",
        "def f():\n    return f()\nf()",
        "def f(n):\n    f(n + 1)\n    f(n + 2)\nf(0)",
        "for a in range(200):\n  for b in range(200):\n    for c in range(200):\n      x = a",
        "x = []\nx.append(x)\ny = x == x",
        "x = {}\nx['a'] = x\nimport argparse\np = argparse.ArgumentParser()\np.add_argument('--x', default=x)",
        "while True:\n    pass",
        "return 1",
        "x = '%1000000000s' % 'a'",
        "\x00",
        "'{:>1000000000}'.format('a')",
        "x = 'a'.join(['b' * 900] * 900)\nx = x.replace('a', x)",
    ],
)
def test_hostile_sources_end_soon_and_without_an_exception(source: str) -> None:
    found = extract(source.encode(), "x.py")
    json.dumps([one.to_json() for one in (*found.errors, *found.warnings)])
    json.dumps([one.to_json() for one in found.parameters])


def test_files_that_are_no_source_are_refused_clearly() -> None:
    assert "UTF-8" in extract(b"ok = 1\nx = '\xff'\n", "x.py").errors[0].message
    assert extract(b"ok = 1\nx = '\xff'\n", "x.py").errors[0].position.line == 2
    assert "larger" in extract(b"#" * (2 << 20), "x.py").errors[0].message


PROJECTS = sorted(Path("processors").glob("*/processor.yaml"))


@pytest.mark.parametrize("path", [one.parent / yaml.safe_load(one.read_text())["entry"] for one in PROJECTS], ids=str)
def test_the_starter_library_is_read_without_a_fault(path: Path) -> None:
    found = extract(path.read_bytes(), path.name)
    assert (found.errors, found.warnings) == ([], [])
    assert "output" in {one.role for one in found.parameters}


def test_a_thousand_lines_are_read_in_a_moment() -> None:
    import time

    lines = "".join(f"parser.add_argument('--p{n}', type=int, default={n}, help='number {n}')\n" for n in range(300))
    filler = "".join(f"def f{n}(x):\n    return x + {n}\n" for n in range(350))
    source = HEAD + filler + "parser = argparse.ArgumentParser()\n" + lines
    best = min(_seconds(source, time.thread_time) for _ in range(5))
    assert best < 0.1, best


def _seconds(source: str, clock: Any) -> float:
    start = clock()
    assert len(extract(source.encode(), "x.py").parameters) == 300
    return float(clock() - start)


def test_a_type_of_bool_is_given_what_it_takes_for_false() -> None:
    import argparse

    from mlreef.extraction import arguments

    found = read(
        "p = argparse.ArgumentParser()\np.add_argument('--use-gpu', type=bool, default=True)\np.parse_args()\n"
    )
    declared = arguments.Parameter.from_json(found.parameters[0].to_json())
    parser = argparse.ArgumentParser()
    parser.add_argument("--use-gpu", type=bool, default=True)
    for value in (True, False):
        argv = [one["flag"] for one in arguments.arguments(declared, value)]
        assert parser.parse_args(argv).use_gpu is value
    assert ("type=bool" in found.warnings[0].message, found.parameters[0].default) == (True, True)
