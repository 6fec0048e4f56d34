"""Sources made to hurt: each ends within two seconds, in bounded memory, without an exception, and never runs."""

from __future__ import annotations

import json
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlreef.extraction.service import extract

HEAD = "import argparse\np = argparse.ArgumentParser()\n"
ADD = "p.add_argument('--x', default={})\np.parse_args()\n"
DEEP = "".join(" " * depth + "if a:\n" for depth in range(99)) + " " * 99 + "p = 1\n"

HOSTILE = {
    "nested brackets": "x = " + "(" * 100_000 + ")" * 100_000,
    "brackets that Python takes": "x = " + "[" * 190 + "]" * 190,
    "unclosed brackets": "(" * 100_000,
    "negations": "x = " + "-" * 100_000 + "1",
    "a long sum": "x = " + "+".join(["1"] * 100_000),
    "a long sum of texts": "x = " + "+".join(["'a'"] * 50_000),
    "a tower of powers": "x = " + "**".join(["9"] * 5_000),
    "attributes": "x" + ".a" * 100_000,
    "calls": "x" + "()" * 100_000,
    "comparisons": "x = " + "<".join(["a"] * 50_000),
    "a huge f-string": "x = f'" + "{a}" * 30_000 + "'",
    "many statements": "a;" * 200_000,
    "many assignments": "x = 1\n" * 60_000,
    "a long tuple": "x = (" + "1," * 100_000 + ")",
    "a chain of elif": "if a:\n p\n" + "elif a:\n p\n" * 5_000,
    "deep blocks": DEEP,
    "many decorators": "@a\n" * 5_000 + "def f(): pass",
    "a million repetitions": HEAD + ADD.format("'a' * 10**6"),
    "ten thousand million letters": HEAD + ADD.format("'a' * 10**10"),
    "a number without end": HEAD + ADD.format("2 ** 10 ** 9"),
    "a shift without end": HEAD + ADD.format("1 << 10 ** 9"),
    "a list without end": HEAD + ADD.format("list(range(10**12))"),
    "a comprehension without end": HEAD + ADD.format("[a for a in range(10**9)]"),
    "comprehensions in each other":
        HEAD + ADD.format("[[[c for c in range(400)] for b in range(400)] for a in range(400)]"),
    "a product of loops": HEAD + ADD.format("[a + b + c for a in range(400) for b in range(400) for c in range(400)]"),
    "a width without end": HEAD + ADD.format("'%1000000000s' % 'a'"),
    "a format without end": HEAD + ADD.format("'{:>1000000000}'.format('a')"),
    "a sum of lists": HEAD + "a = [1] * 9999\n" + "a = a + a\n" * 60 + ADD.format("a"),
    "doubling text": HEAD + "a = 'ab'\n" + "a = a + a\n" * 60 + ADD.format("a"),
    "doubling lists in each other": HEAD + "a = [1]\n" + "a = [a, a]\n" * 60 + ADD.format("a") + "b = a == a\n",
    "a list in itself": HEAD + "a = []\na.append(a)\n" + ADD.format("a"),
    "a dictionary in itself": HEAD + "a = {}\na['a'] = a\n" + ADD.format("a"),
    "joins that grow": HEAD + "a = 'ab'\n" + "a = a.join([a, a, a])\n" * 50 + ADD.format("a"),
    "replacements that grow": HEAD + "a = 'a' * 900\n" + "a = a.replace('a', a)\n" * 50 + ADD.format("a"),
    "recursion": HEAD + "def f(n):\n    f(n + 1)\n    return f(n + 2)\nf(0)\n" + ADD.format("1"),
    "functions that call each other":
        "".join(f"def f{n}():\n    f{n + 1}(); f{n + 1}()\n" for n in range(200)) + "f0()",
    "parsers without end":
        "import argparse\nwhile True:\n    p = argparse.ArgumentParser()\n    p.add_argument('--x')\n",
    "parsers in loops":
        "import argparse\nfor a in range(300):\n  for b in range(300):\n    p = argparse.ArgumentParser()\n",
    "parameters without end": HEAD + "for a in range(400):\n  for b in range(400):\n    p.add_argument(f'--x{a}{b}')\n",
    "parents of parents": HEAD + "p.add_argument('--x')\n" + "p = argparse.ArgumentParser(parents=[p, p])\n" * 2000,
    "parsers with parents":
        HEAD + "for a in range(300):\n  for b in range(300):\n    q = argparse.ArgumentParser(parents=[p])\n",
    "classes above classes":
        "class A0: pass\n" + "".join(f"class A{n + 1}(A{n}): pass\n" for n in range(8000)) + "A8000().x()\n" * 2000,
    "branches over many names": "".join(f"a{n} = {n}\n" for n in range(9000)) + "if b: pass\n" * 9000,
    "lists of lists compared": "a = [[1] * 490] * 40\nb = 0\n" + "b = a == a\n" * 15000,
    "wide calls": "def f(**k): pass\nd = {" + ",".join(f"'a{n}': 1" for n in range(5000)) + "}\n" + "f(**d)\n" * 9000,
    "a class that inherits from itself": HEAD + "class A(A): pass\nclass A(A): pass\nA().x()\n" + ADD.format("A"),
    "a type that names itself":
        "from typing import Optional\nimport typer\nA = Optional['A']\ndef main(x: A = None): pass\ntyper.run(main)",
    "a record in itself":
        "import tyro\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    a: 'A'\n    b: 'A'\ntyro.cli(A)",
    "subparsers without end":
        HEAD + "s = p.add_subparsers()\nfor a in range(400):\n  for b in range(400):\n    s.add_parser(f'{a}{b}')\n",
    "a docstring without end": '"""' + "Args:\n    x: " * 20_000 + '"""\nimport fire\ndef f(x):\n    "a"\nfire.Fire(f)',
    "a usage without end": '"""usage: x ' + "[" * 50_000 + '"""\nfrom docopt import docopt\ndocopt(__doc__)',
    "options without end":
        '"""Usage:\n  x [options]\n\n' + "  --a" * 20_000 + '"""\nfrom docopt import docopt\ndocopt(__doc__)',
    "form feeds": "\f" * 50_000 + HEAD + ADD.format("1"),
    "backslashes": "\\\n" * 100_000 + "x = 1",
    "a return outside": "return 1",
    "a break outside": HEAD + "break\n" + ADD.format("1"),
    "nothing": "",
    "spaces": " " * 1_000_000,
    "a long line": "x = '" + "a" * 1_000_000 + "'",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_source_ends_soon(name: str) -> None:
    content = HOSTILE[name].encode()
    start = time.thread_time()  # not the clock on the wall: other tests may run beside
    found = extract(content, "x.py")
    assert time.thread_time() - start < 2
    assert len(json.dumps(found.to_json())) < 2_000_000
    assert found.errors or found.parameters or found.warnings or found.framework


@pytest.mark.parametrize(
    "name", ["doubling text", "doubling lists in each other", "a list without end", "joins that grow"]
)
def test_a_hostile_source_takes_little_memory(name: str) -> None:
    content = HOSTILE[name].encode()
    tracemalloc.start()
    try:
        extract(content, "x.py")
        assert tracemalloc.get_traced_memory()[1] < 50 << 20
    finally:
        tracemalloc.stop()


def test_a_hundred_megabytes_are_refused_before_anything_is_read() -> None:
    content = b"(" * (100 << 20)
    start = time.perf_counter()
    found = extract(content, "x.py")
    assert time.perf_counter() - start < 0.1
    assert ("larger than 1 MiB" in found.errors[0].message, "data" in found.errors[0].remedy) == (True, True)


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (b"x = 1\nx = '\x00'\n", "NUL bytes", 2),
        ("x = 1".encode("utf-16"), "NUL bytes", 1),
        (b"a = 1\r\nb = '\xff'\r\n", "not UTF-8", 2),
        (b"# coding: hex\nx = 1\n", "encoding", 1),
        (b"# coding: utf-7\nx = 1\n", "encoding", 1),
        (b"# coding: no-such-thing\nx = 1\n", "encoding", 1),
        (b"x = 1\n  y = 2\n", "syntax error: unexpected indent", 2),
        (b"x = '\xed\xa0\x80'\n", "not UTF-8", 1),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(content: bytes, message: str, line: int) -> None:
    fault = extract(content, "x.py").errors[0]
    assert (message in fault.message, fault.position.line) == (True, line), fault


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"# -*- coding: latin-1 -*-\n", b"\f\n"])
def test_texts_of_all_kinds_are_read_and_places_are_right(start: bytes, ending: str) -> None:
    source = (
        "import argparse\ns = '\f\x1c\u00e4'; p = argparse.ArgumentParser()\np.add_argument('--x', help='\u00e4')\n"
    )
    encoding = "latin-1" if b"latin" in start else "utf-8"
    found = extract(start + source.replace("\n", ending).encode(encoding), "x.py")
    parameter = found.parameters[0]
    assert (found.errors, parameter.help, parameter.position.column) == ([], "\u00e4", 1)
    assert parameter.position.line == 3 + start.count(b"\n")


