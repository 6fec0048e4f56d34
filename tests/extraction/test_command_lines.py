"""How a program is called: where options, positional values and paths stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlreef.extraction import command_lines
from mlreef.extraction.arguments import Parameter

RATE = Parameter("rate", "float", flag="--rate")
INPUT, OUTPUT = Parameter("data", "path", role="input"), Parameter("result", "path", role="output")


@dataclass(frozen=True)
class Program:
    parameters: Sequence[Parameter]
    command: Sequence[str] = ("run",)

    def of_role(self, role: str) -> list[Parameter]:
        return [one for one in self.parameters if one.role == role]


def called(parameters: Sequence[Parameter], **given: Any) -> list[str]:
    """The whole command line, as the framework in the job puts it together."""
    program = Program(parameters)
    command, parts, positional = command_lines.command_line(program, given, {"data"})
    words = list(command)
    for one in parts:
        words += [text for text in (one["flag"], one.get("value"), *one.get("values", ())) if text is not None]
    flag = command_lines.flag(program, "data")
    words += [] if positional else [*([flag] if flag else []), "IN"]
    for one in command_lines.outputs(program, positional=positional):
        words += [] if one["flag"] == "" else [*([one["flag"]] if one["flag"] else []), "OUT"]
    return [word.replace("/mlreef/in/data", "IN").replace("/mlreef/out/result", "OUT") for word in words]


def test_paths_by_position_come_after_the_options() -> None:
    assert called([INPUT, OUTPUT, RATE], rate=0.5) == ["run", "--rate", "0.5", "IN", "OUT"]


def test_positional_values_and_paths_keep_their_order() -> None:
    value = Parameter("name", "string")
    assert called([OUTPUT, value, INPUT, RATE], rate=0.5, name="x") == ["run", "OUT", "x", "IN", "--rate", "0.5"]


def test_an_option_that_takes_several_values_does_not_take_the_paths() -> None:
    sizes = Parameter("sizes", "integer", flag="--sizes", nargs="+")
    assert called([sizes, INPUT, OUTPUT], sizes=[1, 2]) == ["run", "IN", "OUT", "--sizes", "1", "2"]
