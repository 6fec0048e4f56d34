"""The state machine of jobs and pipelines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlreef.forge.ci import statuses
from mlreef.forge.ci.statuses import JobState, Status


def job(number: int, stage: int, status: str = "created", **more: object) -> JobState:
    values = {"when": "on_success", "allow_failure": False, "needs": None, **more}
    return JobState(number, f"j{number}", stage, Status(status), **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["success", "success"], "success"),
        (["success", "failed"], "failed"),
        (["success", "running"], "running"),
        (["created", "created"], "created"),
        (["pending", "created"], "pending"),
        (["success", "pending"], "running"),
        (["success", "created"], "running"),
        (["canceled", "success"], "canceled"),
        (["failed", "canceled"], "failed"),
        (["skipped", "skipped"], "skipped"),
        (["failed", "skipped"], "failed"),
        (["success", "skipped"], "success"),
        (["success", "manual", "created"], "manual"),
        (["canceling", "success"], "canceling"),
        (["failed", "running"], "running"),
    ],
)
def test_a_pipelines_state_follows_from_its_jobs(states: list[str], expected: str):
    assert statuses.pipeline_status([job(n, 0, state) for n, state in enumerate(states)]) == expected


@pytest.mark.parametrize(("state", "expected"), [("failed", "success"), ("manual", "skipped"), ("canceled", "success")])
def test_allowed_failures_and_optional_manual_jobs_do_not_count(state: str, expected: str):
    assert statuses.pipeline_status([job(1, 0, state, allow_failure=True)]) == expected


def test_a_stage_waits_for_the_one_before():
    assert statuses.advance([job(1, 0), job(2, 1)]) == {1: Status.PENDING}
    assert statuses.advance([job(1, 0, "success"), job(2, 1), job(3, 2)]) == {2: Status.PENDING}


def test_a_failure_skips_what_follows_and_starts_on_failure_jobs():
    jobs = [job(1, 0, "failed"), job(2, 1), job(3, 2, when="on_failure"), job(4, 3, when="always")]
    assert statuses.advance(jobs) == {2: Status.SKIPPED, 3: Status.PENDING}


def test_needs_do_not_wait_for_stages():
    jobs = [job(1, 0, "success"), job(2, 0, "running"), job(3, 1, needs=("j1",)), job(4, 1)]
    assert statuses.advance(jobs) == {3: Status.PENDING}


def test_no_needs_start_at_once_and_skipped_needs_skip():
    assert statuses.advance([job(1, 0, "running"), job(2, 5, needs=())]) == {2: Status.PENDING}
    jobs = [job(1, 0, "failed"), job(2, 1, needs=("j1",)), job(3, 2, needs=("j2",))]
    assert statuses.advance(jobs) == {2: Status.SKIPPED, 3: Status.SKIPPED}


def test_a_blocking_manual_job_holds_and_an_optional_one_does_not():
    assert statuses.advance([job(1, 0, when="manual"), job(2, 1)]) == {1: Status.MANUAL}
    optional = [job(1, 0, when="manual", allow_failure=True), job(2, 1)]
    assert statuses.advance(optional) == {1: Status.MANUAL, 2: Status.PENDING}


@given(st.sampled_from(list(Status)), st.sampled_from(list(Status)))
def test_nothing_leaves_a_terminal_state(start: Status, end: Status):
    if start in statuses.TERMINAL:
        assert not statuses.may(start, end)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(list(Status)), st.booleans()), min_size=1, max_size=8))
def test_every_created_job_ends_up_somewhere_once_all_before_it_ended(rows: list[tuple[int, Status, bool]]):
    ended = {Status.RUNNING: Status.SUCCESS, Status.PENDING: Status.FAILED, Status.CANCELING: Status.CANCELED}
    jobs = [
        JobState(n, f"j{n}", stage, ended.get(status, status), "on_success", allowed, None)
        for n, (stage, status, allowed) in enumerate(rows)
        if status is not Status.MANUAL
    ]
    moves = statuses.advance(jobs)
    first = min((item.stage_index for item in jobs if item.status is Status.CREATED), default=None)
    assert all(item.id in moves for item in jobs if item.status is Status.CREATED and item.stage_index == first)
