"""python-gitlab, unmodified, on pipelines, jobs, variables, runners and webhooks."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import gitlab
import pytest

from compat.ci_server import World, served

CONFIG = "a: {script: x}\nb: {script: x, stage: deploy, rules: [{when: manual}]}"


@pytest.fixture
async def ci(tmp_path: Path) -> AsyncIterator[World]:
    async with served(tmp_path) as (made, url):
        made.git.files[7][".gitlab-ci.yml"] = CONFIG.encode()
        made.gl = gitlab.Gitlab(url, private_token="ann")
        yield made


async def call(ci: World, action: Callable[[Any], Any]) -> Any:
    """Run something synchronous on the project while the server answers."""
    return await asyncio.to_thread(lambda: action(ci.gl.projects.get(7, lazy=True)))


async def test_pipelines_are_created_listed_cancelled_retried_and_deleted(ci: World):
    def act(project: Any) -> None:
        pipeline = project.pipelines.create({"ref": "main", "variables": [{"key": "K", "value": "v"}]})
        assert (pipeline.status, pipeline.user["username"]) == ("pending", "ann")
        assert [item.id for item in project.pipelines.list(ref="main", get_all=True)] == [pipeline.id]
        assert project.pipelines.latest(ref="main").id == pipeline.id
        assert [(v.key, v.value) for v in pipeline.variables.list(get_all=True)] == [("K", "v")]
        assert {job.name for job in pipeline.jobs.list(get_all=True)} == {"a", "b"}
        assert pipeline.bridges.list(get_all=True) == []
        pipeline.cancel()
        pipeline.refresh()
        assert pipeline.status == "canceled"
        pipeline.retry()
        pipeline.refresh()
        assert pipeline.status in {"pending", "running"}
        pipeline.delete()
        with pytest.raises(gitlab.GitlabGetError):
            project.pipelines.get(pipeline.id)

    await call(ci, act)


async def test_a_wrong_configuration_raises_what_gitlab_raises(ci: World):
    ci.git.files[7][".gitlab-ci.yml"] = b"a: {}"
    with pytest.raises(gitlab.GitlabCreateError, match="jobs:a config should implement"):
        await call(ci, lambda project: project.pipelines.create({"ref": "main"}))


async def test_jobs_are_played_cancelled_and_read(ci: World):
    runner = await ci.runner()
    await call(ci, lambda project: project.pipelines.create({"ref": "main"}))
    taken = await runner.take()
    await taken.write("log line\n")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("out/model.txt", "weights")
    await taken.upload(packed.getvalue(), artifact_type="archive", artifact_format="zip")
    await taken.finish()

    def act(project: Any) -> None:
        job = project.jobs.get(taken.id)
        assert (job.status, job.artifacts_file["filename"]) == ("success", "artifacts.zip")
        assert job.trace() == b"log line\n"
        assert job.artifacts() == packed.getvalue()
        assert job.artifact("out/model.txt") == b"weights"
        assert project.artifacts.download(ref_name="main", job="a") == packed.getvalue()
        assert project.artifacts.raw(ref_name="main", artifact_path="out/model.txt", job="a") == b"weights"
        job.keep_artifacts()
        manual = next(item for item in project.jobs.list(get_all=True) if item.name == "b")
        manual.play()
        manual.refresh()
        assert manual.status == "pending"
        assert manual.cancel()["status"] == "canceled"
        assert manual.retry()["status"] == "pending"
        job.delete_artifacts()
        job.erase()

    await call(ci, act)


async def test_variables_hooks_lint_and_runners(ci: World):
    def act(project: Any) -> None:
        variable = project.variables.create({"key": "K", "value": "v"})
        variable.value = "w"
        variable.save()
        assert project.variables.get("K").value == "w"
        variable.delete()
        hook = project.hooks.create({"url": "http://example.org/x", "push_events": 1, "job_events": True})
        hook.note_events = 1
        hook.save()
        assert project.hooks.get(hook.id).note_events is True
        hook.test("push_events")
        hook.delete()
        project.ci_lint.validate({"content": CONFIG})
        assert project.ci_lint.get().valid
        with pytest.raises(gitlab.GitlabCiLintError):
            project.ci_lint.validate({"content": "- x"})
        created = ci.gl.http_post("/user/runners", post_data={"runner_type": "instance_type", "tag_list": "a,b"})
        runner = ci.gl.runners.get(created["id"])
        assert runner.tag_list == ["a", "b"]
        runner.description = "box"
        runner.save()
        assert ci.gl.runners.verify(created["token"]) is None
        assert [item.id for item in ci.gl.runners_all.list(get_all=True)] == [runner.id]
        assert project.runners.list(get_all=True)[0].id == runner.id
        ci.gl.runners.delete(token=created["token"])

    await call(ci, act)
