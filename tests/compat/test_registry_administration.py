"""`mlreef registry` against a running server: the forge's token opens the administrators' endpoints, or does not."""

from __future__ import annotations

import pytest

from support.live import Live
from support.terminal import answer, mlreef

pytestmark = pytest.mark.slow


def test_an_administrator_collects_garbage_and_sets_quotas(live_server: Live) -> None:
    admin = live_server.admin_token
    assert answer(live_server, "registry", "gc", "--dry-run", token=admin)["dry_run"] is True
    assert answer(live_server, "registry", "quota", "lab", "--set", "10GiB", token=admin)[0]["quota_bytes"] == 10 << 30
    listed = answer(live_server, "registry", "quota", token=admin)
    assert {one["name"]: one["own_quota"] for one in listed}["lab"] is True
    mlreef(live_server, "registry", "quota", "lab", "--default", token=admin)


def test_nobody_else_does(live_server: Live) -> None:
    assert "only administrators" in mlreef(live_server, "registry", "gc", code=1).stderr
