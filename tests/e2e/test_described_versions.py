"""A version whose description sets a limit and brings reference data: both bind where it runs."""

from __future__ import annotations

from typing import Any

import pytest

from support.live import Live
from support.terminal import answer, mlreef

pytestmark = pytest.mark.slow

FIRST = "lab/code-copy/copy@1.0.0"
PROGRAM = """
import argparse
import pathlib
import time

parser = argparse.ArgumentParser(description="Needs memory")
parser.add_argument("--input-path", required=True)
parser.add_argument("--output-path", required=True)
parser.add_argument("--megabytes", type=int, default=1)
parser.add_argument("--seconds", type=int, default=0, help="how long the memory is held")
args = parser.parse_args()
held = b"x" * (args.megabytes << 20)
time.sleep(args.seconds)
pathlib.Path(args.output_path, "held.txt").write_text(str(len(held)))
"""
DESCRIPTION = """\
name: hungry
kind: operation
entry: hungry.py
environment: python-3.11
inputs: [input_path]
outputs: [output_path]
resources: {memory: 96MiB}
reference:
  inputs: {input_path: reference}
  parameters: {megabytes: %d, seconds: %d}
  outputs: {output_path: {files: ">= 1"}}
"""


def published(live: Live, name: str, *, megabytes: int, seconds: int) -> str:
    """Publish the program under a name; `megabytes` and `seconds` are what its reference run asks for."""
    text = DESCRIPTION.replace("hungry\n", f"{name}\n", 1) % (megabytes, seconds)
    files = {"hungry.py": PROGRAM, "processor.yaml": text, "reference/a.txt": "a\n"}
    made = live.project(f"code-{name}", files)
    started = live.reef.publish(made.id, ref="main", entry="processor.yaml")
    done: dict[str, Any] = live.reef.wait_publication(started["id"], timeout=240)
    assert done["status"] == "succeeded", done
    return f"lab/code-{name}/{name}@{done['version']}"


@pytest.fixture(scope="module")
def hungry(live_server: Live) -> str:
    return published(live_server, "hungry", megabytes=1, seconds=0)


def test_the_memory_that_a_description_grants_binds(live_server: Live, hungry: str) -> None:
    within = answer(live_server, "processor", "run", hungry, "lab/data", "-p", "megabytes=16")
    assert within["status"] == "success"
    too_much = ["-p", "megabytes=400", "-p", "seconds=120"]
    beyond = answer(live_server, "processor", "run", hungry, "lab/data", *too_much, code=1)
    assert (beyond["status"], beyond["steps"][0]["reason"]) == ("failed", "memory_limit")


def test_a_version_proves_itself_on_its_reference_data(live_server: Live, hungry: str) -> None:
    assert answer(live_server, "processor", "verify", hungry)["status"] == "passed"
    found = answer(live_server, "processor", "search", "hungry", "--verified")
    assert [one["slug"] for one in found["items"]] == ["lab/code-hungry/hungry"]


def test_a_version_that_fails_on_its_reference_data_says_why(live_server: Live) -> None:
    greedy = published(live_server, "greedy", megabytes=400, seconds=120)
    told = answer(live_server, "processor", "verify", greedy, code=1)
    assert told["status"] == "failed"
    assert "memory and its limit is" in told["reason"]
    assert answer(live_server, "processor", "search", "greedy", "--verified")["total"] == 0


def test_what_to_use_instead_is_told(live_server: Live, hungry: str) -> None:
    told = mlreef(
        live_server, "processor", "deprecate", hungry, "--message", "Too hungry", "--replacement", FIRST
    ).stdout
    assert "Too hungry" in told
    assert FIRST in told
    assert answer(live_server, "processor", "undeprecate", hungry)["status"] == "published"
