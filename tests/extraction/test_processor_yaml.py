"""`processor.yaml`: one corpus of good and bad files, judged by the parser and by the published JSON schema."""

from __future__ import annotations

import time
from typing import Any

import jsonschema
import pytest

from mlreef.extraction import manifest
from mlreef.extraction.manifest import nodes
from mlreef.extraction.model import Extraction

VALIDATOR = jsonschema.Draft202012Validator(manifest.schema())

GOOD = {
    "nothing": "",
    "little": "name: crop\nkind: operation\nentry: crop.py\n",
    "sub folder": "entry: src/crop.py\nrequirements: deps/requirements.txt\nchangelog: docs/CHANGES.md\n",
    "command": "command: [Rscript, fit.R]\nparameters: {rate: {type: float, flag: --rate, default: 0.1}}\n",
    "ports": "command: [sh, run.sh]\ninputs: [data]\noutputs: {counts: {types: [text], help: Counted words}}\n",
    "port details": "command: [sh, run.sh]\ninputs: {data: {flag: none, required: false}}\noutputs: {out: null}\n",
    "resources": "resources: {machine: cpu-small, cpus: 0.5, memory: 2GiB, gpus: 0, disk: 10 GB, timeout: 1h30m}\n",
    "numbers": "resources: {memory: 2147483648, timeout: 3600, processes: 64}\n",
    "licence": "licence: MIT OR Apache-2.0\n",
    "requirements": "requirements: [numpy>=2, 'pandas[excel]==2.2.*']\n",
    "metrics": "metrics: {accuracy: {goal: maximize, unit: null, help: Share of right answers}, loss: {}}\n",
    "reference": (
        "reference:\n  inputs: {input_path: reference/input}\n  parameters: {rotate: 5, names: [a, b]}\n"
        "  metrics: {accuracy: '>= 0.9'}\n  outputs: {output_path: {files: '>= 1'}}\n"
    ),
    "words": "tags: [Images, pre-processing]\nmodel_type: Image Classification\ninput_types: [image, text/plain]\n",
    "environment": "environment: registry.example.org:5000/team/image:1.0@sha256:" + "a" * 64 + "\n",
    "network": "network: package-index\n",
    "quoted": 'name: "crop"\ntitle: "yes"\ndescription: |\n  Two\n  lines\n',
    "choices": "parameters: {mode: {choices: [fast, exact, 3], nargs: '+', multiple: true, negated_flag: null}}\n",
}

# name -> (file, line, column, part of the message, part of the remedy, whether the JSON schema sees it too)
BAD: dict[str, tuple[str, int, int, str, str, bool]] = {
    "unknown key": ("kind: operation\nlicense: MIT\n", 2, 1, "unknown key", "licence", True),
    "near key": ("enviroment: python-3.11\n", 1, 1, "unknown key", "did you mean 'environment'", True),
    "version": ("version: 1.2.0\n", 1, 1, "unknown key", "publication", True),
    "nested key": ("parameters:\n  rate: {minimum: 1}\n", 2, 10, "unknown key", "min", True),
    "name": ("name: My Processor\n", 1, 7, "cannot be", "a-z", True),
    "kind": ("kind: operations\n", 1, 7, "cannot be", "did you mean 'operation'", True),
    "number for text": ("title: 5\n", 1, 8, "must be text", "quotes", True),
    "both": ("entry: a.py\ncommand: [sh, a.sh]\n", 2, 1, "either", "delete one", True),
    "other language": ("entry: fit.R\n", 1, 8, "cannot be", "command", True),
    "outside": ("requirements: ../secret\n", 1, 15, "cannot be", "relative", True),
    "absolute": ("changelog: /etc/passwd\n", 1, 12, "cannot be", "relative", True),
    "licence": ("licence: free for all\n", 1, 10, "cannot be", "SPDX", False),
    "requirement": ("requirements: ['--index-url http://x']\n", 1, 16, "cannot be", "numpy>=2", False),
    "untyped": ("command: [sh, a]\nparameters:\n  rate: {min: 1}\n", 3, 3, "needs a type", "type: integer", True),
    "range": ("parameters:\n  rate: {min: 3, max: 1}\n", 2, 10, "greater", "exchange", False),
    "size": ("resources: {memory: lots}\n", 1, 21, "cannot be", "2GiB", True),
    "tiny": ("resources: {memory: 3}\n", 1, 21, "cannot be", "2GiB", True),
    "time": ("resources: {timeout: 1 fortnight}\n", 1, 22, "cannot be", "1h", True),
    "network": ("network: all\n", 1, 10, "cannot be", "none, package-index, open", True),
    "goal": ("metrics: {loss: {goal: minimise}}\n", 1, 24, "cannot be", "minimize", True),
    "condition": ("reference: {metrics: {loss: 0.5}}\n", 1, 29, "must be text", "comparison", True),
    "ports": ("inputs: [a]\noutputs: [a]\n", 2, 11, "both", "two parameters", False),
    "scalar list": ("tags: images\n", 1, 7, "must be a list", "[images", True),
    "list map": ("parameters: [rate]\n", 1, 13, "names with values", "rotate", True),
    "whole file": ("- name: crop\n", 1, 1, "must hold keys", "lines", True),
    "twice": ("name: a\nkind: operation\nname: b\n", 3, 1, "given twice", "keep one", False),
    "alias": ("name: &a crop\ntitle: *a\n", 1, 7, "anchors", "write the value out", False),
    "merge": ("name: crop\ntitle: *gone\n", 2, 8, "aliases", "write the value out", False),
    "tag": ("name: !!python/object:os.system crop\n", 1, 7, "tag", "leave it out", False),
    "broken": ("name: [crop\n", 2, 1, "not YAML", "correct", False),
    "two documents": ("name: a\n---\nname: b\n", 2, 1, "second document", "delete", False),
}


