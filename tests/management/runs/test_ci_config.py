"""The CI configuration that the forge fetches for a run."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import jsonschema
import yaml

from mlreef.management.runs import ci_config

FRAMEWORK = ci_config.Framework("http://mlreef.test", "http://mlreef.test/api/v1/epf.pyz", "0" * 64)
JOBS = [
    ci_config.Job("1e3", "registry.test/g/p/x@sha256:1", "cpu-small", 60, []),
    ci_config.Job("crop", "registry.test/g/p/y@sha256:2", "gpu", 3600, ["1e3", "cached-one"]),
]


def test_one_job_for_each_step_with_needs_only_among_them():
    document = yaml.safe_load(ci_config.render(JOBS, FRAMEWORK))
    assert document["crop"]["needs"] == ["1e3"]
    assert document["crop"]["tags"] == ["gpu"]
    assert document["1e3"]["image"] == {"name": "registry.test/g/p/x@sha256:1", "entrypoint": [""]}
    assert document["1e3"]["id_tokens"] == {"MLREEF_ID_TOKEN": {"aud": "http://mlreef.test"}}
    assert document["1e3"]["timeout"] == "960s"
    assert document["1e3"]["variables"]["GIT_STRATEGY"] == "none"


def test_what_a_processor_asks_for_goes_to_the_runner_with_room_for_the_framework():
    asked = ci_config.Job("a", "r/x@sha256:1", "cpu-small", 60, [], memory_bytes=100, cpus=0.5, disk_bytes=7)
    variables = yaml.safe_load(ci_config.render([asked, JOBS[0]], FRAMEWORK))["a"]["variables"]
    wanted = {"MLREEF_MEMORY_BYTES": str(100 + (256 << 20)), "MLREEF_CPUS": "0.5", "MLREEF_DISK_BYTES": "7"}
    assert wanted.items() <= variables.items()
    assert "MLREEF_PROCESSES" not in variables
    assert "MLREEF_MEMORY_BYTES" not in yaml.safe_load(ci_config.render(JOBS, FRAMEWORK))["1e3"]["variables"]


def test_the_official_schema_accepts_it():
    import check_jsonschema

    place = Path(check_jsonschema.__file__).parent / "builtin_schemas/vendor/gitlab-ci.json"
    document = yaml.safe_load(ci_config.render(JOBS, FRAMEWORK))
    jsonschema.validate(document, json.loads(place.read_text()))


def test_a_job_runs_the_framework_that_the_runner_offers(tmp_path):
    framework = tmp_path / "epf.pyz"
    framework.write_text("import sys; print('framework', *sys.argv[1:])")
    env = {"PATH": os.environ["PATH"], "MLREEF_EPF": str(framework)}
    done = subprocess.run(["sh", "-c", ci_config.bootstrap("run")], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "framework run\n"


def test_a_downloaded_framework_with_another_digest_is_not_run(tmp_path):
    framework = tmp_path / "epf.pyz"
    framework.write_text("print('never')")
    env = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(tmp_path),
        "MLREEF_EPF_URL": framework.as_uri(),
        "MLREEF_EPF_SHA256": "0" * 64,
    }
    done = subprocess.run(
        ["sh", "-c", ci_config.bootstrap("run")], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "wrong digest" in done.stderr
    assert "never" not in done.stdout
