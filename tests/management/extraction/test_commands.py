"""click, typer and `processor.yaml`."""

from __future__ import annotations

import textwrap

from mlreef.management.extraction import manifest
from mlreef.management.extraction.service import extract

CLICK = """
import click

@click.command()
@click.option("--rate", type=float, default=0.1, help="speed")
@click.option("--epochs", default=3)
@click.option("--mode", type=click.Choice(["a", "b"]), required=True)
@click.option("--size", type=click.IntRange(1, 9))
@click.option("--fast/--slow", default=False)
@click.option("--tag", multiple=True)
@click.argument("source", type=click.Path())
def main(rate, epochs, mode, size, fast, tag, source):
    '''Trains.'''
"""

TYPER = """
import typer
from pathlib import Path
from typing import Annotated, Optional

def main(
    source: Path,
    rate: float = 0.1,
    epochs: Annotated[int, typer.Option(min=1, max=9, help="passes")] = 3,
    names: Optional[list[str]] = None,
    fast: bool = False,
    output_path: Path = typer.Option(..., help="where"),
):
    '''Trains.'''

if __name__ == "__main__":
    typer.run(main)
"""


def test_click_commands_are_read() -> None:
    found = extract(CLICK.encode(), "t.py")
    shown = {one.name: (one.type, one.flag, one.default, one.required) for one in found.parameters}
    assert found.errors == []
    assert shown == {
        "rate": ("float", "--rate", 0.1, False),
        "epochs": ("integer", "--epochs", 3, False),
        "mode": ("choice", "--mode", None, True),
        "size": ("integer", "--size", None, False),
        "fast": ("boolean", "--fast", False, False),
        "tag": ("string", "--tag", None, False),
        "source": ("path", None, None, True),
    }
    size, fast = (next(one for one in found.parameters if one.name == name) for name in ("size", "fast"))
    assert (size.min, size.max, fast.negated_flag) == (1, 9, "--slow")


def test_typer_functions_are_read() -> None:
    found = extract(TYPER.encode(), "t.py")
    shown = {one.name: (one.type, one.flag, one.default, one.required, one.role) for one in found.parameters}
    assert (found.errors, found.description) == ([], "Trains.")
    assert shown == {
        "source": ("path", None, None, True, "input"),
        "rate": ("float", "--rate", 0.1, False, "value"),
        "epochs": ("integer", "--epochs", 3, False, "value"),
        "names": ("string", "--names", None, False, "value"),
        "fast": ("boolean", "--fast", False, False, "value"),
        "output_path": ("path", "--output-path", None, True, "output"),
    }


def test_a_program_with_two_commands_is_refused() -> None:
    source = "import click\n@click.command()\ndef a(): pass\n@click.command()\ndef b(): pass\n"
    assert "several commands" in extract(source.encode(), "t.py").errors[0].message


SCRIPT = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--rate', type=float)\np.add_argument('--t')\n"


def applied(text: str) -> tuple[manifest.Manifest, list[tuple[int, str]], dict[str, object]]:
    found = extract(SCRIPT.encode(), "t.py")
    parsed = manifest.parse(textwrap.dedent(text).encode(), "processor.yaml")
    manifest.apply(parsed, found)
    faults = [(one.position.line, one.message) for one in found.errors]
    return parsed, faults, {one.name: one for one in found.parameters}


def test_a_manifest_says_what_the_source_cannot() -> None:
    text = "name: augment\nkind: operation\nparameters:\n  rate: {min: 0, max: 1, unit: degrees}\ninputs: [t]\n"
    parsed, faults, named = applied(text)
    rate, t = named["rate"], named["t"]
    assert (parsed.values["name"], faults) == ("augment", [])
    assert (rate.min, rate.max, rate.unit, t.role) == (0, 1, "degrees", "input")  # type: ignore[attr-defined]


def test_every_fault_of_a_manifest_is_told_with_its_line() -> None:
    text = """\
        name: Bad Name
        kind: thing
        surprise: 1
        parameters:
          rate: {min: low}
          nothing: {min: 1}
        outputs: [nowhere]
        """
    _, faults, _ = applied(text)
    assert [line for line, _ in faults] == [1, 2, 3, 5, 6, 7]


def test_a_manifest_that_is_no_yaml_is_told_so() -> None:
    _, faults, _ = applied("name: [unclosed\n")
    assert "not a YAML file" in faults[0][1]
