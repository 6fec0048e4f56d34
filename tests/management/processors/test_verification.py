"""Verification: the reference runs in the code project, and the badge follows what comes out."""

from __future__ import annotations

from typing import Any

import pytest
from access_world import manifest_of, serve_lfs
from code_project import SCRIPT, Code
from shelf import MANIFEST, facet, processor, project

from mlreef.management.processors import verification

REFERENCE = """\
reference:
  inputs: {input_path: reference/input}
  parameters: {rotate: 5}
  outputs: {output_path: {files: ">= 1"}}
"""


@pytest.fixture
async def proven(code: Code) -> Code:
    files = {
        "steps/augment.py": SCRIPT,
        "steps/processor.yaml": MANIFEST.format(name="augment", more=REFERENCE),
        "steps/reference/input/a.png": "picture",
    }
    there = project(code, "g/proven", files=files)
    there.project.members["mlreef-bot"] = 30
    serve_lfs(code.forge, b"weights")
    await there.published(entry="steps/processor.yaml", name="augment")
    return there


async def verify(code: Code, status: int = 202) -> dict[str, Any]:
    whole = await processor(code, "g/proven/augment")
    answer = await code.maintainer.post(f"/api/v1/processor-versions/{whole['latest']['id']}/verify")
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def finish(code: Code, run_id: str, *, status: str = "success") -> dict[str, Any]:
    """What the run's job does."""
    run = (await code.maintainer.get(f"/api/v1/runs/{run_id}")).json()
    job_id = code.forge.add_job(run["ci_pipeline_id"], "reference")
    job = code.client(job=code.forge.id_token(run["ci_pipeline_id"], job_id))
    spec = (await job.get("/api/v1/jobs/current")).json()
    kept = await job.put("/api/v1/jobs/current/outputs/output_path", content=manifest_of(b"weights"))
    assert kept.status_code == 200, kept.text
    reason = None if status == "success" else "exit_code"
    await job.put("/api/v1/jobs/current/result", json={"status": status, "reason": reason, "duration_s": 1})
    assert (await code.hook(code.forge.job_event(job_id, status))).status_code == 200
    found: dict[str, Any] = spec
    return found


async def test_a_version_that_passes_gets_the_badge(proven: Code, state: Any) -> None:
    begun = await verify(proven)
    assert (begun["status"], begun["reason"]) == ("running", None)
    spec = await finish(proven, begun["run_id"])
    assert spec["inputs"][0]["source"]["path"] == "steps/reference/input"
    assert [one["value"] for one in spec["arguments"] if one["name"] == "rotate"] == ["5"]
    await verification.look(state)
    whole = await processor(proven, "g/proven/augment")
    assert (whole["verified"], whole["verification"]["status"]) == (True, "passed")
    assert whole["latest"]["verified"]
    assert await facet(proven.maintainer, "verified") == {"true": 1}
    run = (await proven.maintainer.get(f"/api/v1/runs/{begun['run_id']}")).json()
    assert (run["status"], run["dataset"], run["created_by"]["username"]) == ("success", None, "mlreef-bot")


async def test_a_failing_verification_takes_the_badge_and_says_why(proven: Code, state: Any) -> None:
    await finish(proven, (await verify(proven))["run_id"])
    await verification.look(state)
    await finish(proven, (await verify(proven))["run_id"], status="failed")
    await verification.look(state)
    whole = await processor(proven, "g/proven/augment")
    assert (whole["verified"], whole["verification"]["status"]) == (False, "failed")
    assert "the run ended as failed" in whole["verification"]["reason"]
    assert await facet(proven.maintainer, "verified") == {}


async def test_one_at_a_time(proven: Code) -> None:
    await verify(proven)
    assert "is being verified already" in (await verify(proven, 409))["error"]["message"]


async def test_the_nightly_loop_begins_what_is_due(proven: Code, state: Any, clock: Any) -> None:
    version = (await processor(proven, "g/proven/augment"))["latest"]["id"]
    await verification.nightly(state)
    fresh = (await proven.maintainer.get(f"/api/v1/processor-versions/{version}/verifications")).json()
    assert fresh["total"] == 0  # nothing runs on somebody's account only because a version was published
    clock.advance(25 * 3600)
    await verification.nightly(state)
    listed = (await proven.maintainer.get(f"/api/v1/processor-versions/{version}/verifications")).json()
    assert [one["status"] for one in listed["items"]] == ["running"]
    await verification.nightly(state)
    again = (await proven.maintainer.get(f"/api/v1/processor-versions/{version}/verifications")).json()
    assert again["total"] == 1


async def test_a_new_version_has_to_prove_itself(proven: Code, state: Any) -> None:
    await finish(proven, (await verify(proven))["run_id"])
    await verification.look(state)
    await proven.published(entry="steps/processor.yaml", name="augment")
    assert (await processor(proven, "g/proven/augment"))["verified"] is False
    assert await facet(proven.maintainer, "verified") == {}


async def test_without_a_reference_there_is_nothing_to_verify(code: Code) -> None:
    done = await code.published()
    answer = await code.maintainer.post(f"/api/v1/processor-versions/{done['version_id']}/verify")
    assert answer.status_code == 400
    assert "write `reference` in processor.yaml" in answer.json()["error"]["message"]


async def test_a_start_that_fails_is_told(proven: Code) -> None:
    del proven.project.members["mlreef-bot"]
    begun = await verify(proven)
    assert begun["status"] == "failed"
    assert begun["reason"].startswith("the run could not be started: this needs the role Developer")


def test_metrics_and_outputs_are_compared() -> None:
    expected = {"accuracy": ">= 0.9", "loss": "< 1", "missing": "> 0"}
    faults = verification.metric_faults(expected, {"accuracy": 0.8, "loss": 0.5})
    assert faults == ["metric accuracy is 0.8, not >= 0.9", "metric missing was not reported"]
    assert verification.output_faults({"out": {"files": 2}, "x": {}}, {"out": 3, "x": 1}) == [
        "output out holds 3 files, not 2"
    ]
