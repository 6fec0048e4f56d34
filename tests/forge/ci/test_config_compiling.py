"""From configuration texts to jobs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from mlreef.forge.ci.config import compiling, document, includes, rules
from mlreef.forge.ci.config.errors import ConfigError, fault
from mlreef.forge.ci.config.spec import Plan, PlannedJob

NO_FACTS = rules.Facts({})


class Files:
    """Files in memory; URLs are files too."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    async def local(self, path: str) -> bytes | None:
        return self.files[path].encode() if path in self.files else None

    async def remote(self, url: str, shown: str) -> bytes:
        if url not in self.files:
            raise fault(f"Remote file `{shown}` could not be fetched")
        return self.files[url].encode()

    async def present(self, globs: Collection[str]) -> frozenset[str]:
        return frozenset(self.files)


def plan(text: str, facts: rules.Facts = NO_FACTS) -> Plan:
    return compiling.compile_plan(document.load(text, "f"), facts)


def one(text: str, **variables: str) -> PlannedJob:
    jobs = plan(text, rules.Facts(variables)).jobs
    assert len(jobs) == 1
    return jobs[0]


def faults(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        plan(text)
    return caught.value.faults


def test_a_rendered_step_becomes_a_job():
    job = one("""
stages: [run]
"augment":
  stage: run
  image: {name: "host:5000/g/p/augment@sha256:1", entrypoint: [""]}
  tags: [cpu-small]
  timeout: 3600s
  id_tokens: {MLREEF_ID_TOKEN: {aud: "http://m"}}
  variables: {GIT_STRATEGY: none, N: 3, FLAG: true}
  script: [python3 epf.pyz run]
""")
    assert job.options["image"] == {"name": "host:5000/g/p/augment@sha256:1", "entrypoint": [""]}
    assert (job.timeout, job.tags, job.options["id_tokens"]) == (
        3600,
        ("cpu-small",),
        {"MLREEF_ID_TOKEN": ["http://m"]},
    )
    assert job.variables == {"GIT_STRATEGY": "none", "N": "3", "FLAG": "true"}


def test_defaults_and_old_globals_reach_jobs_that_do_not_object():
    text = """
image: old
default: {tags: [t], before_script: [b]}
a: {script: x}
b: {script: x, image: own, inherit: {default: false}}
"""
    first, second = plan(text).jobs
    assert (first.options["image"], first.tags, first.options["before_script"]) == ({"name": "old"}, ("t",), ["b"])
    assert (second.options["image"], second.tags) == ({"name": "own"}, ())


def test_extends_merges_deeply_and_hidden_jobs_do_not_run():
    job = one(
        ".a: {variables: {X: '1', Y: '1'}, script: x}\n.b: {extends: .a, variables: {Y: '2'}}\nc: {extends: [.b]}"
    )
    assert job.variables == {"X": "1", "Y": "2"}


def test_references_reach_into_other_jobs():
    job = one(
        ".a: {script: [one, [two]]}\n.b: {script: [!reference [.a, script]]}\n"
        "c: {script: [!reference [.b, script], three]}"
    )
    assert job.options["script"] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("rule", "when"),
    [("{if: $X}", "on_success"), ("{if: $X, when: manual}", "manual"), ("{if: $NO}", None), ("{when: never}", None)],
)
def test_the_first_rule_that_holds_decides(rule: str, when: str | None):
    jobs = plan(f"a: {{script: x, rules: [{rule}]}}", rules.Facts({"X": "1"})).jobs
    assert [job.when for job in jobs] == ([when] if when else [])


def test_rules_add_variables_and_see_those_of_the_job():
    job = one("a: {script: x, variables: {K: v}, rules: [{if: '$K == \"v\"', variables: {L: w}, allow_failure: true}]}")
    assert (job.variables, job.allow_failure) == ({"K": "v", "L": "w"}, True)


def test_workflow_rules_can_refuse_the_pipeline():
    assert plan("workflow: {rules: [{if: $RUN}]}\na: {script: x}").jobs == ()


def test_manual_jobs_block_only_when_a_rule_made_them_manual():
    assert one("a: {script: x, when: manual}").allow_failure
    assert not one("a: {script: x, rules: [{when: manual}]}").allow_failure


def test_parallel_multiplies_and_needs_follow():
    jobs = plan("a: {script: x, parallel: 2}\nb: {script: x, stage: deploy, needs: [a]}").jobs
    assert [job.name for job in jobs] == ["a 1/2", "a 2/2", "b"]
    assert [need.job for need in jobs[2].needs or ()] == ["a 1/2", "a 2/2"]
    assert jobs[0].variables["CI_NODE_INDEX"] == "1"


def test_a_matrix_names_its_values():
    jobs = plan("a: {script: x, parallel: {matrix: [{P: [x, y], Q: z}]}}").jobs
    assert [job.name for job in jobs] == ["a: [x, z]", "a: [y, z]"]


