"""Properties hold for the same examples every time; `MLREEF_PROPERTY_EXAMPLES` digs deeper on demand."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "suite",
    derandomize=True,
    deadline=None,  # a busy machine is no failure
    database=None,
    max_examples=int(os.environ.get("MLREEF_PROPERTY_EXAMPLES", "60")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")
