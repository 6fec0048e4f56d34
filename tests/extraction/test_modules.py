"""Parsers that are built in other files of the project."""

from __future__ import annotations

import pytest

from mlreef.extraction.service import extract

LIB = b"import argparse\nRATE = 0.5\ndef make():\n    p = argparse.ArgumentParser()\n    p.add_argument('--rate', default=RATE)\n    return p\n"  # noqa: E501
BOTH = {"lib.py": LIB}


@pytest.mark.parametrize(
    ("entry", "files"),
    [
        ("import lib\nlib.make().parse_args()", {"lib.py": LIB}),
        ("from lib import make\nmake().parse_args()", {"lib.py": LIB}),
        ("from lib import make as m\nm().parse_args()", {"lib/__init__.py": LIB}),
        ("from lib import *\nmake().parse_args()", {"lib.py": LIB}),
        ("import a.lib\na.lib.make().parse_args()", {"a/lib.py": LIB}),
        ("import a.b.lib as x\nx.make().parse_args()",
         {"a/__init__.py": b"", "a/b/__init__.py": b"", "a/b/lib.py": LIB}),
        ("from a import make\nmake().parse_args()", {"a/__init__.py": b"from .lib import make", "a/lib.py": LIB}),
        ("from a import make\nmake().parse_args()",
         {"a/__init__.py": b"from a.b.lib import make", "a/b/__init__.py": b"", "a/b/lib.py": LIB}),
        ("import options\nfrom options import P\nP().parse_args()",
         {"lib.py": LIB,
          "options.py": b"import lib\nclass P:\n    def parse_args(self):\n        lib.make().parse_args()"}),
        ("from a.c import make\nmake().parse_args()",
         {"a/__init__.py": b"", "a/c.py": b"from ..lib import make\nfrom .d import make", "a/d.py": LIB}),
    ],
)  # fmt: skip
def test_imports_within_the_project_are_followed(entry: str, files: dict[str, bytes]) -> None:
    for folder in ("", "src/"):
        placed = {folder + path: content for path, content in files.items()}
        found = extract(entry.encode(), folder + "main.py", sources=placed.get)
        assert [(one.name, one.default) for one in found.parameters] == [("rate", "0.5")], found
        assert found.parameters[0].position.file in placed


def test_what_is_not_given_is_named() -> None:
    found = extract(b"import torch, helper\nimport os.path\nhelper.make().parse_args()", "src/main.py", sources={}.get)
    assert found.wanted == ["src/helper.py", "src/helper/__init__.py", "src/helper/make.py"]
    assert "no parameters" in found.errors[0].message


def test_without_sources_nothing_is_asked_for() -> None:
    assert extract(b"import helper\nhelper.make()", "main.py").wanted == []


def test_modules_that_import_each_other_end() -> None:
    files = {"a.py": b"from b import *\nimport b\nb.x", "b.py": b"from a import *\nimport a\na.y\n" + LIB}
    found = extract(b"import a, b\na.z\nb.make().parse_args()", "main.py", sources=files.get)
    assert [one.name for one in found.parameters] == ["rate"]


def test_a_program_of_very_many_modules_is_followed_in_bounds() -> None:
    asked: list[str] = []

    def sources(path: str) -> bytes:
        asked.append(path)
        number = int(path.removesuffix(".py").lstrip("m"))
        return f"import m{number + 1}\nm{number + 1}.x\n".encode()

    extract(b"import m0\nm0.x", "main.py", sources=sources)
    assert 30 < len(asked) <= 60


def test_a_neighbour_that_cannot_be_read_is_left_to_the_program() -> None:
    source = (
        b"import bad\nimport argparse\nbad.x()\np = argparse.ArgumentParser()\np.add_argument('--x')\np.parse_args()\n"
    )
    found = extract(source, "main.py", sources={"bad.py": b"x = ("}.get)
    assert ([one.name for one in found.parameters], found.errors) == (["x"], [])


def test_a_relative_import_of_the_program_is_warned_of() -> None:
    found = extract(b"import sys\nfrom .lib import make\nmake().parse_args()", "main.py", sources=BOTH.get)
    assert [(one.position.line, "relative import" in one.message) for one in found.warnings] == [(2, True)]
