"""Forty programs in the manner of what people publish: what is read of each, and that argparse itself agrees."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mlreef.extraction.model import Extraction
from mlreef.extraction.service import extract

CORPUS = Path(__file__).parent / "corpus"
CASES = sorted(path.name for path in CORPUS.iterdir() if (path / "expected.json").is_file())
SHARE = 0.9


@cache
def expected(case: str) -> dict[str, Any]:
    return dict(json.loads((CORPUS / case / "expected.json").read_text()))


@cache
def found(case: str) -> Extraction:
    folder, entry = CORPUS / case, expected(case)["entry"]

    def sources(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    return extract((folder / entry).read_bytes(), entry, sources=sources, subcommand=expected(case).get("subcommand"))


def shown(extraction: Extraction) -> list[dict[str, Any]]:
    keys = ("name", "flag", "negated_flag", "type", "required", "default", "choices", "min", "max", "multiple", "nargs")
    every = [one.to_json() for one in extraction.parameters]
    return [{key: one[key] for key in (*keys, "unit", "role")} for one in every]


@pytest.mark.parametrize("case", CASES)
def test_a_program_is_read_as_expected(case: str) -> None:
    wanted, extraction = expected(case), found(case)
    if "refused" in wanted:
        assert wanted["refused"] in extraction.errors[0].message
        assert extraction.errors[0].remedy
        return
    assert extraction.errors == []
    assert extraction.framework == wanted["framework"]
    assert shown(extraction) == wanted["parameters"]


def test_at_least_nine_of_ten_publish_without_an_edit(capsys: pytest.CaptureFixture[str]) -> None:
    published = [case for case in CASES if not found(case).errors]
    with capsys.disabled():
        print("\n" + table())
    assert len(CASES) == 40
    assert len(published) / len(CASES) >= SHARE


def table() -> str:
    lines = []
    for case in CASES:
        extraction = found(case)
        verdict = "publishes" if not extraction.errors else f"refused: {extraction.errors[0].message[:60]}"
        if extraction.subcommand is not None and len(extraction.subcommands) > 1:
            verdict += f" ({extraction.subcommand} chosen of {len(extraction.subcommands)})"
        count, warnings = len(extraction.parameters), len(extraction.warnings)
        lines.append(
            f"{case:<26} {extraction.framework or '-':<18} {count:>3} parameters {warnings:>2} warnings  {verdict}"
        )
    published = sum(not found(case).errors for case in CASES)
    return "\n".join([*lines, f"{published} of {len(CASES)} publish without an edit"])


ARGPARSE = [
    case
    for case in CASES
    if expected(case).get("framework") == "argparse" and case not in {"22-subcommands", "33-lightning-module"}
]


@pytest.mark.parametrize("case", ARGPARSE)
def test_argparse_itself_agrees(case: str) -> None:
    folder = CORPUS / case
    command = [sys.executable, "-B", str(Path(__file__).parent / "truth.py"), expected(case)["entry"]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    truth = {one["dest"]: one for one in json.loads(done.stdout.splitlines()[-1])}
    extraction = found(case)
    assert {one.name for one in extraction.parameters} == set(truth)
    unsure = {one.message.partition(":")[0] for one in extraction.warnings}
    for one in extraction.parameters:
        real = truth[one.name]
        assert one.required == real["required"], one
        assert {one.flag, one.negated_flag} - {None} <= set(real["flags"]), one
        if one.default is not None and one.name not in unsure:
            assert _same(one.default, real["default"], one.multiple), (one, real)
        if one.choices is not None:
            assert one.choices == real["choices"], (one, real)


def _same(read: Any, real: Any, multiple: bool) -> bool:
    if multiple and not isinstance(real, list):
        return real is None or real == {} or bool(read == [real])
    return bool(read == real) or str(read) == str(real) or (read is False and real is None)
