"""`mlreef registry` against a running server: the forge's token opens the administrators' endpoints, or does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from support.live import Live

pytestmark = pytest.mark.slow


def mlreef(live: Live, token: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "MLREEF_URL": live.url, "MLREEF_TOKEN": token}
    command = [sys.executable, "-m", "mlreef.cli", "registry", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_an_administrator_collects_garbage_and_sets_quotas(live_server: Live) -> None:
    done = mlreef(live_server, live_server.admin_token, "gc", "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["dry_run"] is True
    done = mlreef(live_server, live_server.admin_token, "quota", "lab", "--set", "10GiB", "--json")
    assert json.loads(done.stdout)[0]["quota_bytes"] == 10 << 30
    listed = json.loads(mlreef(live_server, live_server.admin_token, "quota", "--json").stdout)
    assert {one["name"]: one["own_quota"] for one in listed}["lab"] is True
    assert mlreef(live_server, live_server.admin_token, "quota", "lab", "--default").returncode == 0


def test_nobody_else_does(live_server: Live) -> None:
    done = mlreef(live_server, live_server.token, "gc")
    assert done.returncode == 1
    assert "only administrators" in done.stderr
