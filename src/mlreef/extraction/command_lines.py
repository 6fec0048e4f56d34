"""How a step's program is called: command, arguments, and where its inputs and outputs appear among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mlreef.extraction import arguments as values

INPUT_ROOT = "/mlreef/in"
OUTPUT_ROOT = "/mlreef/out"


class Program(Protocol):
    """What is called: a published version, or a program on this machine."""

    @property
    def command(self) -> Sequence[str]:
        """Its command without any parameter."""
        ...

    @property
    def parameters(self) -> Sequence[values.Parameter]:
        """What it declares."""
        ...

    def of_role(self, role: str) -> Sequence[values.Parameter]:
        """The parameters of a role, in the order declared."""
        ...


def flag(version: Program, name: str) -> str | None:
    declared = {one.name: one for one in version.parameters}
    return declared[name].flag if name in declared else ""


def in_order(version: Program, sources: Mapping[str, Any]) -> dict[str, Any]:
    names = [one.name for one in version.of_role("input")] or ["input"]
    return {name: sources[name] for name in names if name in sources}


def outputs(version: Program, *, positional: bool) -> list[dict[str, Any]]:
    declared = version.of_role("output")
    if not declared:
        return [{"name": "output", "flag": ""}]
    return [{"name": one.name, "flag": "" if positional and one.flag is None else one.flag} for one in declared]


def command_line(
    version: Program, given: Mapping[str, Any], inputs: set[str]
) -> tuple[list[str], list[values.Argument], bool]:
    """The command, its arguments, and whether positional paths were put into the command.

    Positional parameters have one order, whether they are values or paths; so as soon as a path is among them, all of
    them go into the command itself, in their order. Only where inputs and outputs come after all options anyway, and
    no option could take them for its own values, they stay there, as programs of most languages expect.
    """
    positional = [one for one in version.parameters if one.flag is None and not _is_switch(one)]
    in_command = any(one.role != "value" for one in positional) and not _fall_into_place(version, positional)
    command = list(version.command)
    arguments: list[values.Argument] = []
    for one in version.parameters:
        inside = in_command and one in positional
        if one.role == "value" and one.name in given:
            made = values.arguments(one, given[one.name])
            if inside:
                command += [text for item in made for text in _texts(item)]
            else:
                arguments += made
        elif inside and one.role == "input" and one.name in inputs:
            command.append(f"{INPUT_ROOT}/{one.name}")
        elif inside and one.role == "output":
            command.append(f"{OUTPUT_ROOT}/{one.name}")
    return command, arguments, in_command


def _fall_into_place(version: Program, positional: Sequence[values.Parameter]) -> bool:
    """Whether the order of positional paths is that of inputs and outputs behind the options."""
    if len(positional) < 2:
        return True
    greedy = any(one.flag and (one.type == "list" or one.nargs is not None) for one in version.parameters)
    roles = [one.role for one in positional]
    return not greedy and roles == sorted(roles) and "value" not in roles


def _is_switch(parameter: values.Parameter) -> bool:
    return parameter.flag is None and parameter.negated_flag is not None


def _texts(argument: values.Argument) -> Sequence[str]:
    values: list[str] = argument.get("values") or ([argument["value"]] if argument.get("value") is not None else [])
    return values


def effective(version: Program, given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in version.of_role("value"):
        if one.name in given:
            found[one.name] = given[one.name]
        elif one.default is not None:
            try:
                found[one.name] = values.check(one, one.default)
            except values.BadValue:
                found[one.name] = one.default  # the program's own affair: it is not passed
    return found
