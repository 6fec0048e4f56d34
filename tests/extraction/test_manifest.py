"""`processor.yaml` beside a program."""

from __future__ import annotations

import textwrap

from mlreef.extraction import manifest
from mlreef.extraction.service import extract

SCRIPT = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--rate', type=float)\np.add_argument('--t')\n"


def applied(text: str) -> tuple[manifest.Manifest, list[tuple[int, str]], dict[str, object]]:
    found = extract(SCRIPT.encode(), "t.py")
    parsed = manifest.parse(textwrap.dedent(text).encode(), "processor.yaml")
    manifest.apply(parsed, found)
    faults = [(one.position.line, one.message) for one in found.errors]
    return parsed, faults, {one.name: one for one in found.parameters}


def test_a_manifest_says_what_the_source_cannot() -> None:
    text = "name: augment\nkind: operation\nparameters:\n  rate: {min: 0, max: 1, unit: degrees}\ninputs: [t]\n"
    parsed, faults, named = applied(text)
    rate, t = named["rate"], named["t"]
    assert (parsed.values["name"], faults) == ("augment", [])
    assert (rate.min, rate.max, rate.unit, t.role) == (0, 1, "degrees", "input")  # type: ignore[attr-defined]


def test_every_fault_of_a_manifest_is_told_with_its_line() -> None:
    text = """\
        name: Bad Name
        kind: thing
        surprise: 1
        parameters:
          rate: {min: low}
          nothing: {min: 1}
        outputs: [nowhere]
        """
    _, faults, _ = applied(text)
    assert [line for line, _ in faults] == [1, 2, 3, 5, 6, 7]


def test_a_manifest_that_is_no_yaml_is_told_so() -> None:
    _, faults, _ = applied("name: [unclosed\n")
    assert "not YAML" in faults[0][1]
