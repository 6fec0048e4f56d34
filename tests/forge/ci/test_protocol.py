"""The runner protocol, status by status."""

from __future__ import annotations

import asyncio
import json
import zlib

import pytest
from ci_world import World, world

from mlreef.forge.ci.runners.background import Leases
from mlreef.forge.ci.traces import service as traces

ONE = "build: {script: [make]}"
GRACEFUL = {"cancel_gracefully": True}


async def test_tokens_are_checked_everywhere(ci: World):
    runner = await ci.runner()
    runner.token = "glrt-wrong"
    assert (await runner.verify()).status_code == 403
    assert (await runner.request()).status_code == 403
    job = await (await ci.runner(name="two")).claim()
    assert job is None


async def test_an_idle_runner_is_told_the_queues_version(ci: World):
    runner = await ci.runner()
    first = await runner.request()
    version = first.headers["X-GitLab-Last-Update"]
    assert (first.status_code, first.content) == (204, b"")
    assert (await runner.request(last_update=version)).headers["X-GitLab-Last-Update"] == version
    await ci.start(ONE)
    taken = await runner.request(last_update=version)
    assert taken.status_code == 201
    now = taken.headers["X-GitLab-Last-Update"]  # or its next question would be answered at once, for nothing
    assert (await runner.request(last_update=now)).headers["X-GitLab-Last-Update"] == now != version


async def test_a_waiting_runner_gets_a_job_the_moment_it_is_queued(tmp_path):
    async with world(f"sqlite:///{tmp_path}/f.db", tmp_path, long_poll_seconds=20.0) as ci:
        runner = await ci.runner()
        assert await runner.claim() is None
        waiting = asyncio.create_task(runner.claim())
        while not ci.ci.signals.waiting:
            await asyncio.sleep(0.01)
        await ci.start(ONE)
        async with asyncio.timeout(5):
            assert (await waiting) is not None


async def test_waiting_ends_at_once_when_the_server_stops(tmp_path):
    async with world(f"sqlite:///{tmp_path}/f.db", tmp_path, long_poll_seconds=60.0) as ci:
        runner = await ci.runner()
        version = (await runner.request()).headers["X-GitLab-Last-Update"]
        waiting = asyncio.create_task(runner.request(last_update=version))
        while not ci.ci.signals.waiting:
            await asyncio.sleep(0.01)
        ci.ci.signals.stop()
        async with asyncio.timeout(5):
            assert (await waiting).status_code == 204
            assert (await runner.request(last_update=version)).status_code == 204


async def test_nothing_waits_for_a_runner_that_has_gone(tmp_path):
    async with world(f"sqlite:///{tmp_path}/f.db", tmp_path, long_poll_seconds=60.0) as ci:
        runner = await ci.runner()
        version = (await runner.request()).headers["X-GitLab-Last-Update"]
        gone, body = asyncio.Event(), json.dumps({"token": runner.token, "last_update": version}).encode()
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive():
            message = next(messages, None)
            if message is None:
                await gone.wait()
            return message or {"type": "http.disconnect"}

        async def send(_message):
            pass

        scope = request_scope("/api/v4/jobs/request")
        answering = asyncio.create_task(ci.app(scope, receive, send))
        while not ci.ci.signals.waiting:
            await asyncio.sleep(0.01)
        gone.set()
        async with asyncio.timeout(5):
            await answering
        assert not ci.ci.signals.waiting


def request_scope(path):
    """One POST as a server hands it to the application."""
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    headers = [(b"content-type", b"application/json"), (b"host", b"forge.test")]
    return {**scope, "headers": headers, "client": ("127.0.0.1", 1), "scheme": "http", "root_path": ""}


async def test_waiting_ends_without_a_job_when_the_time_is_over(tmp_path):
    async with world(f"sqlite:///{tmp_path}/f.db", tmp_path, long_poll_seconds=0.05) as ci:
        runner = await ci.runner()
        assert await runner.claim() is None
        assert await runner.claim() is None


