"""Who is calling, and what they may do: asked of the forge with the caller's own credential."""

from __future__ import annotations

import pytest
from fake_forge import FakeForge

from mlreef.clients import credentials
from mlreef.kit.errors import Kind, PlatformError
from mlreef.management.access.policy import Action, Standing, decide
from mlreef.management.state import State


def kind_of(action: Action, standing: Standing | None) -> Kind | None:
    try:
        decide(action, standing)
    except PlatformError as exc:
        return exc.kind
    return None


@pytest.mark.parametrize(
    ("action", "standing", "expected"),
    [
        (Action.READ_CODE, None, Kind.NOT_FOUND),
        (Action.READ_CODE, Standing(False, 0, "public"), None),
        (Action.READ_CODE, Standing(True, 0, "internal"), None),
        (Action.READ_CODE, Standing(True, 10, "private"), Kind.FORBIDDEN),
        (Action.READ_CODE, Standing(True, 20, "private"), None),
        (Action.READ_PROJECT, Standing(True, 10, "private"), None),
        (Action.RUN, Standing(False, 0, "public"), Kind.UNAUTHENTICATED),
        (Action.RUN, Standing(True, 20, "public"), Kind.FORBIDDEN),
        (Action.RUN, Standing(True, 30, "private"), None),
        (Action.RUN, Standing(True, 50, "private", archived=True), Kind.FORBIDDEN),
        (Action.CONNECT, Standing(True, 30, "private"), Kind.FORBIDDEN),
        (Action.ADMINISTER, Standing(True, 50, "private"), Kind.FORBIDDEN),
    ],
)
def test_the_policy_decides(action: Action, standing: Standing | None, expected: Kind | None) -> None:
    assert kind_of(action, standing) == expected


async def test_a_hidden_project_is_not_there(state: State, forge: FakeForge) -> None:
    project = forge.add_project("g/secret")
    caller = await state.access.caller(credentials.pat(forge.add_user("eve").token))
    with pytest.raises(PlatformError) as caught:
        await state.access.project(caller, project.id, Action.READ_PROJECT)
    assert caught.value.kind is Kind.NOT_FOUND


async def test_a_visitor_sees_public_projects_and_must_sign_in_for_more(state: State, forge: FakeForge) -> None:
    project = forge.add_project("g/open", visibility="public")
    visitor = await state.access.caller(credentials.ANONYMOUS)
    found = await state.access.project(visitor, project.id, Action.READ_CODE)
    assert found.project.path == "g/open"
    with pytest.raises(PlatformError) as caught:
        await state.access.project(visitor, project.id, Action.RUN)
    assert caught.value.kind is Kind.UNAUTHENTICATED
