"""MLReef's decorators, docstrings and units."""

from __future__ import annotations

import pytest

from mlreef.extraction import docstrings, units
from mlreef.extraction.service import extract

FUNCTION = """
from mlreef.decorators import metric, parameter, processor

@processor(name="Blur pictures", kind="operation", input_types=["image"], output_types=["image"], tags=["images"])
@parameter("radius", type="integer", min=1, max=50, unit="pixels", help="of the blur")
@parameter("input_path", role="input")
@metric("sharpness", goal="maximize")
def blur(input_path: str, output_path: str, radius: int = 3, mode: str = "box"):
    pass
"""


def test_a_decorated_function_is_a_processor() -> None:
    found = extract(FUNCTION.encode(), "t.py")
    assert (found.errors, found.framework) == ([], "function")
    assert found.declared == {
        "name": "blur-pictures",
        "title": "Blur pictures",
        "kind": "operation",
        "input_types": ["image"],
        "output_types": ["image"],
        "tags": ["images"],
        "metrics": {"sharpness": {"goal": "maximize"}},
    }
    radius = next(one for one in found.parameters if one.name == "radius")
    assert (radius.min, radius.max, radius.unit, radius.help, radius.default) == (1, 50, "pixels", "of the blur", 3)
    assert found.command is not None
    assert '"decorators": ["mlreef.decorators"]' in found.command[4]


def test_decorators_say_more_of_what_argparse_declares() -> None:
    source = """
import argparse
from mlreef.decorators import parameter, processor
@processor(name="fit")
@parameter("rate", type="float", min=0, default=0.5)
@parameter("absent")
def main():
    p = argparse.ArgumentParser()
    p.add_argument("--rate")
    print(p.parse_args())
if __name__ == "__main__":
    main()
"""
    found = extract(source.encode(), "t.py")
    assert [(one.name, one.type, one.min, one.default) for one in found.parameters] == [("rate", "float", 0, 0.5)]
    assert "no parameter 'absent'" in found.warnings[0].message


def test_a_type_that_is_none_is_an_error_at_its_place() -> None:
    source = "from mlreef.decorators import parameter\n@parameter('x', type='matrix')\ndef f(): pass\n"
    fault = extract(source.encode(), "t.py").errors[0]
    assert (fault.position.line, "'matrix' is no type" in fault.message, "integer" in fault.remedy) == (2, True, True)


def test_decorators_of_others_mean_nothing() -> None:
    source = (
        "from game import parameter\nimport argparse\n@parameter('x')\ndef f(): pass\np = argparse.ArgumentParser()\n"
    )
    found = extract((source + "p.add_argument('--y')\np.parse_args()\n").encode(), "t.py")
    assert ([one.name for one in found.parameters], found.declared, found.command) == (["y"], {}, None)


GOOGLE = """Trains.

Args:
    rate (float): speed of
        learning
    *names: words

Returns:
    nothing: at all
"""
NUMPY = """Trains.

Parameters
----------
rate : float, optional
    speed of
    learning
names
    words

Returns
-------
nothing
    at all
"""
SPHINX = """Trains.

:param float rate: speed of
    learning
:param names: words
:returns: nothing
"""


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, SPHINX])
def test_docstrings_say_what_parameters_are(text: str) -> None:
    assert docstrings.parameters(text) == {"rate": "speed of learning", "names": "words"}
    assert docstrings.summary(text) == "Trains."


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("width in pixels", "pixels"),
        ("time to wait (seconds)", "seconds"),
        ("frame length [ms]", "milliseconds"),
        ("share (%)", "percent"),
        ("angle in degrees", "degrees"),
        ("rate in Hz (default: 3)", "Hz"),
        ("length of the window in hours", "hours"),
        ("start in s", None),
        ("seconds or minutes, in seconds (min)", None),
        ("number of epochs", None),
        ("in days of old, in hours", "hours"),
        ("the model in question", None),
        ("", None),
    ],
)
def test_units_are_taken_only_where_they_are_clear(text: str, unit: str | None) -> None:
    assert units.of(text) == unit


def test_the_decorators_do_nothing_when_the_program_runs() -> None:
    from mlreef.decorators import data_processor, metric, parameter, processor

    def function() -> int:
        return 3

    for decorator in (
        processor(name="x"),
        parameter("y", "int", True),
        metric("z", goal="minimize"),
        data_processor("d"),
    ):
        assert decorator(function) is function