def judged(text: str) -> manifest.Manifest:
    return manifest.parse(text.encode(), "processor.yaml")


def plain(text: str) -> Any:
    node, _ = nodes.read(text.encode(), "processor.yaml")
    return {} if node is None or nodes.to_value(node) is None else nodes.to_value(node)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_good_to_parser_and_schema(name: str) -> None:
    found = judged(GOOD[name])
    assert [one.message for one in found.faults] == []
    assert not list(VALIDATOR.iter_errors(plain(GOOD[name])))


@pytest.mark.parametrize("name", GOOD)
def test_the_normal_form_is_itself_a_good_file(name: str) -> None:
    found = judged(GOOD[name])
    again = manifest.from_document(found.values)
    assert (again.values, again.faults) == (found.values, [])
    assert not list(VALIDATOR.iter_errors(found.values))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_told_its_fault_with_place_and_remedy(name: str) -> None:
    text, line, column, message, remedy, _ = BAD[name]
    found = judged(text).faults
    assert len(found) == 1, found
    fault = found[0]
    assert (fault.position.line, fault.position.column) == (line, column), fault
    assert message in fault.message, fault
    assert remedy in fault.remedy, fault


@pytest.mark.parametrize("name", [name for name, one in BAD.items() if one[5]])
def test_the_schema_refuses_what_the_parser_refuses(name: str) -> None:
    assert list(VALIDATOR.iter_errors(plain(BAD[name][0])))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(manifest.schema("https://mlreef.example.org/schema.json"))


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    found = judged("kind: x\nnmae: y\nresources: {cpus: -1, memory: 2GiB}\nmetrics: {loss: {goal: up}}\n").faults
    assert [one.position.line for one in found] == [1, 2, 3, 4]


def test_units_mean_numbers() -> None:
    text = "resources: {memory: 2GiB, disk: 1.5 GB, timeout: 1h30m}\nreference: {metrics: {loss: '<0.50'}}\n"
    values = judged(text).values
    assert values["resources"] == {"memory": 2 << 30, "disk": 1_500_000_000, "timeout": 5400}
    assert values["reference"]["metrics"] == {"loss": "< 0.5"}
    condition = manifest.condition(">= 0.9")
    assert condition is not None
    assert (condition.holds(0.9), condition.holds(0.89), condition.holds(float("nan"))) == (True, False, False)


def test_words_and_licences_are_normalised() -> None:
    values = judged("licence: apache-2.0 or mit\nmodel_type: ' Image  Classification'\ntags: [A, a]\n").values
    assert (values["licence"], values["tags"]) == ("Apache-2.0 OR MIT", ["a"])


def test_a_command_declares_its_parameters_completely() -> None:
    text = """\
    command: [sh, /mlreef/code/count.sh]
    inputs: [data]
    outputs: {counts: {flag: --to, help: A file of counts}}
    parameters: {least: {type: integer, min: 1, default: 2, flag: -n}, words: {type: list, flag: --word}}
    """
    found = Extraction()
    parsed = judged("\n".join(line.strip() for line in text.splitlines()))
    manifest.apply(parsed, found)
    shown = [(one.name, one.type, one.flag, one.role, one.required) for one in found.parameters]
    assert found.errors == []
    assert shown == [
        ("least", "integer", "-n", "value", False),
        ("words", "list", "--word", "value", True),
        ("data", "path", None, "input", True),
        ("counts", "path", "--to", "output", False),
    ]
    assert found.parameters[2].position.line == 2


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("parameters: {n: {type: integer, default: two}}", "the default must be a whole number"),
        ("parameters: {n: {type: integer, default: 9, max: 5}}", "the default is 9, more than"),
        ("parameters: {n: {type: choice}}", "needs choices"),
        ("parameters: {n: {type: integer, flag: none}}", "environment variables"),
        ("reference: {parameters: {m: 1}}", "no parameter 'm'"),
        ("reference: {inputs: {data: x}}", "no input 'data'"),
        ('parameters: {n: {type: string, default: "\\0"}}', "cannot be"),
        ("metrics: {loss: {}}\nreference: {metrics: {los: '< 1'}}", "not among `metrics`"),
    ],
)
def test_what_is_declared_must_fit_together(more: str, message: str) -> None:
    found = Extraction()
    manifest.apply(judged(f"command: [sh, a.sh]\n{more}\n"), found)
    assert [message in one.message for one in found.errors] == [True], found.errors


BOMBS = {
    "laughs": "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]" for n in range(12)),
    "many keys": "parameters:\n" + "".join(f"  k{n}: {{}}\n" for n in range(30_000)),
    "deep flow": "a: " + "[" * 100_000,
    "deep block": "\n".join(" " * n + "a:" for n in range(700)),
    "large": "description: " + "x" * (100 << 20),
    "many in a line": "tags: [" + "a," * 120_000 + "]",
    "long number": "resources: {timeout: " + "9" * 200_000 + "}",
    "long key": "k" * 200_000 + ": 1",
    "not text": "name: \ud800".encode("utf-8", "surrogatepass").decode("latin-1") + "\x00",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_file_is_refused_at_once(name: str) -> None:
    content = BOMBS[name].encode("utf-8", "replace")
    started = time.monotonic()
    found = manifest.parse(content, "processor.yaml")
    assert found.faults
    assert len(found.faults) <= 101
    assert all(len(one.message) + len(one.remedy) < 2000 for one in found.faults)
    assert time.monotonic() - started < 3
