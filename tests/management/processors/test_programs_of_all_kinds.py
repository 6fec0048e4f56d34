"""What inspection finds in programs that are more than one script with one parser, and in hostile ones."""

from __future__ import annotations

import time
from typing import Any

import pytest
from code_project import Code

SUBCOMMANDS = b"""\
import argparse
parser = argparse.ArgumentParser()
commands = parser.add_subparsers(dest="command", required=True)
fit = commands.add_parser("fit", help="train")
fit.add_argument("--input-path", required=True)
fit.add_argument("--output-path", required=True)
fit.add_argument("--epochs", type=int, default=3)
show = commands.add_parser("show")
show.add_argument("--top", type=int)
parser.parse_args()
"""
IMPORTING = b"""\
from options import parser
args = parser().parse_args()
"""
OPTIONS = b"""\
import argparse
import defaults

def parser():
    made = argparse.ArgumentParser(description="Turns")
    made.add_argument("--angle", type=int, default=defaults.ANGLE)
    return made
"""
FUNCTION = b'''\
from pathlib import Path

def process(input_path: Path, output_path: Path, radius: float = 2.0) -> None:
    """Blurs every picture.

    Args:
        radius: in pixels
    """
'''


async def inspected(code: Code, files: dict[str, bytes], entry: str, **body: Any) -> dict[str, Any]:
    code.project.commit("main", files, "files")
    path = f"/api/v1/projects/{code.project.id}/processors/inspect"
    answer = await code.maintainer.post(path, json={"ref": "main", "entry": entry, **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_program_with_subcommands_asks_which_one(code: Code) -> None:
    found = await inspected(code, {"tool.py": SUBCOMMANDS}, "tool.py")
    assert [one["name"] for one in found["subcommands"]] == ["fit", "show"]
    assert "subcommand: fit" in found["errors"][0]["remedy"]


@pytest.mark.parametrize("by_file", [True, False])
async def test_a_subcommand_is_chosen_by_file_or_request(code: Code, by_file: bool) -> None:
    files = {"tool.py": SUBCOMMANDS}
    if by_file:
        files["processor.yaml"] = b"entry: tool.py\nsubcommand: fit\nparameters: {epochs: {min: 1}}\n"
    found = await inspected(code, files, "tool.py", **({} if by_file else {"subcommand": "fit"}))
    assert found["errors"] == []
    assert found["subcommand"] == "fit"
    assert found["command"] == ["python3", "/mlreef/code/tool.py", "fit"]
    assert [one["name"] for one in found["parameters"]] == ["input_path", "output_path", "epochs"]


async def test_a_subcommand_is_published_with_its_command(code: Code) -> None:
    files = {"tool.py": SUBCOMMANDS, "processor.yaml": b"entry: tool.py\nsubcommand: fit\nkind: algorithm\n"}
    code.project.commit("main", files, "files")
    path = f"/api/v1/projects/{code.project.id}/publications"
    started = (await code.maintainer.post(path, json={"ref": "main"})).json()
    assert (await code.build(started)).status_code == 200
    done = (await code.maintainer.get(f"/api/v1/publications/{started['id']}")).json()
    version = (await code.maintainer.get(f"/api/v1/processor-versions/{done['version_id']}")).json()
    assert version["command"] == ["python3", "/mlreef/code/tool.py", "fit"]


async def test_imports_within_the_project_are_followed(code: Code) -> None:
    files = {"src/turn.py": IMPORTING, "src/options.py": OPTIONS, "src/defaults.py": b"ANGLE = 45\n"}
    found = await inspected(code, files, "src/turn.py")
    assert found["errors"] == []
    assert [(one["name"], one["default"]) for one in found["parameters"]] == [("angle", 45)]


async def test_a_function_is_called_through_the_platform(code: Code) -> None:
    found = await inspected(code, {"blur.py": FUNCTION}, "blur.py")
    assert found["errors"] == []
    roles = {one["name"]: (one["role"], one["default"]) for one in found["parameters"]}
    assert roles == {"input_path": ("input", None), "output_path": ("output", None), "radius": ("value", 2.0)}
    assert found["command"][:2] == ["python3", "-c"]


DEFAULT = b"""\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument('--x', default=%s)
parser.parse_args()
"""
HOSTILE = {
    "deep": b"x = " + b"(" * 50_000 + b")" * 50_000,
    "long chain": b"x = " + b"1+" * 300_000 + b"1",
    "nul": b"import argparse\x00\n",
    "latin": "# caf\u00e9\n".encode("latin-1"),
    "power": DEFAULT % b"9**9**9**9",
    "text": DEFAULT % b"'a'*10**12",
    "large": b"# " + b"x" * (2 << 20),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_programs_are_answered_in_time(code: Code, name: str) -> None:
    started = time.monotonic()
    found = await inspected(code, {"bad.py": HOSTILE[name]}, "bad.py")
    assert found["errors"] or found["warnings"]
    assert time.monotonic() - started < 20


async def test_characters_that_no_database_takes_do_no_harm(code: Code) -> None:
    source = b"""\
'''Turns \\x00 and \\ud800'''
import argparse
parser = argparse.ArgumentParser(description="Turns \\x00 \\udcff")
parser.add_argument("--output-path", required=True)
parser.add_argument("--sign", default="\\x00", help="\\ud800", choices=["\\x00", "a"])
parser.parse_args()
"""
    found = await inspected(code, {"odd.py": source}, "odd.py")
    assert "broken characters" in found["warnings"][-1]["message"]
    assert "\x00" not in str(found)
    path = f"/api/v1/projects/{code.project.id}/publications"
    started = await code.maintainer.post(path, json={"ref": "main", "entry": "odd.py", "changelog": "a\x00b"})
    assert (started.status_code, started.json()["changelog"]) == (202, "ab")


async def test_a_bomb_in_the_description_is_answered_in_time(code: Code) -> None:
    bomb = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(b"b%d: [*a,*a,*a]\n" % n for n in range(100))
    started = time.monotonic()
    found = await inspected(code, {"processor.yaml": bomb}, "processor.yaml")
    assert "anchors" in found["errors"][0]["message"]
    assert time.monotonic() - started < 5
