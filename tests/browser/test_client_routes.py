"""The web application calls only routes that the management service has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

FRONTEND = Path(__file__).resolve().parent.parent.parent / "frontend"


def test_every_route_that_the_client_names_is_in_the_openapi_document() -> None:
    printed = subprocess.run([sys.executable, FRONTEND / "testing/openapi.py"], capture_output=True, check=True)
    known = set(json.loads(printed.stdout)["paths"])
    named = set(re.findall(r"'(/api/v1/[^']+)'", (FRONTEND / "src/api/management.ts").read_text()))
    assert len(named) > 20
    assert named - known == set()


def test_the_generated_types_know_every_route_that_the_client_names() -> None:
    generated = (FRONTEND / "src/api/schema.gen.d.ts").read_text()
    named = re.findall(r"'(/api/v1/[^']+)'", (FRONTEND / "src/api/management.ts").read_text())
    assert [route for route in named if f'"{route}"' not in generated] == []
