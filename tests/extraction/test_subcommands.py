"""Programs with subcommands: one processor is one of them."""

from __future__ import annotations

import json

import pytest

from mlreef.extraction.model import Extraction, extraction_from_json
from mlreef.extraction.service import extract

TWO = """
import argparse
p = argparse.ArgumentParser(description="tool")
p.add_argument("--seed", type=int)
s = p.add_subparsers(dest="command")
t = s.add_parser("train", help="fits")
t.add_argument("--epochs", type=int, default=3)
e = s.add_parser("eval", aliases=["evaluate"], help="scores")
e.add_argument("model")
p.parse_args()
"""


def names(found: Extraction) -> list[str]:
    return [one.name for one in found.parameters]


def test_several_subcommands_are_listed_and_one_has_to_be_chosen() -> None:
    found = extract(TWO.encode(), "t.py")
    assert [(one.name, one.help) for one in found.subcommands] == [("train", "fits"), ("eval", "scores")]
    assert [one.name for one in found.subcommands[1].parameters] == ["seed", "model"]
    assert ("train, eval" in found.errors[0].message, found.errors[0].position.line) == (True, 3)
    assert "`subcommand: train`" in found.errors[0].remedy


def test_the_chosen_one_has_its_parameters_and_those_of_the_program() -> None:
    found = extract(TWO.encode(), "src/t.py", subcommand="train")
    assert (found.errors, names(found), found.subcommand) == ([], ["seed", "epochs"], "train")
    assert found.command is not None
    assert found.command[3] == "/mlreef/code/src/t.py"
    assert json.loads(found.command[4]) == {"before": {"--seed": 1}, "subcommand": ["train"]}


@pytest.mark.parametrize(("wanted", "message"), [("fit", "no subcommand 'fit'"), ("", "no subcommand ''")])
def test_a_subcommand_that_is_not_there_is_an_error(wanted: str, message: str) -> None:
    assert message in extract(TWO.encode(), "t.py", subcommand=wanted).errors[0].message


def test_a_program_without_subcommands_takes_none() -> None:
    source = b"import argparse\np = argparse.ArgumentParser()\np.add_argument('--x')\np.parse_args()\n"
    assert "has no subcommands" in extract(source, "t.py", subcommand="x").errors[0].message


def test_the_only_subcommand_is_chosen_by_itself() -> None:
    source = "import argparse\np = argparse.ArgumentParser()\n"
    source += "s = p.add_subparsers()\ns.add_parser('a').add_argument('--x')\n"
    found = extract(source.encode(), "t.py")
    assert (names(found), found.command, found.errors) == (["x"], ["python3", "/mlreef/code/t.py", "a"], [])


def test_subcommands_of_subcommands_are_named_by_their_way() -> None:
    source = """
import click
@click.group()
def cli(): pass
@cli.group()
def data(): pass
@data.command("split")
@click.option("--part", type=float, default=0.5)
def split_data(part): pass
@cli.command()
def train_model(): pass
cli()
"""
    found = extract(source.encode(), "t.py", subcommand="data split")
    assert [one.name for one in found.subcommands] == ["data split", "train-model"]
    assert (names(found), found.command) == (["part"], ["python3", "/mlreef/code/t.py", "data", "split"])


def test_methods_of_a_class_are_subcommands_of_fire() -> None:
    source = '''
import fire
class Tool:
    """Works on text."""
    def __init__(self, root="data"): pass
    def clean(self, lower: bool = True):
        """Cleans.

        Args:
            lower: no capitals
        """
    def count(self, top=10): pass
    def _private(self): pass
fire.Fire(Tool)
'''
    found = extract(source.encode(), "t.py", subcommand="clean")
    assert [one.name for one in found.subcommands] == ["clean", "count"]
    assert [(one.name, one.flag, one.negated_flag, one.help) for one in found.parameters] == [
        ("root", "--root", None, ""),
        ("lower", "--lower", "--nolower", "no capitals"),
    ]
    assert (found.command, found.description) == (["python3", "/mlreef/code/t.py", "clean"], "Cleans.")


def test_a_dictionary_of_functions_is_subcommands_of_fire() -> None:
    source = "import fire\ndef a(x: int): pass\ndef b(y): pass\nfire.Fire({'first': a, 'second': b})\n"
    found = extract(source.encode(), "t.py", subcommand="first")
    assert [(one.name, one.type, one.required) for one in found.parameters] == [("x", "integer", True)]


def test_a_positional_before_the_subcommand_cannot_be_given() -> None:
    source = TWO.replace('"--seed"', '"seed"')
    assert "stands before the subcommand" in extract(source.encode(), "t.py", subcommand="train").errors[0].message


def test_an_extraction_survives_its_wire_shape() -> None:
    for found in (extract(TWO.encode(), "t.py"), extract(TWO.encode(), "t.py", subcommand="train")):
        assert extraction_from_json(json.loads(json.dumps(found.to_json()))) == found
