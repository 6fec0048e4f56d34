"""Hostile and ordinary YAML."""

from __future__ import annotations

import time

import pytest

from mlreef.forge.ci.config import document
from mlreef.forge.ci.config.errors import ConfigError


def test_anchors_and_merge_keys_work():
    found = document.load(".a: &a {script: [x]}\nb: {<<: *a, stage: test}", "f")
    assert found["b"] == {"script": ["x"], "stage": "test"}


def test_dates_stay_text():
    assert document.load("variables: {DAY: 2020-01-01}", "f")["variables"]["DAY"] == "2020-01-01"


def test_references_are_kept_for_later():
    found = document.load("a: {script: !reference [b, script]}", "f")
    assert found["a"]["script"] == document.Reference(("b", "script"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "did not find expected"),
        ("- a", "Invalid configuration format"),
        ("", "Invalid configuration format"),
        ("a: &b {c: *b}", "contains itself"),
        ("a: *nowhere", "undefined alias"),
        ("[" * 5000, "nested deeper"),
        ("a: " + "{a: " * 5000, "nested deeper"),
        ("a: !!python/object:os.system {}", "could not determine a constructor"),
        ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("a: !secret b", "could not determine a constructor"),
        ("? {a: b}\n: c", "unhashable"),
        (b"a: \xff", "not UTF-8"),
        ("a: " + "x" * document.MAX_BYTES, "larger than"),
        ("a: [" + "x," * 70000 + "]", "more than"),
    ],
)
def test_bad_documents_are_refused_with_a_reason(text: str | bytes, said: str):
    with pytest.raises(ConfigError, match=r"(?s).*") as caught:
        document.load(text, "f")
    assert said in caught.value.message


def test_a_billion_laughs_cost_milliseconds():
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]" for n in range(20)]
    started = time.perf_counter()
    with pytest.raises(ConfigError, match="aliases expand"):
        document.load("\n".join(lines), "f")
    assert time.perf_counter() - started < 1


def test_a_hundred_thousand_jobs_are_refused_within_a_second():
    text = "".join(f"j{n}: {{script: x}}\n" for n in range(45000))
    started = time.perf_counter()
    with pytest.raises(ConfigError, match="more than"):
        document.load(text, "f")
    assert time.perf_counter() - started < 1
