"""Hostile jobs in every sandbox: each trick is really tried, and each is contained."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "contracts"))
sys.path.insert(0, str(Path(__file__).parent))

import attempts
import test_executors as contract

from mlreef.runner import disk, workplace
from mlreef.runner.executors import base
from mlreef.runner.masking import Masker
from mlreef.runner.trace import Trace

pytestmark = pytest.mark.slow

bench, python_image = contract.bench, contract.python_image
contained = pytest.mark.parametrize("bench", ["bubblewrap", "podman"], indirect=True)
RESOURCES = (
    "fork bomb",
    "memory bomb",
    "disk fill",
    "disk fill by removed files",
    "left behind",
    "log flood",
    "endless",
)
PAGE = Path(__file__).parents[2] / "docs/security.md"
TABLE: dict[tuple[str, str], str] = {}


@pytest.fixture(scope="module", autouse=True)
def table(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    writer = request.config.get_terminal_writer()
    writer.line("\n\nprobe | executor | how it ended")
    for (probe, executor), words in sorted(TABLE.items()):
        writer.line(f"{probe} | {executor} | {words}")


@pytest.fixture
async def listening() -> AsyncIterator[tuple[int, str]]:
    """Services of the machine: one on every address, one on an abstract socket."""
    server = await asyncio.start_server(lambda r, w: w.close(), "0.0.0.0", 0)
    name = f"mlreef-probe-{secrets.token_hex(4)}"
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0{name}")
    abstract.listen()
    yield server.sockets[0].getsockname()[1], name
    abstract.close()
    server.close()


def note(bench: contract.Bench, probe: str, words: str) -> None:
    TABLE[probe, bench.executor.name] = words


@contained
@pytest.mark.parametrize("probe", attempts.PROGRAMS)
async def test_a_trick_is_contained(
    probe: str, bench: contract.Bench, listening: tuple[int, str], tmp_path: Path
) -> None:
    canary, token = tmp_path / "canary", f"glrt-{secrets.token_hex(8)}"
    other = tmp_path / "work/slot-1/job/work/secret"
    for path in (canary, other):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret")
    addresses = [row.address for rows in psutil.net_if_addrs().values() for row in rows if row.family is socket.AF_INET]
    given = {"canary": str(canary), "other": str(other), "pid": os.getpid(), "token": token[::-1], "port": listening[0],
             "addresses": addresses, "abstract": listening[1]}  # fmt: skip
    os.environ["MLREEF_RUNNER_TOKEN"] = token
    try:
        prepared = await bench.prepare(base.Mount(canary, "/mlreef/given"))
        handle = await bench.start(prepared, "python3", "-c", attempts.program(probe), json.dumps(given))
        ran = await bench.finish(handle)
    finally:
        del os.environ["MLREEF_RUNNER_TOKEN"]
    lines = [line for line in ran.output.splitlines() if line.startswith("ENDED ")]
    assert lines, ran.output
    ended: dict[str, str] = json.loads(lines[-1].removeprefix("ENDED "))
    assert len(ended) >= 3
    assert not {name: how for name, how in ended.items() if how.startswith("SUCCEEDED")}
    assert canary.read_text() == "secret"
    note(bench, probe, f"{len(ended)} attempts: " + ", ".join(sorted(set(ended.values()))))


@contained
async def test_a_fork_bomb_stops_at_its_limit(bench: contract.Bench) -> None:
    bomb = """
import os, time
for n in range(5000):
    try:
        if os.fork() == 0: time.sleep(99)
    except OSError as exc:
        print('refused', n, exc.errno)
        break
"""
    ran = await bench.run("python3", "-c", bomb, seconds=60)
    assert "refused" in ran.output
    assert int(ran.output.split()[1]) <= 128
    note(bench, "fork bomb", f"EAGAIN after {ran.output.split()[1]} processes")


@contained
async def test_a_memory_bomb_ends_the_job_alone(bench: contract.Bench) -> None:
    ran = await bench.run("python3", "-c", "x = []\nwhile True: x.append(b'x' * (8 << 20))")
    assert ran.code == 137
    assert ran.outcome.oom
    note(bench, "memory bomb", "killed: memory_limit")


@contained
@pytest.mark.parametrize("removed", [False, True])
async def test_filling_the_disk_ends_the_job(removed: bool, bench: contract.Bench) -> None:
    script = "f = open('big', 'wb')\n" + ("import os; os.unlink('big')\n" if removed else "")
    script += "import time\nfor _ in range(200): f.write(b'x' * (1 << 20)); f.flush(); time.sleep(0.05)"
    prepared = await bench.prepare(disk_bytes=20 << 20)
    handle = await bench.start(prepared, "python3", "-c", script)
    watch = disk.Watch(prepared.spec.directory, 20 << 20)
    watching = asyncio.create_task(watch.over(handle))
    ran = await bench.finish(handle)
    watching.cancel()
    assert ran.code == 137
    assert "disk space" in watch.excess
    note(bench, "disk fill by removed files" if removed else "disk fill", "killed: disk_limit")


@contained
async def test_what_a_job_leaves_behind_is_wiped_without_touching_the_machine(
    bench: contract.Bench, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    canary.write_text("secret")
    script = f"""
import os, socket
for place in ('/mlreef/out', '/mlreef/work'):
    os.chdir(place); os.symlink({str(tmp_path)!r}, 'dir'); os.symlink({str(canary)!r}, 'file'); os.mkfifo('fifo')
    socket.socket(socket.AF_UNIX).bind('sock'); os.makedirs('deep/' * 60); os.mkdir('locked'); os.chmod('locked', 0)
print('left', len(os.listdir('.')))
"""
    ran = await bench.run("python3", "-c", script)
    assert "left 6" in ran.output
    workplace.wipe(bench.place.job)
    assert not bench.place.job.exists()
    assert canary.read_text() == "secret"
    note(bench, "left behind", "wiped; links were not followed")


@contained
async def test_a_flood_of_log_is_cut(bench: contract.Bench) -> None:
    trace = Trace(bench.place.private / "trace", Masker([], []), limit=1 << 20)
    handle = await bench.start(await bench.prepare(), "python3", "-c", "for _ in range(400): print('x' * 100000)")
    count = 0
    async for data in handle.output():
        count += len(data)
        trace.write(data)
    await handle.wait()
    await handle.cleanup()
    trace.finish()
    size = trace.size
    trace.close()
    assert count >= 40_000_000
    assert size < (1 << 20) + 4096
    note(bench, "log flood", "cut with a note")


@contained
async def test_an_endless_job_that_ignores_signals_ends_at_its_time(bench: contract.Bench) -> None:
    script = "trap '' TERM INT HUP; (trap '' TERM; setsid sleep 77761 & ) ; while :; do sleep 1; done"
    ran = await bench.run("/bin/sh", "-c", script, seconds=2)
    assert ran.outcome.timed_out
    assert not contract.sleeping("77761")
    note(bench, "endless", "killed with all children: timeout")


def test_every_probe_stands_in_the_documentation() -> None:
    rows = {line.split("|")[1].strip() for line in PAGE.read_text().splitlines() if line.startswith("| ")}
    assert {*attempts.PROGRAMS, *RESOURCES} <= rows