def test_optional_needs_of_absent_jobs_vanish():
    text = "a: {script: x, rules: [{when: never}]}\nb: {script: x, needs: [{job: a, optional: true}]}"
    assert plan(text).jobs[0].needs == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: {stage: test}", "jobs:a config should implement the script:"),
        ("a: {script: x, foo: 1}", "jobs:a config contains unknown keys: foo"),
        ("a: {script: {}}", "jobs:a:script config should be a string"),
        ("a: {script: x, stage: nope}", "a job: chosen stage nope does not exist"),
        ("a: {script: x, needs: [b]}", "a job: undefined need: b"),
        ("a: {script: x, needs: [b]}\nb: {script: x, needs: [a]}", "circular dependencies: a, b"),
        ("a: {script: x, rules: [{if: '$X =='}]}", "jobs:a:rules:rule:if invalid expression"),
        ("a: {script: x, rules: {if: x}}", "jobs:a:rules config should be a list"),
        ("a: {script: x, timeout: soon}", "jobs:a:timeout config should be a duration"),
        ("a: {script: x, retry: 3}", "jobs:a:retry config should be 0, 1 or 2"),
        ("a: {script: x, when: later}", "jobs:a:when config should be one of"),
        ("a: {script: x, only: [main]}", "jobs:a:only is not supported: use rules"),
        ("a: {script: x, parallel: 999}", "jobs:a:parallel config should be a number"),
        ("a: {script: x, artifacts: [x]}", "jobs:a:artifacts config should be a mapping"),
        ("a: {script: x, id_tokens: {T: {}}}", "jobs:a:id_tokens config should be a mapping"),
        ("a: {script: x, tags: {}}", "jobs:a:tags config should be an array"),
        (".a: {script: x}", "jobs config should contain at least one visible job"),
        ("a: {extends: .b}", "unknown keys in `extends` (.b)"),
        ("a: {extends: b, script: x}\nb: {extends: a, script: x}", "circular dependency detected in `extends`"),
        ("a: {script: !reference [a, script]}", "is circular"),
        ("a: {script: !reference [b, script]}", "could not be found"),
        ("a: {script: x, rules: [{when: never}]}\nb: {script: x, needs: [a]}", "does not exist in the pipeline"),
        ("a: 1", "jobs:a config should be a mapping"),
        ("default: {script: x}\na: {script: x}", "default config contains unknown keys: script"),
        ("stages: x\na: {script: x}", "stages config should be an array"),
    ],
)
def test_faults_name_job_and_key(text: str, said: str):
    assert said in "; ".join(faults(text))


def test_all_faulty_jobs_are_reported_at_once():
    assert len(faults("a: {}\nb: {script: {}}\nc: {script: x, foo: 1}")) == 3


@pytest.mark.parametrize(
    ("text", "seconds"), [("3600s", 3600), ("1h 30m", 5400), ("2 hours 5 minutes", 7500), ("90", 90), ("1 day", 86400)]
)
def test_durations_are_read_as_people_write_them(text: str, seconds: int):
    assert one(f"a: {{script: x, timeout: {text}}}").timeout == seconds


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("*.py", "a.py", True),
        ("*.py", "b/a.py", False),
        ("**/*.py", "b/c/a.py", True),
        ("**/*.py", "a.py", True),
        ("docs/**", "docs/a/b", True),
        ("docs/**/*", "docs/a", True),
        ("Docker*", "Dockerfile", True),
        ("a.c", "abc", False),
    ],
)
def test_globs_cross_folders_only_with_two_stars(glob: str, path: str, expected: bool):
    assert rules.matches([glob], [path]) is expected


async def load(files: dict[str, str], path: str = ".gitlab-ci.yml", **variables: str) -> dict[str, Any]:
    return (await includes.load(path, Files(files), rules.Facts(variables)))[0]


async def test_includes_come_below_the_file_that_names_them():
    files = {".gitlab-ci.yml": "include: [a.yml]\nx: {script: own}", "a.yml": "x: {script: theirs, stage: test}"}
    assert await load(files) == {"x": {"script": "own", "stage": "test"}}


async def test_the_connected_projects_configuration_picks_by_variable():
    root = """
include:
  - remote: "http://m/runs/$MLREEF_CONFIG.yml"
    rules: [{if: $MLREEF_CONFIG}]
  - local: .gitlab-ci.yml
    rules: [{if: '$MLREEF_CONFIG == null', exists: [.gitlab-ci.yml]}]
"""
    files = {"http://m/c": root, "http://m/runs/tok.yml": "step: {script: a}", ".gitlab-ci.yml": "own: {script: b}"}
    assert await load(files, "http://m/c", MLREEF_CONFIG="tok") == {"step": {"script": "a"}}
    assert await load(files, "http://m/c") == {"own": {"script": "b"}}
    del files[".gitlab-ci.yml"]
    assert await load(files, "http://m/c") == {}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({".gitlab-ci.yml": "include: .gitlab-ci.yml"}, "includes itself"),
        ({".gitlab-ci.yml": "include: a.yml", "a.yml": "include: .gitlab-ci.yml"}, "includes itself"),
        ({".gitlab-ci.yml": "include: nope.yml"}, "`nope.yml` does not exist"),
        ({".gitlab-ci.yml": "include: ../x.yml"}, "leaves the repository"),
        ({".gitlab-ci.yml": "include: {project: g/p, file: x}"}, "not supported"),
        ({".gitlab-ci.yml": "include: {remote: 'ftp://x'}"}, "valid address"),
        ({".gitlab-ci.yml": "include: [" + ",".join(["a.yml"] * 200) + "]", "a.yml": "a: 1"}, "more than 150 files"),
    ],
)
async def test_bad_includes_are_faults(files: dict[str, str], said: str):
    with pytest.raises(ConfigError) as caught:
        await load(files)
    assert said in caught.value.message


async def test_faults_do_not_show_the_values_of_variables():
    with pytest.raises(ConfigError) as caught:
        await load({".gitlab-ci.yml": "include: {remote: 'http://m/$TOKEN.yml'}"}, TOKEN="secret")
    assert "secret" not in caught.value.message
