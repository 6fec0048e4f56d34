"""Versions from the terminal: search, facets, run, deprecate, unpublish, republish, changes, and their refusals."""

from __future__ import annotations

import pytest

from mlreef import sdk
from support.live import Live
from support.terminal import answer, mlreef

pytestmark = pytest.mark.slow

FIRST = "lab/code-copy/copy@1.0.0"


def test_processors_are_searched_and_counted(live_server: Live) -> None:
    told = mlreef(live_server, "processor", "search", "copy", "-f", "kind=operation")
    assert "lab/code-copy/copy" in told.stdout
    assert "of" in told.stderr
    found = answer(live_server, "processor", "search", "copy", "--mine")
    assert "lab/code-copy/copy" in [one["slug"] for one in found["items"]]
    assert answer(live_server, "processor", "search", "nothing-is-called-so")["total"] == 0
    kinds = {one["value"]: one["count"] for one in answer(live_server, "processor", "facets")["kind"]}
    assert kinds["operation"] >= 3
    assert "algorithm" in mlreef(live_server, "processor", "facets").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["search", "-f", "kind"], "is no filter"),
        (["changes", "lab/code-copy/copy"], "names no version"),
        (["changes", "lab/code-copy/copy@9.9.9"], "has no version 9.9.9"),
        (["verify", "lab/code-copy/nothing@1.0.0"], "not found"),
        (["deprecate", "nowhere/at/all@1.0.0", "--message", "x"], "not found"),
        (["run", "nowhere/at/all", "lab/data"], "not found"),
        (["run", "lab/code-copy/copy", "lab/data", "-p", "times"], "write name=value"),
        (["run", "lab/code-copy/copy", "lab/nothing"], "lab/nothing"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(live_server: Live, arguments: list[str], told: str) -> None:
    done = mlreef(live_server, "processor", *arguments, code=1)
    assert told.lower() in done.stderr.lower()
    assert done.stderr.startswith("error: ")
    assert done.stdout == ""


def test_a_version_is_deprecated_and_taken_back(live_server: Live) -> None:
    told = mlreef(live_server, "processor", "deprecate", FIRST, "--message", "Too slow").stdout
    assert "deprecated" in told
    assert "Too slow" in told
    assert answer(live_server, "processor", "undeprecate", FIRST)["status"] == "published"


def test_a_stranger_may_not_deprecate(live_server: Live) -> None:
    live_server.new_user("stranger-of-versions", live_server.password)
    token = sdk.login(live_server.url, "stranger-of-versions", live_server.password)
    done = mlreef(live_server, "processor", "deprecate", FIRST, "--message", "mine", code=1, token=token)
    assert done.stderr.startswith("error: ")


def test_a_version_is_republished_compared_and_unpublished(live_server: Live) -> None:
    made = mlreef(live_server, "processor", "republish", FIRST, "--version", "7.1.0")
    assert made.stdout.strip() == "lab/code-copy/copy@7.1.0"
    compared = ["processor", "changes", "lab/code-copy/copy@7.1.0", "--from", "1.0.0"]
    found = answer(live_server, *compared)
    assert (found["from"]["version"], found["to"]["version"], found["breaking"]) == ("1.0.0", "7.1.0", False)
    assert "1.0.0 -> 7.1.0" in mlreef(live_server, *compared).stdout
    gone = answer(live_server, "processor", "unpublish", "lab/code-copy/copy@7.1.0", "--reason", "A trial")
    assert (gone["status"], gone["status_message"]) == ("unpublished", "A trial")
    assert "error" in mlreef(live_server, "processor", "republish", FIRST, "--version", "7.1.0", code=1).stderr


def test_a_version_without_reference_data_cannot_be_verified(live_server: Live) -> None:
    assert "reference" in mlreef(live_server, "processor", "verify", FIRST, code=1).stderr


def test_one_processor_runs_without_a_file(live_server: Live) -> None:
    chosen = ["run", "lab/code-copy/copy", "lab/data", "--input", "main:input", "-p", "times=2", "-p", "suffix= short"]
    run = answer(live_server, "processor", *chosen)
    assert (run["status"], [one["name"] for one in run["steps"]]) == ("success", ["run"])
    told = mlreef(live_server, "processor", *chosen)
    assert f"{live_server.url}/lab/data/-/runs/" in told.stderr
    wrong = mlreef(live_server, "processor", *chosen[:-2], "-p", "times=many", code=1)
    assert "times" in wrong.stderr
