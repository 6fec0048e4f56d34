"""The policy function: nobody is allowed what is not said, and visibility means the same everywhere."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlreef.forge.access import policy
from mlreef.forge.access.policy import Resource, allowed, visible
from mlreef.forge.access.principal import JobPrincipal, Principal

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANYBODY = Principal(at=NOW)
USER = Principal(at=NOW, user_id=1)
BLOCKED = Principal(at=NOW, user_id=1, blocked=True, admin=True)
ADMIN = Principal(at=NOW, user_id=2, admin=True)
JOB = Principal(at=NOW, user_id=1, method="job", job=JobPrincipal(1, 1, 7, 1))

actions = st.sampled_from([*policy.RULES, "unheard of"])
resources = st.builds(
    Resource,
    visibility=st.sampled_from(["private", "internal", "public"]),
    level=st.sampled_from([0, 5, 10, 20, 30, 40, 50]),
    project_id=st.sampled_from([None, 7, 8]),
    archived=st.booleans(),
)


@given(actions, resources)
def test_the_blocked_may_nothing(action: str, resource: Resource) -> None:
    assert not allowed(BLOCKED, action, resource)


@given(actions, resources)
def test_a_job_may_never_do_more_than_read_its_own_project(action: str, resource: Resource) -> None:
    if allowed(JOB, action, resource) and action != "public":
        assert action in {"guest", "reporter"}
        assert resource.project_id == 7
        assert allowed(USER, action, resource)


@given(actions, resources)
def test_who_may_do_something_may_know_that_it_exists(action: str, resource: Resource) -> None:
    level = policy.RULES[action].level if action in policy.RULES else None
    if level is not None and level >= policy.Level.GUEST and allowed(USER, action, resource):
        assert visible(USER, resource)


@given(actions, resources, st.sampled_from([10, 20, 30, 40, 50]))
def test_a_higher_level_never_takes_rights_away(action: str, resource: Resource, level: int) -> None:
    higher = Resource(resource.visibility, max(level, resource.level), resource.project_id, None, resource.archived)
    assert allowed(USER, action, higher) >= allowed(USER, action, resource)


@pytest.mark.parametrize("visibility", ["private", "internal"])
def test_strangers_without_login_see_public_things_only(visibility: str) -> None:
    assert not visible(ANYBODY, Resource(visibility))
    assert visible(ANYBODY, Resource("public"))


def test_a_guest_of_a_private_project_does_not_read_code() -> None:
    assert not allowed(USER, "reporter", Resource("private", level=10))
    assert allowed(USER, "reporter", Resource("public", level=10))


def test_what_nobody_declared_is_denied_to_administrators_too() -> None:
    assert not allowed(ADMIN, "unheard of")
