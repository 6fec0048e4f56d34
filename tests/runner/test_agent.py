"""A whole runner against a forge in memory: claims, logs, results, outages, cancellation, stopping."""

from __future__ import annotations

import asyncio
import io
import os
import zipfile
from pathlib import Path

import pytest
from runner_fakes import FakeForge, FakeJob, Running, eventually

from mlreef import runner
from mlreef.kit.errors import PlatformError
from mlreef.runner import interrupted, payload, workplace


async def ended(job: FakeJob, seconds: float = 30.0) -> FakeJob:
    async with asyncio.timeout(seconds):
        await job.ended.wait()
    return job


async def test_a_job_runs_and_its_log_tells_where_and_how(forge: FakeForge, running: Running) -> None:
    job = forge.queue(["echo hello $CI", "echo two"])
    async with running():
        await ended(job)
    assert job.end["state"] == "success"
    assert job.end["exit_code"] == 0
    assert "test runner" in job.text
    assert "Executor: process" in job.text
    assert "WARNING: isolation: NONE" in job.text
    assert "$ echo hello $CI" in job.text
    assert "\nhello true\n" in job.text
    assert job.text.index("hello true") < job.text.index("\ntwo\n")


async def test_a_failing_line_ends_the_job_with_its_exit_code(forge: FakeForge, running: Running) -> None:
    job = forge.queue(["echo before", "sh -c 'exit 7'", "echo after"], after=["echo status $CI_JOB_STATUS"])
    async with running():
        await ended(job)
    assert (job.end["state"], job.end["exit_code"], job.end["failure_reason"]) == ("failed", 7, "script_failure")
    assert "\nafter\n" not in job.text
    assert "status failed" in job.text


async def test_jobs_run_side_by_side_up_to_the_capacity(forge: FakeForge, running: Running, tmp_path: Path) -> None:
    meet = f"touch {tmp_path}/$CI_JOB; while [ ! -e {tmp_path}/a ] || [ ! -e {tmp_path}/b ]; do sleep 0.05; done"
    jobs = [forge.queue([meet], variables={"CI_JOB": name}) for name in "ab"]
    async with running():
        for job in jobs:
            assert (await ended(job)).end["state"] == "success"


async def test_masked_values_and_tokens_never_reach_the_forge(forge: FakeForge, running: Running) -> None:
    secret = {"key": "SECRET", "value": "hunter2hunter2", "masked": True, "raw": True}
    lines = ["echo start-$SECRET-end", "printf hunter2; sleep 0.2; echo hunter2", "echo glpat-abcdefghij0123"]
    job = forge.queue(lines, more_variables=[secret])
    async with running():
        await ended(job)
    assert "start-[MASKED]-end" in job.text
    assert "hunter2" not in job.text.replace("printf hunter2; sleep 0.2; echo hunter2", "")
    assert "glpat-a" not in job.text


async def test_log_and_result_arrive_after_the_forge_was_away(
    forge: FakeForge, running: Running, tmp_path: Path
) -> None:
    job = forge.queue(
        [
            f"touch {tmp_path}/begun",
            f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done",
            "echo late",
            f"touch {tmp_path}/done",
        ]
    )
    async with running():
        await eventually((tmp_path / "begun").exists)
        forge.down = True
        (tmp_path / "go").touch()
        await eventually((tmp_path / "done").exists)
        await eventually(lambda: forge.failures > 3)
        forge.down = False
        await ended(job)
    assert job.end["state"] == "success"
    assert "\nlate\n" in job.text


