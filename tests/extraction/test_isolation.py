"""Workers that may be lost: what the caller sees then, and that the next extraction works."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from mlreef.extraction.isolation import Pool
from mlreef.extraction.service import extract

SCRIPT = b"import argparse\np = argparse.ArgumentParser()\np.add_argument('--x', type=int)\np.parse_args()\n"
TOOL = b"from lib import parser\nparser().parse_args()\n"
LIB = b"import argparse\ndef parser():\n    p = argparse.ArgumentParser()\n    p.add_argument('--y')\n    return p\n"


def pid(pool: Pool) -> int:
    return pool._idle[0].process.pid


async def test_a_worker_reads_as_the_library_does_and_is_used_again() -> None:
    async with Pool() as pool:
        found = await pool.extract(SCRIPT, "a.py")
        first = pid(pool)
        again = await pool.extract(SCRIPT, "a.py")
        assert found == again == extract(SCRIPT, "a.py")
        assert pid(pool) == first
    assert not Path(f"/proc/{first}").exists()


async def test_other_files_are_asked_for_and_given() -> None:
    async with Pool() as pool:
        found = await pool.extract(TOOL, "tool.py")
        assert found.wanted[0] == "lib.py"
        found = await pool.extract(TOOL, "tool.py", {"lib.py": LIB})
        assert [one.name for one in found.parameters] == ["y"]


async def test_a_crash_of_the_parser_is_one_refusal() -> None:
    async with Pool(stack=256 << 10) as pool:  # as threads have it with musl: CPython's parser ends the process
        found = await pool.extract(b"x = " + b"-" * 100_000 + b"1", "a.py")
        assert "within the limits" in found.errors[0].message
        assert (await pool.extract(SCRIPT, "a.py")).errors == []


async def test_a_killed_worker_is_replaced_without_a_word() -> None:
    async with Pool() as pool:
        await pool.extract(SCRIPT, "a.py")
        os.kill(pid(pool), signal.SIGKILL)
        assert (await pool.extract(SCRIPT, "a.py")).errors == []


async def test_a_worker_that_hangs_is_ended() -> None:
    async with Pool(timeout=3) as pool:
        await pool.extract(SCRIPT, "a.py")
        stuck = pid(pool)
        os.kill(stuck, signal.SIGSTOP)
        async with asyncio.timeout(30):  # its threads stop one after the other
            while any("\nState:\tT" not in one.read_text() for one in Path(f"/proc/{stuck}/task").glob("*/status")):
                await asyncio.sleep(0.01)
        assert (await pool.extract(SCRIPT, "a.py")).errors == []
        async with asyncio.timeout(30):  # killed at once, gone when its end has been collected
            while Path(f"/proc/{stuck}").exists():
                await asyncio.sleep(0.01)


async def test_what_takes_too_long_is_refused() -> None:
    async with Pool(timeout=0) as pool:
        assert "within the limits" in (await pool.extract(SCRIPT, "a.py")).errors[0].message


async def test_a_hundred_megabytes_reach_no_worker() -> None:
    async with Pool() as pool:
        found = await pool.extract(b"#" * (100 << 20), "a.py")
        assert ("larger than 1 MiB" in found.errors[0].message, pool._idle) == (True, [])


async def test_workers_have_no_environment_and_little_memory() -> None:
    async with Pool() as pool:
        await pool.extract(SCRIPT, "a.py")
        process = Path(f"/proc/{pid(pool)}")
        assert process.joinpath("environ").read_bytes() == b""
        limits = process.joinpath("limits").read_text()
        assert "1073741824" in next(line for line in limits.splitlines() if line.startswith("Max address space"))
