"""`rules:if` and its patterns."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlreef.forge.ci.config import expressions, patterns
from mlreef.forge.ci.config.errors import ConfigError

VARIABLES = {"A": "x", "EMPTY": "", "REF": "feature/abc-12", "PATTERN": "/^feature/"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$A", True),
        ("$EMPTY", False),
        ("$MISSING", False),
        ("$MISSING == null", True),
        ("$EMPTY == null", False),
        ('$EMPTY == ""', True),
        ("$A == 'x'", True),
        ('"x" == $A', True),
        ('$A != "x"', False),
        ("$A == $REF", False),
        (r"$REF =~ /^feature\/.*-\d+$/", True),
        ("$REF =~ /FEATURE/i", True),
        ("$REF !~ /main/", True),
        ("$REF =~ $PATTERN", True),
        ("$MISSING =~ /x/", False),
        ("$MISSING || $A", True),
        ("$MISSING && $A || $A", True),
        ("$MISSING && ($A || $A)", False),
        ("!$MISSING", True),
        ("(($A))", True),
        ("${A} == 'x'", True),
    ],
)
def test_expressions_mean_what_gitlab_says(expression: str, expected: bool):
    assert expressions.evaluate(expression, VARIABLES) is expected


@pytest.mark.parametrize(
    "bad", ["", "$A ==", "== $A", "$A $A", "$A =~ 'x'", "(", "$A)", "A == 'x'", "$A =~ /(/", "(" * 50]
)
def test_bad_expressions_are_faults(bad: str):
    assert expressions.check(bad)


@pytest.mark.parametrize("source", ["(a+)+$", "(a|a)*$", "(.*a){12}", "([a-z]+)*b$"])
def test_catastrophic_patterns_take_linear_time(source: str):
    pattern = patterns.compile_pattern(source)
    started = time.perf_counter()
    pattern.search("a" * 2000 + "!")
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("source", ["(?=a)", r"(a)\1", "a{1000000}", "(?<!a)b", "((a{50}){50}){50}"])
def test_patterns_beyond_re2_are_refused(source: str):
    with pytest.raises(ConfigError):
        patterns.compile_pattern(source)


_PIECES = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", "^", "$", "(a|b)", "(ab)", r"\b", "a{2}", "b{1,2}"]
)
_SUFFIX = st.sampled_from(["", "*", "+", "?", "*?"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_PIECES, _SUFFIX), max_size=5), st.text("ab1 \n", max_size=6))
def test_patterns_agree_with_the_standard_library(parts: list[tuple[str, str]], subject: str):
    source = "".join(piece if piece in {"^", "$", r"\b"} or "{" in piece else piece + suffix for piece, suffix in parts)
    assert patterns.compile_pattern(source).search(subject) is (re.search(source, subject, re.ASCII) is not None)
