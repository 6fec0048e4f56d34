"""A step on this machine: its values, its inputs, its image, and that only this job reaches its server."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlreef.cli.local import http, image, step
from mlreef.cli.local.step import Program, Report
from mlreef.extraction.arguments import Parameter
from mlreef.extraction.manifest import from_document
from mlreef.extraction.model import Extraction
from mlreef.extraction.study import Study
from mlreef.kit.errors import PlatformError

PROGRAM = Program(
    ["run"],
    [
        Parameter("rate", "float", flag="--rate", max=1),
        Parameter("names", "list", flag="--name"),
        Parameter("fast", "boolean", flag="--fast"),
        Parameter("mode", "choice", flag="--mode", choices=("a", 2)),
        Parameter("options", "dictionary", flag="--options"),
        Parameter("count", "integer", flag="--count", required=True),
    ],
)


def test_texts_become_values_of_the_parameters_types() -> None:
    given = {"rate": ["0.5"], "names": ["a", "b"], "fast": ["yes"], "mode": ["2"], "options": ['{"a": 1}']}
    found = step.values(PROGRAM, {**given, "count": ["3"]})
    assert found == {"rate": 0.5, "names": ["a", "b"], "fast": True, "mode": 2, "options": {"a": 1}, "count": 3}


def test_all_faults_of_values_are_told_at_once() -> None:
    with pytest.raises(PlatformError) as refused:
        step.values(PROGRAM, {"rate": ["2"], "fast": ["perhaps"], "other": ["1"]})
    assert [one.field for one in refused.value.details] == ["rate", "fast", "other", "count"]


def test_values_of_the_reference_hold_where_none_is_given() -> None:
    assert step.values(PROGRAM, {"rate": ["0.1"]}, {"rate": 0.9, "count": 1}) == {"rate": 0.1, "count": 1}


def test_an_input_is_told_by_the_digests_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "in/sub").mkdir(parents=True)
    (tmp_path / "in/sub/a.txt").write_bytes(b"one")
    (tmp_path / "in/link").symlink_to("/etc/passwd")
    found = step.source(tmp_path / "in")
    assert found.entries == [
        {"path": "sub/a.txt", "size": 3, "oid": hashlib.sha256(b"one").hexdigest(), "mode": "100644"}
    ]
    assert found.links == 1
    assert found.digest == hashlib.sha256(found.manifest).hexdigest()


def test_the_same_files_give_the_same_layer(tmp_path: Path) -> None:
    (tmp_path / "p/sub").mkdir(parents=True)
    (tmp_path / "p/sub/a.sh").write_text("echo")
    for name in ("one", "two"):
        image.pack(tmp_path / "p", ["sub/a.sh"], tmp_path / name, "mlreef/code")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    with tarfile.open(tmp_path / "one") as tar:
        assert tar.getnames() == ["mlreef", "mlreef/code", "mlreef/code/sub", "mlreef/code/sub/a.sh"]


def test_an_image_adds_layers_to_an_environments(tmp_path: Path) -> None:
    (tmp_path / "layer").write_bytes(b"tar")
    base = image.Environment(
        "host/x@sha256:1",
        {"layers": [{"mediaType": "m", "digest": "sha256:b", "size": 5}]},
        {"config": {"Env": ["PATH=/bin"]}, "rootfs": {"type": "layers", "diff_ids": ["sha256:d"]}},
    )
    made = image.assemble(base, [tmp_path / "layer"])
    document = json.loads(made.manifest)
    config = json.loads(made.small[document["config"]["digest"]])
    own = "sha256:" + hashlib.sha256(b"tar").hexdigest()
    assert [one["digest"] for one in document["layers"]] == ["sha256:b", own]
    assert config["rootfs"]["diff_ids"] == ["sha256:d", own]
    assert config["config"]["Env"] == ["PATH=/bin", "PYTHONPATH=/opt/deps"]


def test_what_a_reference_run_missed_is_told() -> None:
    reference = {"metrics": {"loss": "< 1", "accuracy": ">= 0.9"}, "outputs": {"out": {"files": ">= 2"}}}
    described = from_document({"command": ["run"], "reference": reference})
    study = Study("processor.yaml", ["run"], Extraction(), described)
    report = Report(metrics={"loss": [3.0, 2.0]}, outputs={"out": [{}]})
    assert step.missed(study, report) == [
        "loss is 2, not < 1",
        "the metric accuracy was not reported",
        "the output out has 1 files, not >= 2",
    ]


@pytest.fixture
def work(tmp_path: Path) -> http.Work:
    (tmp_path / "input").mkdir()
    (tmp_path / "input/a.txt").write_text("a")
    (tmp_path / "stored").mkdir()
    sources = {"data": step.source(tmp_path / "input")}
    made = image.assemble(None, [])
    return http.Work({}, {"kind": "step"}, sources, made, b"epf", tmp_path / "stored", lambda _: None)


def client(work: http.Work, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(http.application(work))
    return httpx.AsyncClient(transport=transport, base_url="http://local", headers=headers)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v4/runners/verify"),
        ("POST", "/api/v4/jobs/request"),
        ("PATCH", "/api/v4/jobs/1/trace"),
        ("PUT", "/api/v4/jobs/1"),
        ("GET", "/api/v1/jobs/current"),
        ("GET", "/api/v1/jobs/current/manifests/0"),
        ("PUT", "/api/v1/jobs/current/outputs/out"),
        ("PUT", "/api/v1/jobs/current/result"),
        ("POST", "/api/v1/jobs/current/metrics"),
        ("GET", "/local/objects/" + "0" * 64),
        ("PUT", "/local/objects/" + "0" * 64),
        ("GET", "/v2/local/processor/manifests/local"),
        ("GET", "/v2/local/processor/blobs/sha256:0"),
    ],
)
async def test_the_server_serves_its_job_alone(work: http.Work, method: str, path: str) -> None:
    async with client(work) as stranger:
        answer = await stranger.request(method, path, json={})
    assert answer.status_code in {401, 403}


async def test_an_object_that_does_not_have_its_address_is_refused(work: http.Work) -> None:
    headers = {"x-local-token": work.token}
    digest = hashlib.sha256(b"right").hexdigest()
    async with client(work, **headers) as job:
        assert (await job.put(f"/local/objects/{digest}", content=b"wrong")).status_code == 400
        assert (await job.put(f"/local/objects/{digest}", content=b"right")).status_code == 200
        assert (await job.get(f"/local/objects/{digest}")).content == b"right"
    assert [one.name for one in work.stored.iterdir()] == [digest]


def test_an_output_stays_within_its_folder(tmp_path: Path) -> None:
    entries: list[dict[str, Any]] = [{"path": "../out.txt", "oid": "0" * 64, "size": 1, "mode": "100644"}]
    with pytest.raises(PlatformError):
        http.materialise(entries, tmp_path, tmp_path / "target", {})
