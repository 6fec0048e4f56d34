"""Definitions survive YAML, and canonical JSON and cache keys depend on content alone."""

from __future__ import annotations

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from mlreef.kit.errors import PlatformError
from mlreef.management.definitions import canonical, model, yaml_form
from mlreef.management.runs import cache_keys

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4))
names = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True).filter(lambda name: name not in model.RESERVED)
clean = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
steps = st.fixed_dictionaries(
    {"name": names, "processor": st.just("group/project/augment@1.0.0"), "parameters": st.dictionaries(clean, values)},
    optional={"machine": clean, "timeout": st.integers(1, 3600)},
)
documents = st.fixed_dictionaries(
    {
        "version": st.just(1),
        "name": names,
        "kind": st.sampled_from(["dataops", "experiment", "visualization"]),
        "steps": st.lists(steps, min_size=1, max_size=3),
    }
)


def same(left: object, right: object) -> bool:
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


@given(values)
def test_any_json_value_survives_yaml(value):
    assert same(yaml_form.load(yaml_form.dump(value)), value)


@given(documents)
def test_a_definition_survives_json_and_yaml(document):
    definition, faults = model.parse(document)
    assert faults == []
    assert definition is not None
    again, faults = model.parse(yaml_form.load(yaml_form.dump(definition.to_json())))
    assert (again, faults) == (definition, [])


@given(st.dictionaries(text, values))
def test_canonical_bytes_do_not_depend_on_the_order_of_keys(value):
    shuffled = dict(reversed(list(value.items())))
    assert canonical.encode(shuffled) == canonical.encode(value)
    assert same(json.loads(canonical.encode(value)), value)


@given(st.dictionaries(clean, values, max_size=4), st.dictionaries(clean, values, max_size=4))
def test_cache_keys_are_equal_exactly_when_parameters_are(left, right):
    def key(parameters):
        return cache_keys.of_step(
            image_digest="sha256:1", command=["run"], parameters=parameters, inputs={}, outputs=["output"]
        )

    assert (key(left) == key(right)) == same(left, right)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="surrogatepass")))
def test_hostile_yaml_gives_a_value_or_one_clear_error(content):
    with contextlib.suppress(PlatformError):  # anything else is a crash
        yaml_form.load(content)