async def test_a_forge_that_lost_the_log_gets_it_again(forge: FakeForge, running: Running, tmp_path: Path) -> None:
    job = forge.queue(["echo one", f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done", "echo two"])
    async with running():
        await eventually(lambda: "\none\n" in job.text)
        forge.forget_log_once = True
        (tmp_path / "go").touch()
        await ended(job)
    assert job.text.count("\none\n") == 1
    assert "\ntwo\n" in job.text


async def test_a_wrong_checksum_makes_the_runner_send_everything_again(forge: FakeForge, running: Running) -> None:
    forge.answers["update"] = [412, 202]
    job = forge.queue(["echo one"])
    async with running():
        await ended(job)
    assert job.end["state"] == "success"


async def test_a_busy_forge_is_asked_again(forge: FakeForge, running: Running) -> None:
    forge.answers.update(request=[503, 409], trace=[503, 500], update=[503])
    job = forge.queue(["echo one"])
    async with running():
        await ended(job)
    assert "\none\n" in job.text


async def test_a_cancelled_job_dies_with_its_whole_tree(forge: FakeForge, running: Running, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    child = f"setsid sh -c 'echo $$ >> {pids}; sleep 600' & sh -c 'echo $$ >> {pids}; sleep 600' & "
    # In a pid namespace numbers differ, so the mark in the command line is looked for instead.
    job = forge.queue([child + f"sleep 77{os.getpid()}"])
    async with running():
        await eventually(lambda: pids.exists() and len(pids.read_text().split()) == 2)
        job.status = "canceled"
        await eventually(lambda: not _commands(f"sleep 77{os.getpid()}") and not _commands(str(pids)))
    assert not job.ended.is_set()


def _commands(text: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if text in line and "pytest" not in line:
                found.append(int(entry.name))
    return found


async def test_a_timeout_ends_the_job_and_says_so(forge: FakeForge, running: Running) -> None:
    job = forge.queue(["sleep 600"], timeout=1)
    async with running():
        await ended(job)
    assert job.end["failure_reason"] == "job_execution_timeout"
    assert "timeout of 1 s" in job.text


async def test_stopping_the_runner_ends_its_jobs_and_reports_them(forge: FakeForge, running: Running) -> None:
    job = forge.queue(["echo begun", "sleep 600"])
    async with running() as stop:
        await eventually(lambda: "\nbegun\n" in job.text)
        stop.set()
        await ended(job)
    assert job.end["failure_reason"] == "runner_interrupted"


async def test_a_wrong_token_is_told_at_once(forge: FakeForge, settings: runner.Settings) -> None:
    wrong = settings.model_copy(update={"token": "glrt-wrong"})
    with pytest.raises(PlatformError, match="does not accept this runner's token"):
        await runner.run(wrong, stop=asyncio.Event(), transport=forge.transport)


async def test_two_runners_cannot_share_a_work_directory(
    forge: FakeForge, running: Running, settings: runner.Settings
) -> None:
    async with running():
        await eventually((settings.work_dir / "lock").exists)
        with pytest.raises(PlatformError, match="another runner works in"):
            await runner.run(settings, stop=asyncio.Event(), transport=forge.transport)


async def test_nothing_of_a_job_is_left_for_the_next_one(forge: FakeForge, running: Running) -> None:
    first = forge.queue(["mkdir -p d/e; touch d/e/residue; chmod 000 d", "touch $HOME/residue"])
    async with running(capacity=1):
        await ended(first)
        second = forge.queue(["ls -A . $HOME"])
        await ended(second)
    assert "residue" not in second.text


async def test_artifacts_are_uploaded_and_come_to_the_next_job(forge: FakeForge, running: Running) -> None:
    entry = {"name": "results", "paths": ["out/"], "exclude": ["out/*.tmp"], "when": "on_success"}
    script = ["mkdir -p out/deep; echo 1 > out/deep/a; echo 2 > out/b.tmp; ln -s /etc/passwd out/link; echo 3 > other"]
    job = forge.queue(script, artifacts=[{**entry, "artifact_type": "archive", "artifact_format": "zip"}])
    async with running():
        await ended(job)
        [(facts, data)] = job.artifacts
        assert facts["filename"] == "results.zip"
        assert sorted(zipfile.ZipFile(io.BytesIO(data)).namelist()) == ["out/deep/a", "out/link"]
        forge.downloads[1] = data
        dependency = {"id": 1, "name": "first", "token": "t", "artifacts_file": {"filename": "results.zip", "size": 1}}
        after = forge.queue(["cat out/deep/a", "test ! -e out/link"], dependencies=[dependency])
        await ended(after)
    assert after.end["state"] == "success", after.text


async def test_file_variables_are_files_and_others_are_expanded(forge: FakeForge, running: Running) -> None:
    more = [
        {"key": "FILE", "value": "in $CI file", "file": True},
        {"key": "BOTH", "value": "x-$CI-${CI}-$$CI"},
        {"key": "RAW", "value": "$CI", "raw": True},
    ]
    job = forge.queue(['cat "$FILE"; echo; echo "$BOTH" "$RAW"'], more_variables=more)
    async with running():
        await ended(job)
    assert "in $CI file\nx-true-true-$CI $CI\n" in job.text


async def test_a_job_with_services_is_refused_in_words(forge: FakeForge, running: Running) -> None:
    job = forge.queue(["true"], services=[{"name": "postgres"}])
    async with running():
        await ended(job)
    assert job.end["state"] == "failed"
    assert "does not start services" in job.text


async def test_the_log_ends_at_its_limit(forge: FakeForge, running: Running) -> None:
    job = forge.queue(["head -c 200000 /dev/zero | tr '\\0' x"])
    async with running(trace_bytes=50_000):
        await ended(job)
    assert len(job.log) < 51_000
    assert "the rest is left out" in job.text


async def test_a_runner_that_hears_of_a_changed_queue_asks_again_at_once(forge: FakeForge, running: Running) -> None:
    forge.version = "v7"
    async with running(idle_seconds=3600):
        await eventually(lambda: any(one["last_update"] == "v7" for one in forge.requests))
        await ended(forge.queue(["true"]))


async def test_a_job_that_fills_the_disk_is_ended_with_the_reason(forge: FakeForge, running: Running) -> None:
    job = forge.queue(["head -c 30000000 /dev/urandom > big", "sleep 600"])
    async with running(disk_bytes=10_000_000):
        await ended(job)
    assert job.end["state"] == "failed"
    assert "disk_limit: the job wrote more than its 10000000 bytes" in job.text


async def test_an_open_network_needs_the_operators_consent(forge: FakeForge, running: Running) -> None:
    refused = forge.queue(["echo reached"], variables={"MLREEF_NETWORK": "open"})
    async with running():
        await ended(refused)
    assert "MLREEF_RUNNER_ALLOW_OPEN_NETWORK" in refused.text
    allowed = forge.queue(["echo reached"], variables={"MLREEF_NETWORK": "open"})
    async with running(allow_open_network=True):
        await ended(allowed)
    assert "\nreached\n" in allowed.text


async def test_a_job_of_an_earlier_life_is_ended_with_the_rest_of_its_log(
    forge: FakeForge, running: Running, settings: runner.Settings
) -> None:
    job = forge.queue(["never run again"])
    forge.waiting.clear()
    job.log += b"first\n"
    place = workplace.of(settings.work_dir, 7)
    place.private.mkdir(parents=True)
    interrupted.note(place, payload.parse(job.payload).held)
    place.log.write_bytes(b"first\nsecond\n")
    async with running():
        await ended(job)
        await eventually(lambda: not place.folder.exists())
    assert job.text.startswith("first\nsecond\n")
    assert "the runner was restarted while this job ran" in job.text
    assert (job.end["state"], job.end["failure_reason"]) == ("failed", "runner_system_failure")


@pytest.mark.parametrize("word", [b"", b"{", b"[]", b'{"id": 1}'])
async def test_a_word_cut_off_holds_nothing_up(
    forge: FakeForge, running: Running, settings: runner.Settings, word: bytes
) -> None:
    place = workplace.of(settings.work_dir, 0)
    place.private.mkdir(parents=True)
    place.held.write_bytes(word)
    job = forge.queue(["true"])
    async with running():
        assert (await ended(job)).end["state"] == "success"


async def test_a_job_taken_back_meanwhile_holds_nothing_up(
    forge: FakeForge, running: Running, settings: runner.Settings
) -> None:
    gone, job = forge.queue(["never run again"]), forge.queue(["true"])
    forge.waiting.remove(gone.payload["id"])
    gone.status = "canceled"
    place = workplace.of(settings.work_dir, 0)
    place.private.mkdir(parents=True)
    interrupted.note(place, payload.parse(gone.payload).held)
    async with running():
        assert (await ended(job)).end["state"] == "success"
    assert gone.updates == []
