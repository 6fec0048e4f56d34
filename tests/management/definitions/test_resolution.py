"""Resolving definitions: every fault at once, named by its field; plans name only what never changes."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "runs"))

import pytest
from world import LIMITS, PROJECT, Catalogue, Repository, pipeline, processor, step

from mlreef.management.definitions import model, resolution, values


async def resolve(document, *versions):
    definition, faults = model.parse(document)
    assert definition is not None, faults
    everything = versions or (processor(), processor("train", "algorithm"), processor("plot", "visualization"))
    return await resolution.resolve(
        definition, project_id=PROJECT, catalogue=Catalogue(*everything), repository=Repository(), limits=LIMITS
    )


async def faults_of(document, *versions):
    plan, faults = await resolve(document, *versions)
    assert plan is None
    return {fault.field: fault.message for fault in faults}


async def test_a_plan_names_commits_objects_and_digests():
    plan, faults = await resolve(pipeline(step(rotate=5), target={"path": "out"}))
    assert faults == []
    planned = plan.steps[0]
    assert planned.inputs[0].source == {
        "type": "git",
        "project_id": PROJECT,
        "branch": "main",
        "commit": "c" * 40,
        "path": "train",
        "object_type": "tree",
        "object_id": "t1",
    }
    assert (planned.parameters, planned.machine, planned.timeout) == ({"rotate": 5}, "cpu-small", 3600)


async def test_every_fault_comes_at_once():
    bad = step("augment", rotate="ten", colour=1)
    bad |= {"machine": "tpu", "timeout": 10**5, "inputs": {"input": {"branch": "gone"}, "extra": {"step": "x"}}}
    other = step("crop", "g/none/none@1.0.0", path="nowhere")
    assert set(await faults_of(pipeline(bad, other))) == {
        "steps[0].parameters.rotate",
        "steps[0].parameters.colour",
        "steps[0].machine",
        "steps[0].timeout",
        "steps[0].inputs.input.branch",
        "steps[0].inputs.extra",
        "steps[0].inputs.extra.step",
        "steps[1].processor",
        "steps[1].inputs.input.path",
    }


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([step("a"), step("a")], "steps[1].name"),
        ([step("a", after="b"), step("b", after="a")], "steps"),
        ([step("a", after="a")], "steps"),
        ([step("a"), {**step("b"), "inputs": {"input": {"step": "a", "output": "x"}}}], "steps[1].inputs.input.output"),
        ([{**step("a"), "inputs": {}}], "steps[0].inputs.input"),
        ([{**step("a"), "inputs": {"input": {"commit": "abcdef1"}}}], "steps[0].inputs.input.commit"),
        ([{**step("a"), "parameters": {"input": "x"}}], "steps[0].parameters.input"),
        ([{**step("a"), "parameters": {"rotate": 181}}], "steps[0].parameters.rotate"),
        ([{**step("a"), "parameters": {"rotate": True}}], "steps[0].parameters.rotate"),
    ],
)
async def test_faults_name_their_field(steps, field):
    assert field in await faults_of(pipeline(*steps))


TRAIN = "g/train/train@1.0.0"
PLOT = "g/plot/plot@1.0.0"


@pytest.mark.parametrize(
    ("kind", "steps", "field"),
    [
        ("dataops", [step("a"), step("b", TRAIN, after="a")], "steps[1].processor"),
        ("experiment", [step("a")], "steps[0].processor"),
        ("experiment", [step("a", TRAIN), step("b", after="a")], "steps[0].processor"),
        ("visualization", [step("a", TRAIN)], "steps[0].processor"),
        ("visualization", [step("a", PLOT), step("b")], "steps[1].processor"),
    ],
)
async def test_kinds_decide_which_processors_stand_where(kind, steps, field):
    assert field in await faults_of(pipeline(*steps, kind=kind))


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("dataops", [step("b", after="a"), step("a")]),
        ("experiment", [step("a"), step("b", TRAIN, after="a"), step("c", TRAIN, after="a")]),
        ("visualization", [step("a"), step("b", PLOT, after="a")]),
    ],
)
async def test_steps_are_planned_in_the_order_they_can_run(kind, steps):
    plan, faults = await resolve(pipeline(*steps, kind=kind))
    assert faults == []
    assert plan.steps[0].name == "a"


async def test_a_required_parameter_without_a_value_is_named():
    declared = (values.Parameter("epochs", "integer", "--epochs", required=True),)
    faults = await faults_of(
        pipeline({"name": "a", "processor": "g/augment/augment@1.0.0"}),
        processor("augment", "operation", "1.0.0", *declared),
    )
    assert faults == {"steps[0].parameters.epochs": "is required, but has no value"}


async def test_positional_paths_and_values_keep_their_order():
    declared = (
        values.Parameter("source", "path", None, required=True, role="input"),
        values.Parameter("factor", "float", None, required=True),
        values.Parameter("target", "path", None, role="output"),
        values.Parameter("fast", "boolean", "--fast"),
    )
    given = {"name": "a", "processor": "g/augment/augment@latest", "inputs": {"source": {"branch": "main"}}}
    plan, faults = await resolve(
        pipeline({**given, "parameters": {"factor": -0.5, "fast": True}}),
        processor("augment", "operation", "1.0.0", *declared),
    )
    assert faults == []
    planned = plan.steps[0]
    assert planned.command == ["python3", "augment.py", "/mlreef/in/source", "-0.5", "/mlreef/out/target"]
    assert planned.arguments == [{"name": "fast", "flag": "--fast", "value": None}]
    assert (planned.inputs[0].flag, planned.outputs) == ("", [{"name": "target", "flag": ""}])
