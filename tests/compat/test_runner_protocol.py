"""The runner protocol over real sockets, as gitlab-runner speaks it (contract section 1.8)."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from compat.ci_server import World, served

CONFIG = """
stages: [build, test]
build: {stage: build, script: [make], artifacts: {paths: [out]}}
test: {stage: test, script: [make test]}
"""


@pytest.fixture
async def ci(tmp_path: Path) -> AsyncIterator[World]:
    async with served(tmp_path, long_poll_seconds=10.0) as (made, _url):
        yield made


async def test_the_minimal_happy_path(ci: World):
    runner = await ci.runner()
    assert (await runner.verify()).status_code == 200
    assert (await runner.request()).status_code == 204
    pipeline = await ci.start(CONFIG)
    job = await runner.take()
    assert (await job.acknowledge()).text == "200"
    text = "section_start:1:x\r\x1b[0Khello\n" * 100
    assert (await job.write(text)).status_code == 202
    data = os.urandom(3 << 20)
    assert (await job.upload(data, artifact_type="archive", artifact_format="zip")).status_code == 201
    assert (await job.finish()).headers["Job-Status"] == "success"
    second = await runner.take()
    (held,) = second.response["dependencies"]
    answer = await ci.client.get(f"/api/v4/jobs/{held['id']}/artifacts", headers={"JOB-TOKEN": held["token"]})
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(data).digest()
    await second.finish()
    assert (await ci.get(f"/pipelines/{pipeline['id']}"))["status"] == "success"
    assert (await ci.client.get(f"/api/v4/projects/7/jobs/{job.id}/trace")).text == text


async def test_requests_echo_the_content_types_the_decoder_needs(ci: World):
    runner = await ci.runner()
    await ci.start(CONFIG)
    assert (await runner.verify()).headers["content-type"] == "application/json"
    assert (await runner.request()).headers["content-type"] == "application/json"


async def test_a_long_poll_answers_the_moment_a_job_is_queued(ci: World):
    runner = await ci.runner()
    assert await runner.claim() is None
    waiting = asyncio.create_task(runner.claim())
    while not ci.ci.signals.waiting:
        await asyncio.sleep(0.01)
    await ci.start(CONFIG)
    async with asyncio.timeout(5):
        assert (await waiting) is not None


async def test_a_runner_that_hung_up_takes_no_job(ci: World):
    runner, other = await ci.runner(), await ci.runner(name="two")
    assert await runner.claim() is None
    async with httpx.AsyncClient(base_url=ci.client.base_url, trust_env=False) as client:
        runner.client = client
        waiting = asyncio.create_task(runner.claim())
        while not ci.ci.signals.waiting:
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    pipeline = await ci.start(CONFIG)
    job = await other.take()
    await job.finish()
    assert (await ci.statuses(pipeline["id"]))["build"] == "success"


async def test_an_upload_that_breaks_off_leaves_nothing(ci: World):
    runner = await ci.runner()
    await ci.start(CONFIG)
    job = await runner.take()

    async def broken() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n' + bytes(100_000)
        raise OSError("cable pulled")

    headers = {"JOB-TOKEN": job.token, "Content-Type": "multipart/form-data; boundary=b"}
    with pytest.raises(OSError, match="cable"):
        await ci.client.post(f"/api/v4/jobs/{job.id}/artifacts", content=broken(), headers=headers)
    assert (await job.upload(b"whole")).status_code == 201
    await job.finish()
    assert (await ci.client.get(f"/api/v4/projects/7/jobs/{job.id}/artifacts")).content == b"whole"
