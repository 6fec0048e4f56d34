"""Limits that must hold: honest refusals, and a disk limit that is measured."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from runner_fakes import FakeForge, Running

from mlreef import runner
from mlreef.runner import disk
from mlreef.runner.executors import base, choice, process
from mlreef.runner.images.store import Images


def test_what_is_wanted_and_not_enforced_is_missing(settings: runner.Settings) -> None:
    bare = base.Capability(True, "", unenforced=["cpu", "memory", "pids"])
    strict = settings.model_copy(update={"limits": "enforce"})
    assert choice._missing(settings, bare) == []
    assert choice._missing(strict, bare) == ["memory", "pids"]
    assert choice._missing(strict.model_copy(update={"cpus": 1.0}), bare) == ["cpu", "memory", "pids"]


async def test_enforced_limits_are_refused_where_no_cgroup_is(settings: runner.Settings) -> None:
    images = Images(settings.cache_dir / "images", known_origins=[], insecure=[], capacity=1 << 30)
    executor = process.ProcessExecutor(images, "k", None)
    capability = await executor.probe()
    await images.close()
    strict = settings.model_copy(update={"limits": "enforce"})
    assert choice._missing(strict, capability) == ["memory", "pids"]


def test_hard_links_count_once_and_links_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/a").write_bytes(os.urandom(1 << 20))
    os.link(tmp_path / "work/a", tmp_path / "work/b")
    (tmp_path / "work/c").symlink_to("/")
    size, files = disk.used(tmp_path, 1 << 30)
    assert 1 << 20 <= size < 1_200_000
    assert files == 4


def test_sparse_files_count_by_what_they_hold(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    with (tmp_path / "work/sparse").open("wb") as file:
        file.truncate(10 << 30)
    assert disk.used(tmp_path, 1 << 30)[0] < 1 << 20


async def test_a_job_lowers_its_limits_and_never_raises_them(forge: FakeForge, running: Running) -> None:
    asked = {"MLREEF_PROCESSES": "32", "MLREEF_MEMORY_BYTES": "300000000", "MLREEF_CPUS": "0.5"}
    fewer = forge.queue(["echo a"], variables=asked)
    asked = {"MLREEF_PROCESSES": "99999", "MLREEF_MEMORY_BYTES": "9" * 15, "MLREEF_CPUS": "no number"}
    more = forge.queue(["echo b"], variables=asked)
    async with running():
        for job in (fewer, more):
            await asyncio.wait_for(job.ended.wait(), 30)
    assert "Limits: 300 MB of memory, 0.5 cores, 32 processes" in fewer.text
    assert "Limits: 537 MB of memory, all cores, 1024 processes" in more.text


async def test_a_job_that_writes_more_than_it_asked_for_is_ended(forge: FakeForge, running: Running) -> None:
    lines = ["dd if=/dev/zero of=big bs=1M count=40 2>/dev/null; sleep 60"]
    job = forge.queue(lines, variables={"MLREEF_DISK_BYTES": str(10 << 20)})
    async with running():
        await asyncio.wait_for(job.ended.wait(), 40)
    assert job.end["state"] == "failed"
    assert f"disk_limit: the job wrote more than its {10 << 20} bytes" in job.text


async def test_a_job_that_needs_more_gpus_than_there_are_is_refused(forge: FakeForge, running: Running) -> None:
    job = forge.queue(["echo never"], variables={"MLREEF_GPUS": "99"})
    async with running():
        await asyncio.wait_for(job.ended.wait(), 30)
    assert (job.end["state"], job.end["failure_reason"]) == ("failed", "runner_system_failure")
    assert "asks for 99 GPUs" in job.text