@pytest.mark.parametrize(
    ("tags", "run_untagged", "job_tags", "taken"),
    [
        (["a", "b"], True, "[a]", True),
        (["a"], True, "[a, b]", False),
        (["a"], True, "[]", True),
        (["a"], False, "[]", False),
        (["a"], False, "[a]", True),
    ],
)
async def test_tags_decide_who_may_take_a_job(ci: World, tags, run_untagged, job_tags, taken):
    runner = await ci.runner(tags=tags, run_untagged=run_untagged)
    await ci.start(f"build: {{script: x, tags: {job_tags}}}")
    assert (await runner.request()).status_code == (201 if taken else 204)


async def test_a_runner_for_protected_refs_takes_only_those(ci: World):
    runner = await ci.runner(access_level="ref_protected")
    await ci.start(ONE, ref="dev")
    assert (await runner.request()).status_code == 204
    await ci.start(ONE, ref="main")
    assert (await runner.request()).status_code == 201


async def test_a_paused_runner_gets_nothing(ci: World):
    runner = await ci.runner(paused=True)
    await ci.start(ONE)
    assert (await runner.request()).status_code == 204


async def test_the_log_is_appended_only_at_its_end(ci: World):
    runner = await ci.runner()
    await ci.start(ONE)
    job = await runner.take()
    assert (await job.patch(0, b"hello")).headers["Range"] == "0-5"
    gap, overlap, again = await job.patch(9, b"x"), await job.patch(3, b"loX"), await job.patch(0, b"hello")
    assert [r.status_code for r in (gap, overlap, again)] == [416, 416, 416]
    assert {r.headers["Range"] for r in (gap, overlap, again)} == {"0-5"}
    assert (await job.patch(5, b" you")).status_code == 202
    assert (await ci.client.get(f"/api/v4/projects/7/jobs/{job.id}/trace")).text == "hello you"


@pytest.mark.parametrize(
    ("value", "status"), [(None, 400), ("x", 400), ("-1-3", 400), ("0-4", 202), ("0-5", 202), ("0", 202)]
)
async def test_only_the_start_of_content_range_counts(ci: World, value, status):
    runner = await ci.runner()
    await ci.start(ONE)
    job = await runner.take()
    headers = {"JOB-TOKEN": job.token} | ({"Content-Range": value} if value else {})
    response = await ci.client.patch(f"/api/v4/jobs/{job.id}/trace", content=b"hello", headers=headers)
    assert response.status_code == status


async def test_concurrent_chunks_at_one_place_add_one(ci: World):
    runner = await ci.runner()
    await ci.start(ONE)
    job = await runner.take()
    answers = await asyncio.gather(*(job.patch(0, bytes([65 + n]) * 3) for n in range(8)))
    assert sorted(a.status_code for a in answers) == [202] + [416] * 7
    assert len((await ci.client.get(f"/api/v4/projects/7/jobs/{job.id}/trace")).content) == 3


async def test_a_wrong_checksum_asks_for_the_log_again(ci: World):
    runner = await ci.runner()
    await ci.start(ONE)
    job = await runner.take()
    await job.patch(0, b"half of ")
    job.log = b"half of it"
    assert (await job.finish()).status_code == 412
    assert (await job.patch(0, job.log)).headers["Range"] == "0-8"
    await job.patch(8, b"it")
    assert (await job.finish()).status_code == 200
    assert (await ci.get(f"/jobs/{job.id}"))["status"] == "success"


async def test_a_log_that_never_matches_cannot_keep_a_job_alive(ci: World):
    runner = await ci.runner()
    await ci.start(ONE)
    job = await runner.take()
    job.log = b"never sent"
    answers = [(await job.finish()).status_code for _ in range(8)]
    assert answers == [412] * 5 + [200] * 3


