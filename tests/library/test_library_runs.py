"""Every processor of the starter library, published and run on its reference data by a real server."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlreef.cli import environment
from support import ports
from support.live import Live

LIBRARY = Path(__file__).resolve().parents[2] / "processors"


def described(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((LIBRARY / name / "processor.yaml").read_text())
    return found


ENVIRONMENTS = ["python-3.11", "scikit-learn", "tensorflow-2", "pytorch-2"]
"""In the order in which they are built; projects follow as soon as theirs is there."""
PROJECTS = sorted(
    (path.parent.name for path in LIBRARY.glob("*/processor.yaml")),
    key=lambda name: (ENVIRONMENTS.index(described(name)["environment"]), name),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    live = Live(tmp_path_factory.mktemp("library"))
    live.start()
    try:
        live.people()
        environment.ensure_project(live.admin)
        yield live
    finally:
        live.stop()


def build(server: Live, name: str) -> None:
    environment.build(server.admin, server.admin_token, name, lambda _line: None)


def publish(server: Live, name: str) -> str:
    """Publish one project; the id of the version."""
    folder = LIBRARY / name
    reef = server.reef
    group = reef.forge.groups.get("lab").id
    made = reef.forge.projects.create({"name": name, "path": name, "namespace_id": group})
    actions = [
        {
            "action": "create",
            "file_path": path.relative_to(folder).as_posix(),
            "content": base64.b64encode(path.read_bytes()).decode(),
            "encoding": "base64",
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    made.commits.create({"branch": "main", "commit_message": name, "actions": actions})
    done = reef.wait_publication(reef.publish(made.id, ref="main")["id"], timeout=300)
    assert done["status"] == "succeeded", (name, done["reason"])
    return str(done["version_id"])


def verified(server: Live, version: str) -> dict[str, Any]:
    """Run a version on its reference data; what became of it."""
    reef = server.reef
    reef.verify(version)
    ports.wait(lambda: next(reef.verifications(version))["status"] != "running", "the verification", seconds=240)
    return next(reef.verifications(version))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_processor_is_published_and_passes_on_its_reference_data(server: Live) -> None:
    with ThreadPoolExecutor(1) as builder, ThreadPoolExecutor(2) as pool:
        built = {name: builder.submit(build, server, name) for name in ENVIRONMENTS}

        def proven(name: str) -> dict[str, Any]:
            began = time.monotonic()
            built[described(name)["environment"]].result(600)
            waited = time.monotonic()
            version = publish(server, name)
            published = time.monotonic()
            result = verified(server, version)
            times = waited - began, published - waited, time.monotonic() - published
            print(f"{name:<24} {result['status']:<8} {times[0]:5.1f} s {times[1]:5.1f} s {times[2]:5.1f} s", flush=True)
            return result

        results = dict(zip(PROJECTS, pool.map(proven, PROJECTS), strict=True))
    assert {name: one["reason"] for name, one in results.items() if one["status"] != "passed"} == {}
    shown = server.reef.marketplace(verified="true", per_page=100)
    assert shown["total"] == len(PROJECTS)
