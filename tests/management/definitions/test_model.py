"""Structural faults of definitions: all at once, each naming its field."""

from __future__ import annotations

import pytest

from mlreef.kit.errors import PlatformError
from mlreef.management.definitions import model, yaml_form


def document(**changes):
    step = {"name": "augment", "processor": "demo/augment/augment@1.0.0"}
    return {"version": 1, "name": "augment", "kind": "dataops", "steps": [step], **changes}


def faults_of(value):
    return {fault.field: fault.message for fault in model.parse(value)[1]}


def test_a_minimal_definition_is_accepted():
    definition, faults = model.parse(document())
    assert faults == []
    assert definition is not None
    assert (definition.steps[0].slug, definition.steps[0].version) == ("demo/augment/augment", "1.0.0")


def test_all_faults_come_at_once_and_name_their_fields():
    step = {"name": "A b", "processor": "x", "inputs": {"input": {}}, "timeout": "1", "colour": 1}
    found = faults_of({"version": 2, "kind": "video", "steps": [step]})
    assert set(found) == {
        "version",
        "name",
        "kind",
        "steps[0].name",
        "steps[0].processor",
        "steps[0].inputs.input",
        "steps[0].timeout",
        "steps[0].colour",
    }


@pytest.mark.parametrize("name", ["variables", "stages", "default", "-x", "x" * 64, "", "ä"])
def test_step_names_that_mean_something_to_ci_are_refused(name):
    step = {"name": name, "processor": "demo/augment/augment@1.0.0"}
    assert "steps[0].name" in faults_of(document(steps=[step]))


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"branch": "main", "commit": "a" * 40},
        {"branch": "main", "output": "output"},
        {"step": "a", "path": "x"},
        {"branch": "main", "path": "../secret"},
        {"branch": "main", "path": "a/.git/config"},
        {"branch": "a..b"},
        {"branch": ["main"]},
        {"commit": "main"},
    ],
)
def test_inputs_name_exactly_one_place_inside_the_repository(source):
    step = {"name": "a", "processor": "demo/augment/augment@1.0.0", "inputs": {"input": source}}
    assert any(field.startswith("steps[0].inputs.input") for field in faults_of(document(steps=[step])))


@pytest.mark.parametrize("value", [None, [], "text", {"steps": {}}, {"steps": []}])
def test_what_is_no_definition_is_an_error_and_no_crash(value):
    assert model.parse(value)[0] is None
    assert faults_of(value)


def test_numbers_of_yaml_are_numbers_and_words_are_words():
    found = yaml_form.load("a: 1e-4\nb: -3\nc: on\nd: 2026-01-01\ne: 1_000\nf: 'true'\ng: true\nh: 0o17")
    assert found == {
        "a": 0.0001,
        "b": -3,
        "c": "on",
        "d": "2026-01-01",
        "e": "1_000",
        "f": "true",
        "g": True,
        "h": "0o17",
    }


@pytest.mark.parametrize("content", ["a: &x 1\nb: *x", "a: 1\na: 2", "[1, 2", "? [a]\n: 1", "a: !!python/object:x 1"])
def test_yaml_with_aliases_duplicates_or_tags_is_refused_with_its_place(content):
    with pytest.raises(PlatformError, match=r"line \d+, column \d+"):
        yaml_form.load(content)


def test_deep_yaml_is_refused():
    with pytest.raises(PlatformError, match="nested too deeply"):
        yaml_form.load("[" * 5000 + "]" * 5000)