async def test_repeated_and_contradictory_ends_keep_the_first(ci: World):
    runner = await ci.runner()
    await ci.start(ONE)
    job = await runner.take()
    assert (await job.finish("failed", exit_code=3)).status_code == 200
    assert (await job.finish("failed")).status_code == 200
    late = await job.finish("success")
    assert (late.status_code, late.headers["Job-Status"]) == (200, "failed")
    shown = await ci.get(f"/jobs/{job.id}")
    assert (shown["status"], shown["failure_reason"], shown["exit_code"]) == ("failed", "script_failure", 3)
    assert (await job.patch(0, b"late")).status_code == 403


async def test_cancelling_a_graceful_runner_waits_for_its_end(ci: World):
    runner = await ci.runner()
    await ci.start(ONE)
    job = await runner.take()
    assert (await ci.client.post(f"/api/v4/projects/7/jobs/{job.id}/cancel")).json()["status"] == "canceling"
    assert (await job.write("stopping")).headers["Job-Status"] == "canceling"
    assert (await job.finish("success")).headers["Job-Status"] == "canceled"
    assert (await ci.get(f"/jobs/{job.id}"))["status"] == "canceled"


async def test_cancelling_any_other_runner_ends_the_job_at_once(ci: World):
    runner = await ci.runner()
    runner.features = {}
    pipeline = await ci.start(ONE)
    job = await runner.take()
    await ci.client.post(f"/api/v4/projects/7/pipelines/{pipeline['id']}/cancel")
    for response in (await job.patch(0, b"x"), await job.put("running"), await job.put("success")):
        assert (response.status_code, response.headers["Job-Status"]) == (403, "canceled")
    assert (await ci.get(f"/pipelines/{pipeline['id']}"))["status"] == "canceled"


async def test_a_silent_runner_loses_its_job_and_another_attempt_is_made(ci: World):
    runner = await ci.runner()
    pipeline = await ci.start(ONE)
    job, leases = await runner.take(), Leases(ci.ci, ci.db)
    await job.acknowledge()
    assert await leases.sweep() == 0
    ci.clock.advance(179)
    assert await leases.sweep() == 0
    await job.acknowledge()
    await leases.sweep()
    ci.clock.advance(181)
    assert await leases.sweep() == 1
    assert (await ci.get(f"/jobs/{job.id}"))["failure_reason"] == "runner_system_failure"
    assert (await job.put("success")).headers["Job-Status"] == "failed"
    second = await runner.take()
    assert second.id != job.id
    await second.acknowledge()
    await leases.sweep()
    ci.clock.advance(181)
    await leases.sweep()
    assert (await ci.get(f"/pipelines/{pipeline['id']}"))["status"] == "failed"


async def test_a_claim_whose_answer_was_lost_returns_to_the_queue(ci: World):
    runner = await ci.runner()
    pipeline = await ci.start(ONE)
    lost, leases = await runner.take(), Leases(ci.ci, ci.db)
    await leases.sweep()
    ci.clock.advance(61)
    assert await leases.sweep() == 1
    assert await ci.statuses(pipeline["id"]) == {"build": "pending"}
    again = await runner.take()
    assert (again.id, again.token == lost.token) == (lost.id, False)
    assert (await lost.put("success")).status_code == 403
    assert (await again.finish()).status_code == 200


async def test_a_restart_gives_every_running_job_its_whole_lease(ci: World):
    runner = await ci.runner()
    await ci.start(ONE)
    job = await runner.take()
    await job.acknowledge()
    await Leases(ci.ci, ci.db).sweep()
    ci.clock.advance(3600)
    assert await Leases(ci.ci, ci.db).sweep() == 0
    assert (await job.finish()).status_code == 200


