"""A user with a git clone: `mlreef processor init`, `check`, `run-local` and `publish`, as programs in a terminal."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from support import terminal
from support.live import Live

pytestmark = pytest.mark.slow

TURN = """\
import argparse
from pathlib import Path

parser = argparse.ArgumentParser(description="Writes every text backwards")
parser.add_argument("--input-path", required=True)
parser.add_argument("--output-path", required=True)
parser.add_argument("--times", type=int, default=1, help="how often")
args = parser.parse_args()
for number, file in enumerate(sorted(Path(args.input_path).rglob("*.txt")), 1):
    text = file.read_text()
    for _ in range(args.times):
        text = text[::-1]
    Path(args.output_path, file.name).write_text(text)
    print(f"mlreef: step={number} letters={len(text)}", flush=True)
"""
COUNT = """\
set -e
least=1
if [ "$1" = "-n" ]; then least=$2; shift 2; fi
cat "$1"/* | wc -w > "$2/words.txt"
echo "mlreef: step=1 words=$(cat "$2/words.txt") least=$least"
"""
DESCRIBED = """\
name: count
kind: operation
title: Count words
command: [sh, /mlreef/code/count/count.sh]
environment: python-3.11
inputs: {data: {types: [text]}}
outputs: [counts]
parameters: {least: {type: integer, default: 1, flag: -n, min: 0}}
metrics: {words: {goal: maximize}}
reference:
  inputs: {data: example}
  metrics: {words: "== 3"}
  outputs: {counts: {files: "== 1"}}
"""


def mlreef(live: Live, folder: Path, *arguments: str, code: int = 0, **extra: str) -> subprocess.CompletedProcess[str]:
    extra.setdefault("XDG_CACHE_HOME", str(live.folder / "cache"))
    return terminal.mlreef(live, "processor", *arguments, folder=folder, code=code, **extra)


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def clone(live_server: Live, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of a code project with a Python program and a shell script in a folder of its own."""
    live_server.project("words", {"README.md": "# Words\n"})
    folder = tmp_path_factory.mktemp("clones") / "words"
    url = f"http://oauth2:{live_server.token}@127.0.0.1:{live_server.port}/lab/words.git"
    subprocess.run(["git", "clone", "-q", url, str(folder)], check=True)
    (folder / "turn.py").write_text(TURN)
    (folder / "count/example").mkdir(parents=True)
    (folder / "count/count.sh").write_text(COUNT)
    (folder / "count/processor.yaml").write_text(DESCRIBED)
    (folder / "count/example/a.txt").write_text("one two three\n")
    (folder / "texts").mkdir()
    (folder / "texts/a.txt").write_text("abc")
    return folder


def test_a_first_description_is_written_and_checked(live_server: Live, clone: Path) -> None:
    mlreef(live_server, clone, "init", "turn.py")
    text = (clone / "processor.yaml").read_text()
    assert text.startswith(f"# yaml-language-server: $schema={live_server.url}/api/v1/schemas/processor.json")
    assert "exists already" in mlreef(live_server, clone, "init", "turn.py", code=1).stderr
    found = json.loads(mlreef(live_server, clone, "check", "--json", MLREEF_TOKEN="").stdout)
    assert (found["valid"], found["entry"], len(found["parameters"])) == (True, "turn.py", 3)
    (clone / "processor.yaml").write_text(text + "parameters: {time: {max: 3}}\n")
    line = len(text.splitlines()) + 1
    told = mlreef(live_server, clone, "check", code=1).stderr
    assert f"processor.yaml:{line}:14: the program has no parameter 'time' - did you mean 'times'?" in told
    (clone / "processor.yaml").write_text(text + "parameters: {times: {max: 3, unit: turns}}\n")
    mlreef(live_server, clone, "check", "--strict")


def ran(live: Live, folder: Path, *arguments: str, **extra: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(mlreef(live, folder, "run-local", "--json", *arguments, **extra).stdout)
    return found


def test_it_runs_on_local_files_in_the_environment_and_then_without_a_server(
    live_server: Live, clone: Path, tmp_path: Path
) -> None:
    chosen = ["turn.py", "--input", "input_path=texts", "--set", "times=3"]
    done = ran(live_server, clone, *chosen, "--output", f"output_path={tmp_path}/one")
    assert (done["succeeded"], done["parameters"]) == (True, {"times": 3})
    assert (tmp_path / "one/a.txt").read_text() == "cba"
    assert done["metrics"] == [{"name": "letters", "last": 3, "min": 3, "max": 3, "points": 1}]
    again = ran(live_server, clone, *chosen, "--output", f"output_path={tmp_path}/two", MLREEF_URL="http://127.0.0.1:9")
    assert again["succeeded"]
    assert (tmp_path / "two/a.txt").read_text() == "cba"


def test_a_value_that_the_program_does_not_take_is_refused_before_anything_runs(live_server: Live, clone: Path) -> None:
    told = mlreef(live_server, clone, "run-local", "turn.py", "--input", "input_path=texts", "--set", "times=9", code=1)
    assert "times: is 9, more than the greatest allowed value 3" in told.stderr


def test_a_shell_script_runs_on_its_reference_and_proves_itself(live_server: Live, clone: Path, tmp_path: Path) -> None:
    done = ran(live_server, clone, "count", "--output", f"counts={tmp_path}/counts")
    assert done["reference"] == {"checked": True, "missed": []}
    assert (tmp_path / "counts/words.txt").read_text().strip() == "3"
    (clone / "count/example/b.txt").write_text("four\n")
    told = mlreef(live_server, clone, "run-local", "count", "--output", f"counts={tmp_path}/more", code=1)
    assert "words is 4, not == 3" in told.stderr
    (clone / "count/example/b.txt").unlink()


@pytest.mark.parametrize("executor", ["bubblewrap", "podman"])
def test_packages_are_locked_and_installed_as_in_publication(live_server: Live, tmp_path: Path, executor: str) -> None:
    if executor == "podman" and shutil.which("podman") is None:
        pytest.skip("podman is not installed")
    wheel(tmp_path / "wheels", "tinywheel", "1.0")
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    (project / "data/a.txt").write_text("x")
    (project / "pack.py").write_text(TURN.replace("import argparse", "import argparse\nimport tinywheel", 1))
    (project / "processor.yaml").write_text("entry: pack.py\nrequirements: [tinywheel]\n")
    given = ["--input", "input_path=data", "--output", "output_path=out", "--executor", executor]
    index = {"UV_FIND_LINKS": str(tmp_path / "wheels"), "UV_NO_INDEX": "1"}
    assert ran(live_server, project, *given, **index)["succeeded"]
    assert (project / "out/a.txt").read_text() == "x"


def wheel(folder: Path, name: str, version: str) -> None:
    """A wheel with one module."""
    folder.mkdir()
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", f"VERSION = '{version}'\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        kind = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", kind)
        archive.writestr(f"{info}/RECORD", "")


def test_a_failure_is_told_with_its_reason(live_server: Live, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt").write_text("x")
    (tmp_path / "slow.sh").write_text("sleep 60\n")
    described = "command: [sh, /mlreef/code/slow.sh]\ninputs: [data]\noutputs: [result]\nresources: {timeout: 2s}\n"
    (tmp_path / "processor.yaml").write_text(described)
    told = mlreef(live_server, tmp_path, "run-local", "--input", "data=in", code=1)
    assert "failed (timeout): the processor ran longer than its limit of 2 s" in told.stderr
    (tmp_path / "slow.sh").write_text("exit 0\n")
    told = mlreef(live_server, tmp_path, "run-local", "--input", "data=in", code=1)
    assert "failed (no_output)" in told.stderr
    assert not (tmp_path / "mlreef-out/result").exists()


def test_without_a_sandbox_it_says_so(live_server: Live, clone: Path, tmp_path: Path) -> None:
    arguments = ["run-local", "count", "--environment", "host", "--output", f"counts={tmp_path}/counts"]
    told = mlreef(live_server, clone, *arguments, XDG_CACHE_HOME=str(tmp_path), MLREEF_TOKEN="", HOME=str(tmp_path))
    assert "WITHOUT a sandbox" in told.stderr


def test_only_what_is_pushed_is_published(live_server: Live, clone: Path) -> None:
    assert "is not in git" in mlreef(live_server, clone, "publish", "turn.py", code=1).stderr
    git(clone, "add", ".")
    assert "are not committed" in mlreef(live_server, clone, "publish", "turn.py", code=1).stderr
    git(clone, "commit", "-qm", "Two programs")
    assert "git push origin main" in mlreef(live_server, clone, "publish", "turn.py", code=1).stderr
    git(clone, "push", "-q", "origin", "HEAD")
    done = mlreef(live_server, clone, "publish", "turn.py", "count")
    assert done.stdout.split() == ["lab/words/turn@1.0.0", "lab/words/count@1.0.0"]


def test_the_shell_script_runs_as_a_step(live_server: Live, clone: Path) -> None:
    step = {
        "name": "count",
        "processor": "lab/words/count@1.0.0",
        "inputs": {"data": {"branch": "main", "path": "input"}},
        "parameters": {"least": 2},
    }
    plan = {"version": 1, "name": "count", "kind": "dataops", "steps": [step]}
    run = live_server.reef.wait_run(live_server.reef.start_run(live_server.project_path, plan)["id"])
    assert run["status"] == "success", live_server.reef.log(run["id"], "count")
    files = list(live_server.reef.outputs(run["id"], "count", "counts"))
    assert [one["path"] for one in files] == ["words.txt"]
    assert "least=2" in live_server.reef.log(run["id"], "count")


def test_a_clone_of_another_server_is_refused(live_server: Live, clone: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(clone, other)
    git(other, "remote", "set-url", "origin", "https://example.org/lab/words.git")
    assert "example.org" in mlreef(live_server, other, "publish", "turn.py", code=1).stderr