def test_nothing_is_ever_run(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    source = f"""
import argparse, os, fire
open({str(witness)!r}, 'w').write('ran')
os.system('touch {witness}')
eval("open({str(witness)!r}, 'w')")
exec("open({str(witness)!r}, 'w')")
class Meta(type):
    def __new__(cls, *a, **k):
        open({str(witness)!r}, 'w')
class A(metaclass=Meta): pass
p = argparse.ArgumentParser()
p.add_argument('--x', default=open({str(witness)!r}, 'w'), type=lambda s: os.system('touch {witness}'))
p.parse_args()
"""
    found = extract(source.encode(), "x.py", sources=lambda _path: source.encode())
    assert [one.name for one in found.parameters] == ["x"]
    assert not witness.exists()


SCRIPTS = [path.read_bytes() for path in sorted((Path(__file__).parent / "corpus").glob("*/*.py"))]


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(SCRIPTS), st.data())
def test_mutated_programs_never_raise(script: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(script)))
    end = min(len(script), start + data.draw(st.integers(0, 60)))
    other = data.draw(st.sampled_from(SCRIPTS))
    cut = data.draw(st.integers(0, len(other)))
    filling = data.draw(st.one_of(st.binary(max_size=20), st.just(other[cut : cut + 40]), st.just(b"")))
    found = extract(script[:start] + filling + script[end:], "x.py")
    json.dumps(found.to_json())
    assert not [one for one in found.errors if "cannot be followed" in one.message], found.errors


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([line for script in SCRIPTS for line in script.splitlines()]), max_size=60))
def test_shuffled_lines_never_raise(lines: list[bytes]) -> None:
    json.dumps(extract(b"\n".join(lines), "x.py").to_json())
