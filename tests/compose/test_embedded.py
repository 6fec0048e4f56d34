"""The embedded default: how it ends, and what it says when its runner cannot work."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from mlreef.compose import embedded
from mlreef.kit.errors import Kind, PlatformError
from support import live, ports


async def test_why_the_local_runner_cannot_work_is_said() -> None:
    async def fail(failure: Exception) -> None:
        raise failure

    with capture_logs() as said:
        for failure in (PlatformError(Kind.FORBIDDEN, "the token is not valid"), OSError("no executor")):
            task = asyncio.create_task(fail(failure))
            task.add_done_callback(embedded.tell_runner_failure)
            await asyncio.wait({task})
            await asyncio.sleep(0)
    assert [one["log_level"] for one in said] == ["error", "error"]
    assert said[0]["reason"] == "the token is not valid"
    assert str(said[1]["exc_info"]) == "no executor"


@pytest.mark.slow
def test_an_idle_server_stops_within_two_seconds_and_without_a_traceback(tmp_path: Path) -> None:
    server = live.Live(tmp_path, executor="process")
    server.start()
    try:
        server.people()
        ports.wait(lambda: _online(server), "the local runner", seconds=30)
    finally:
        began = time.monotonic()
        server.stop()
    assert time.monotonic() - began < 2
    assert "Traceback" not in (tmp_path / "log").read_text()


def _online(server: live.Live) -> bool:
    headers = {"PRIVATE-TOKEN": server.admin_token}
    found = httpx.get(f"{server.url}/api/v4/runners/all", headers=headers, timeout=5).json()
    return any(one["status"] == "online" for one in found)


def test_a_start_loads_only_what_this_machine_needs() -> None:
    parts = "mlreef.compose.embedded, mlreef.management.processors.background"
    asked = f"import sys, {parts}; print(*[name for name in sys.modules if name in sys.argv])"
    needless = ["sqlalchemy.dialects.postgresql", "packaging.requirements", "libcst", "alembic", "docker"]
    done = subprocess.run([sys.executable, "-c", asked, *needless], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
