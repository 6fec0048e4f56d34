"""Parameter values keep their type, or an error says what is taken."""

from __future__ import annotations

import pytest

from mlreef.management.definitions import values
from mlreef.management.definitions.values import BadValue, Parameter


def parameter(kind="string", **fields):
    return Parameter(name="p", type=kind, flag=fields.pop("flag", "--p"), **fields)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("integer", -7, -7),
        ("integer", 3.0, 3),
        ("float", 1e-4, 0.0001),
        ("float", 1, 1.0),
        ("boolean", False, False),
        ("string", "a\nb\t\u2028", "a\nb\t\u2028"),
        ("string", "x" * 10_000, "x" * 10_000),
        ("path", "../anything it wants", "../anything it wants"),
        ("list", [1, "a", True], [1, "a", True]),
        ("dictionary", {"a": [1]}, {"a": [1]}),
    ],
)
def test_values_of_the_right_type_are_taken_verbatim(kind, value, expected):
    found = values.check(parameter(kind), value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", "1"),
        ("integer", True),
        ("integer", 1.5),
        ("float", "1e-4"),
        ("float", float("nan")),
        ("float", 10**400),
        ("boolean", 1),
        ("boolean", "true"),
        ("string", 1),
        ("string", None),
        ("string", "\x00"),
        ("string", "\ud800"),
        ("string", "x" * 100_001),
        ("list", "a"),
        ("list", [[1]]),
        ("dictionary", []),
        ("dictionary", {"a": float("inf")}),
    ],
)
def test_values_of_another_type_are_refused(kind, value):
    with pytest.raises(BadValue):
        values.check(parameter(kind), value)


def test_ranges_and_choices_are_checked():
    assert values.check(parameter("integer", min=-90, max=90), -90) == -90
    with pytest.raises(BadValue, match="less than the least"):
        values.check(parameter("integer", min=-90), -91)
    with pytest.raises(BadValue, match="one of adam, sgd"):
        values.check(parameter("choice", choices=("adam", "sgd")), "rmsprop")
    with pytest.raises(BadValue, match="one of 1, 2"):
        values.check(parameter("choice", choices=(1, 2)), True)


@pytest.mark.parametrize(
    ("given", "value", "expected"),
    [
        (parameter("integer"), 10, [{"flag": "--p", "value": "10"}]),
        (parameter("integer"), -10, [{"flag": None, "value": "--p=-10"}]),
        (parameter("float"), -1e-4, [{"flag": None, "value": "--p=-0.0001"}]),
        (parameter("string", flag="-p"), "-x", [{"flag": None, "value": "-p-x"}]),
        (parameter("string"), "; rm -rf / #", [{"flag": "--p", "value": "; rm -rf / #"}]),
        (parameter("boolean"), True, [{"flag": "--p", "value": None}]),
        (parameter("boolean"), False, []),
        (parameter("boolean", negated_flag="--no-p"), False, [{"flag": "--no-p", "value": None}]),
        (parameter("list", nargs="+"), ["a", 1], [{"flag": "--p", "values": ["a", "1"]}]),
        (parameter("string", flag=None), "x", [{"flag": None, "value": "x"}]),
    ],
)
def test_values_become_separate_arguments(given, value, expected):
    assert values.arguments(given, values.check(given, value)) == [{"name": "p", **one} for one in expected]


def test_a_repeatable_option_is_repeated():
    given = parameter("string", multiple=True)
    assert [one["value"] for one in values.arguments(given, values.check(given, ["a", "b"]))] == ["a", "b"]