async def test_an_ended_log_moves_into_the_object_store(ci: World):
    runner = await ci.runner()
    await ci.start(ONE)
    job = await runner.take()
    await job.write("a" * 3000)
    await job.write("b" * 3000)
    await job.finish()
    assert await traces.archive(ci.ci, ci.db) == 1
    assert await traces.archive(ci.ci, ci.db) == 0
    url = f"/api/v4/projects/7/jobs/{job.id}/trace"
    whole = await ci.client.get(url)
    assert zlib.crc32(whole.content) == zlib.crc32(job.log)
    part = await ci.client.get(url, headers={"Range": "bytes=2999-3000"})
    assert (part.status_code, part.text, part.headers["content-range"]) == (206, "ab", "bytes 2999-3000/6000")


async def test_a_log_beyond_the_limit_ends_the_job(tmp_path):
    async with world(f"sqlite:///{tmp_path}/f.db", tmp_path, maximum_trace_bytes=10) as ci:
        runner = await ci.runner()
        await ci.start(ONE)
        job = await runner.take()
        assert (await job.patch(0, b"x" * 11)).status_code == 403
        assert (await ci.get(f"/jobs/{job.id}"))["failure_reason"] == "trace_size_exceeded"


async def test_artifacts_go_to_dependants_and_to_people(ci: World):
    runner = await ci.runner()
    await ci.start("stages: [a, b]\none: {stage: a, script: x, artifacts: {paths: [out]}}\ntwo: {stage: b, script: x}")
    one = await runner.take()
    assert one.response["artifacts"][0]["paths"] == ["out"]
    data = b"PK\x05\x06" + bytes(18) + b"x" * 200_000
    assert (
        await one.upload(data, artifact_type="archive", artifact_format="zip", expire_in="1 week")
    ).status_code == 201
    await one.finish()
    two = await runner.take()
    (held,) = two.response["dependencies"]
    assert held["artifacts_file"] == {"filename": "artifacts.zip", "size": len(data)}
    headers = {"JOB-TOKEN": held["token"]}
    assert (await ci.client.get(f"/api/v4/jobs/{held['id']}/artifacts", headers=headers)).content == data
    assert (await ci.client.get(f"/api/v4/projects/7/jobs/{one.id}/artifacts")).content == data
    url = "/api/v4/projects/7/jobs/artifacts/main/download?job=one"
    assert (await ci.client.get(url)).content == data
    assert (await one.upload(data)).status_code == 403


@pytest.mark.parametrize("cut", [30, -3])
async def test_an_upload_cut_off_is_not_kept(ci: World, cut):
    runner = await ci.runner()
    await ci.start(ONE)
    job = await runner.take()
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="../../x.zip"\r\n\r\ndata\r\n--b--\r\n'[:cut]
    headers = {"JOB-TOKEN": job.token, "Content-Type": "multipart/form-data; boundary=b"}
    response = await ci.client.post(f"/api/v4/jobs/{job.id}/artifacts", content=body, headers=headers)
    assert response.status_code == 400
    assert (await ci.client.get(f"/api/v4/projects/7/jobs/{job.id}/artifacts")).status_code == 404


async def test_a_job_token_is_dead_the_moment_the_job_ends(ci: World):
    runner = await ci.runner()
    await ci.start(ONE)
    job = await runner.take()
    headers = {"JOB-TOKEN": job.token}
    assert (await ci.client.get("/api/v4/job", headers=headers)).json()["id"] == job.id
    await job.finish()
    assert (await ci.client.get("/api/v4/job", headers=headers)).status_code == 401


async def test_thirty_runners_claim_a_hundred_jobs_once_each(ci: World):
    await ci.start("j: {script: x, parallel: 100}")
    runners = [await ci.runner(name=f"r{n}") for n in range(30)]
    claimed: list[int] = []

    async def drain(runner):
        while (response := await runner.request()).status_code == 201:
            claimed.append(response.json()["id"])

    await asyncio.gather(*(drain(runner) for runner in runners))
    assert len(claimed) == 100
    assert len(set(claimed)) == 100
