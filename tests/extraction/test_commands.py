"""click and typer."""

from __future__ import annotations

from mlreef.extraction.service import extract

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


def test_a_boolean_without_default_is_an_argument_of_typer() -> None:
    source = "import typer\ndef main(fast: bool, slow: bool = False): pass\ntyper.run(main)\n"
    found = extract(source.encode(), "t.py")
    shown = [(one.name, one.flag, one.negated_flag, one.nargs, one.required) for one in found.parameters]
    assert shown == [("fast", None, None, 1, True), ("slow", "--slow", "--no-slow", None, False)]


def test_a_default_that_would_read_the_command_line_is_not_known() -> None:
    source = (
        "import argparse, typer\ndef main(x: int = argparse.ArgumentParser().parse_args().x): pass\ntyper.run(main)\n"
    )
    found = extract(source.encode(), "t.py")
    assert ([one.name for one in found.parameters], found.errors) == (["x"], [])
