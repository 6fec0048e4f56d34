"""What a sandbox adds to the start of a job: `python3 -c pass` in it against the plain interpreter."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mlreef.runner import Settings, workplace
from mlreef.runner.executors import base, choice
from mlreef.runner.images.store import Images

_ROUNDS = 25


async def main(kind: str) -> None:
    with tempfile.TemporaryDirectory(prefix="mlreef-bench-") as folder:
        directory = Path(folder)
        settings = Settings(
            url="http://127.0.0.1:9",
            token="glrt-x",
            executor=kind,  # type: ignore[arg-type]
            work_dir=directory / "w",
            cache_dir=directory / "c",
        )
        images = Images(settings.cache_dir / "images", known_origins=[], insecure=[], capacity=1 << 30)
        executor = choice.make(kind, settings, images)
        capability = await executor.probe()
        if not capability.available:
            raise SystemExit(capability.reason)
        with workplace.made(settings.work_dir, 0) as place:
            limits = base.Limits(memory_bytes=256 << 20, cpus=1.0, pids=128)
            spec = base.Spec(job_id=1, slot=0, directory=place.job, image=None, limits=limits)
            plain, inside, prepared = [], [], []
            for _ in range(_ROUNDS):
                plain.append(await _timed_plain())
                started = time.perf_counter()
                ready = await executor.prepare(spec)
                prepared.append(time.perf_counter() - started)
                inside.append(await _timed_inside(executor, ready))
                ready.release()
        await executor.close()
        await images.close()
    _show("python3 -c pass", plain)
    _show(f"the same in {kind}, started, read, awaited, cleaned up", inside)
    _show("preparing the job's directories", prepared)
    print(
        f"added: {1000 * (statistics.median(inside) + statistics.median(prepared) - statistics.median(plain)):.1f} ms"
    )


async def _timed_plain() -> float:
    started = time.perf_counter()
    await asyncio.to_thread(subprocess.run, ["/usr/bin/python3", "-c", "pass"], check=True)
    return time.perf_counter() - started


async def _timed_inside(executor: base.Executor, ready: base.Prepared) -> float:
    started = time.perf_counter()
    command = base.Command(["/usr/bin/python3", "-c", "pass"], dict(ready.env), f"{ready.root}/work", 60)
    handle = await executor.run(ready, command)
    async for _ in handle.output():
        pass
    outcome = await handle.wait()
    await handle.cleanup()
    assert outcome.exit_code == 0
    return time.perf_counter() - started


def _show(name: str, seconds: list[float]) -> None:
    print(
        f"{name:<60} {1000 * statistics.median(seconds):7.1f} ms [{1000 * min(seconds):.1f}..{1000 * max(seconds):.1f}]"
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "bubblewrap"))
