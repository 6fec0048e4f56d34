"""The text that starts what cannot be started as it is, run as a runner runs it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlreef.extraction import choosing
from mlreef.extraction.service import extract

FUNCTION = '''
import enum
from pathlib import Path
from typing import Annotated, List, Literal, Optional, Tuple, Union

class Mode(enum.Enum):
    FAST = "fast"
    SLOW = "slow"

def train(
    data: Path,
    rate: float = 0.1,
    epochs: Union[int, None] = 3,
    mode: Mode = Mode.FAST,
    kind: Literal["a", "b"] = "a",
    names: Optional[List[str]] = None,
    size: Tuple[int, int] = (1, 2),
    fast: bool = False,
    options: dict = {},
    note="plain",
    weight: Annotated[float, "kg"] = 1.0,
    *extra: int,
    last: int | float = 1,
):
    """Trains."""
    print(repr([data, rate, epochs, mode, kind, names, size, fast, options, note, weight, extra, last]))

if __name__ == "__main__":
    train(Path("here"), 0.5)
'''


def run(folder: Path, source: str, how: dict[str, Any], *items: str) -> subprocess.CompletedProcess[str]:
    file = folder / "program.py"
    file.write_text(source)
    command = [sys.executable, "-c", choosing.shim(), str(file), json.dumps(how), *items]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=folder)


def test_a_function_gets_what_its_annotations_say(tmp_path: Path) -> None:
    items = ["--data", "/in", "--rate", "1e-3", "--epochs", "7", "--mode", "slow", "--kind", "b", "--names", "x", "y"]
    items += [
        "--size",
        "3",
        "4",
        "--fast",
        "true",
        "--options",
        '{"a": [1]}',
        "--note",
        "n",
        "--weight=-2",
        "--last",
        "2.5",
    ]
    done = run(tmp_path, FUNCTION, {"function": "train"}, *items)
    shown = "[PosixPath('/in'), 0.001, 7, <Mode.SLOW: 'slow'>, 'b', ['x', 'y'], (3, 4), True, {'a': [1]}, 'n', -2.0"
    shown += ", (), 2.5]"
    assert (done.stdout.strip(), done.returncode) == (shown, 0), done.stderr


def test_what_the_file_itself_gives_to_the_function_is_the_default(tmp_path: Path) -> None:
    found = extract(FUNCTION.encode(), "program.py")
    assert found.command is not None
    assert found.command[:2] + found.command[3:4] == ["python3", "-c", "/mlreef/code/program.py"]
    named = {one.name: one for one in found.parameters}
    assert (named["data"].default, named["data"].required, named["rate"].default) == ("here", False, 0.5)
    done = run(tmp_path, FUNCTION, json.loads(found.command[4]))
    assert done.stdout.startswith("[PosixPath('here'), 0.5, 3, <Mode.FAST: 'fast'>"), done.stderr


def test_every_parameter_that_is_offered_is_taken(tmp_path: Path) -> None:
    found = extract(FUNCTION.encode(), "program.py")
    kinds = {one.name: (one.type, one.multiple, one.nargs) for one in found.parameters}
    assert kinds == {
        "data": ("path", False, None),
        "rate": ("float", False, None),
        "epochs": ("integer", False, None),
        "mode": ("choice", False, None),
        "kind": ("choice", False, None),
        "names": ("string", True, "*"),
        "size": ("integer", True, 2),
        "fast": ("boolean", False, 1),
        "options": ("dictionary", False, None),
        "note": ("string", False, None),
        "weight": ("float", False, None),
        "extra": ("integer", True, "*"),
        "last": ("float", False, None),
    }


def test_a_coroutine_is_awaited_and_neighbours_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("WORD = 'beside'\n")
    source = "import beside\nasync def main(n: int):\n    print(beside.WORD, n)\n"
    assert run(tmp_path, source, {"function": "main"}, "--n", "3").stdout == "beside 3\n"


def test_the_files_own_start_is_not_run(tmp_path: Path) -> None:
    source = "def main(n: int = 1):\n    print(n)\nif __name__ == '__main__':\n    main(5)\n"
    assert run(tmp_path, source, {"function": "main"}).stdout == "1\n"


@pytest.mark.parametrize(
    ("items", "message"),
    [(["--n", "x"], "invalid int value"), ([], "required: --n"), (["--m", "1", "--n", "1"], "unrecognized")],
)
def test_wrong_arguments_are_refused_as_by_any_program(tmp_path: Path, items: list[str], message: str) -> None:
    done = run(tmp_path, "def main(n: int): pass\n", {"function": "main"}, *items)
    assert (message in done.stderr, done.returncode) == (True, 2)


def test_options_of_the_program_go_before_its_subcommand(tmp_path: Path) -> None:
    how = {"subcommand": ["remote", "add"], "before": {"--verbose": 0, "--config": 1, "-n": 1, "--tags": -1}}
    items = ["--verbose", "--x", "1", "--config", "c", "place", "-n-5", "--config=d", "--tags", "a", "b", "--fast"]
    done = run(tmp_path, "import sys\nprint(sys.argv[1:], __name__)\n", how, *items)
    before = ["--verbose", "--config", "c", "-n-5", "--config=d", "--tags", "a", "b"]
    assert done.stdout.strip() == f"{[*before, 'remote', 'add', '--x', '1', 'place', '--fast']} __main__"


def test_decorators_that_are_not_installed_do_nothing(tmp_path: Path) -> None:
    source = "from mlreef_absent.words import metric, processor\n"
    source += "@processor\n@metric('x')\ndef main():\n    print('ran')\nmain()\n"
    assert run(tmp_path, source, {"decorators": ["mlreef_absent.words"]}).stdout == "ran\n"


def test_the_program_knows_its_own_name_and_ends_as_it_will(tmp_path: Path) -> None:
    done = run(tmp_path, "import sys\nprint(sys.argv[0], __file__)\nsys.exit(7)\n", {})
    assert (done.stdout.split(), done.returncode) == ([str(tmp_path / "program.py")] * 2, 7)


def test_the_text_is_small_and_old_python_reads_it() -> None:
    text = choosing.shim()
    ast.parse(text, feature_version=(3, 8))
    assert len(text) < 10_000


CLICK = """
import click
@click.group()
@click.option("--level", type=int, default=1)
@click.pass_context
def cli(context, level):
    context.obj = level
@cli.command()
@click.argument("name")
@click.option("--loud/--quiet", default=False)
@click.pass_context
def greet(context, name, loud):
    print("hello", name, loud, context.obj)
@cli.command()
def leave():
    pass
if __name__ == "__main__":
    cli()
"""


def test_a_subcommand_of_click_is_really_started_so(tmp_path: Path) -> None:
    found = extract(CLICK.encode(), "program.py", subcommand="greet")
    assert found.command is not None
    assert [(one.name, one.flag) for one in found.parameters] == [
        ("level", "--level"),
        ("name", None),
        ("loud", "--loud"),
    ]
    done = run(tmp_path, CLICK, json.loads(found.command[4]), "bob", "--loud", "--level", "3")
    assert done.stdout == "hello bob True 3\n", done.stderr
