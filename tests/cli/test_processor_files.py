"""`mlreef processor init` and `check`: files of a processor, without any server."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mlreef.cli.local import files
from mlreef.cli.processor import app
from mlreef.extraction import manifest
from mlreef.kit.errors import PlatformError

SCRIPT = """\
import argparse
import settings
parser = argparse.ArgumentParser(description="Turns pictures")
parser.add_argument("--input-path", required=True)
parser.add_argument("--output-path", required=True)
parser.add_argument("--rotate", type=int, default=settings.ANGLE, help="degrees")
parser.parse_args()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one program that imports another file."""
    (tmp_path / "turn.py").write_text(SCRIPT)
    (tmp_path / "settings.py").write_text("ANGLE = 30\n")
    return tmp_path


def ran(*arguments: str) -> Result:
    environment = {"MLREEF_TOKEN": "", "XDG_CONFIG_HOME": "/nonexistent", "COLUMNS": "200"}
    return CliRunner().invoke(app, list(arguments), env=environment, catch_exceptions=True)


def test_what_is_written_first_is_good_and_complete(project: Path) -> None:
    assert ran("init", str(project / "turn.py")).exit_code == 0
    text = (project / "processor.yaml").read_text()
    found = manifest.parse(text.encode(), "processor.yaml")
    assert found.faults == []
    assert found.values["entry"] == "turn.py"
    assert found.values["inputs"] == {"input_path": {}}


def test_every_proposal_is_good_once_taken_up(project: Path) -> None:
    ran("init", str(project / "turn.py"))
    lines = (project / "processor.yaml").read_text().splitlines()
    taken = [line if line.startswith("# What") else line.removeprefix("# ") for line in lines]
    found = manifest.parse("\n".join(taken).encode(), "processor.yaml")
    assert [one.message for one in found.faults if "parameters" not in one.message] == []


def test_a_file_that_is_there_is_not_overwritten(project: Path) -> None:
    (project / "processor.yaml").write_text("name: mine\n")
    assert isinstance(ran("init", str(project / "turn.py")).exception, PlatformError)
    assert (project / "processor.yaml").read_text() == "name: mine\n"


def test_a_link_in_its_place_is_not_followed(project: Path, tmp_path: Path) -> None:
    (project / "processor.yaml").symlink_to(tmp_path / "elsewhere")
    assert isinstance(ran("init", str(project / "turn.py")).exception, PlatformError)
    assert not (tmp_path / "elsewhere").exists()


def test_a_script_of_another_language_gets_a_command(tmp_path: Path) -> None:
    (tmp_path / "fit.R").write_text("print(1)\n")
    assert ran("init", str(tmp_path)).exit_code == 0
    found = manifest.parse((tmp_path / "processor.yaml").read_bytes(), "processor.yaml")
    assert (found.faults, found.command) == ([], ["Rscript", "/mlreef/code/fit.R"])


def test_of_several_subcommands_one_is_taken(tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text(
        "import argparse\nparser = argparse.ArgumentParser()\ncommands = parser.add_subparsers(required=True)\n"
        "commands.add_parser('fit').add_argument('--input-path')\ncommands.add_parser('show')\nparser.parse_args()\n"
    )
    assert "fit is taken" in ran("init", str(tmp_path)).stderr
    found = manifest.parse((tmp_path / "processor.yaml").read_bytes(), "processor.yaml")
    assert (found.values["subcommand"], found.values["inputs"]) == ("fit", {"input_path": {}})
    assert ran("check", str(tmp_path)).exit_code == 0


def test_checking_follows_imports_within_the_project(project: Path) -> None:
    found = json.loads(ran("check", str(project / "turn.py"), "--json").stdout)
    assert found["valid"]
    assert next(one for one in found["parameters"] if one["name"] == "rotate")["default"] == 30


def test_faults_are_told_as_compilers_do(project: Path) -> None:
    (project / "processor.yaml").write_text("entry: turn.py\nkind: operations\nparameters:\n  rotat: {min: 0}\n")
    done = ran("check", str(project))
    place = os.path.relpath(project / "processor.yaml")
    assert done.exit_code == 1
    assert f"{place}:2:7: kind cannot be \"operations\" - did you mean 'operation'?" in done.stderr
    assert f"{place}:4:3: the program has no parameter 'rotat' - did you mean 'rotate'?" in done.stderr


def test_links_and_ways_out_are_not_followed(project: Path) -> None:
    (project / "processor.yaml").write_text("entry: turn.py\nrequirements: deps.txt\nchangelog: notes/CHANGES.md\n")
    (project / "deps.txt").symlink_to("/etc/passwd")
    (project / "notes").symlink_to("/etc")
    done = ran("check", str(project))
    assert done.exit_code == 1
    assert "there is no file deps.txt" in done.stderr
    assert "there is no file notes/CHANGES.md" in done.stderr


def test_a_large_script_is_refused_without_reading_it(tmp_path: Path) -> None:
    with (tmp_path / "big.py").open("wb") as file:
        file.truncate(100 << 20)
    done = ran("check", str(tmp_path / "big.py"))
    assert done.exit_code == 1
    assert "the file is larger than" in done.stderr


def test_a_project_without_git_leaves_the_usual_leftovers_out(tmp_path: Path) -> None:
    for name in ("a.py", "__pycache__/a.pyc", ".venv/x.py", "data/b.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert list(files.listed(tmp_path)) == ["a.py", "data/b.txt"]


def test_the_schema_is_printed() -> None:
    assert json.loads(ran("schema").stdout)["title"].startswith("processor.yaml")
