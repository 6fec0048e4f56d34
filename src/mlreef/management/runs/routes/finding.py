"""A run by its id, for callers who may do something with it; what is hidden is not there."""

from __future__ import annotations

from mlreef.kit.errors import Kind, PlatformError, not_found, unauthenticated
from mlreef.management.access import policy
from mlreef.management.access.policy import Action
from mlreef.management.access.service import Caller, ProjectAccess
from mlreef.management.runs import store
from mlreef.management.runs.records import RunView, Step
from mlreef.management.state import State


async def run_for(state: State, caller: Caller, run_id: str, action: Action) -> tuple[RunView, ProjectAccess]:
    """The run and the caller's access to its project; the answer never tells a hidden run from none."""
    async with state.db.read() as tx:
        run = await store.find_run(tx, run_id) if is_id(run_id) else None
        view = await store.get_view(tx, run_id) if run is not None else None
    if view is None:
        if caller.user is None and not policy.RULES[action].visible_suffices:
            raise unauthenticated("sign in to do this")
        raise not_found("Run")
    try:
        return view, await state.access.project(caller, view.run.project_id, action)
    except PlatformError as exc:
        if exc.kind is Kind.NOT_FOUND:
            raise not_found("Run") from exc
        raise


def is_id(text: str) -> bool:
    """Whether a text can be an id at all; databases refuse some that cannot."""
    return len(text) <= 40 and text.isascii() and text.replace("_", "").isalnum()


def step_of(view: RunView, name: str) -> Step:
    """A step of a run by name."""
    step = view.step(name)
    if step is None:
        raise not_found("Step")
    return step
