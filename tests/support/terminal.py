"""The command `mlreef`, as somebody types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.live import Live


def mlreef(
    live: Live, *arguments: str, code: int = 0, token: str = "", folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder` as the ordinary user, or by another token, and see that it ends with `code`."""
    known = {"MLREEF_URL": live.url, "MLREEF_TOKEN": token or live.token, "COLUMNS": "200"}
    command = [sys.executable, "-m", "mlreef.cli", *arguments]
    environment = {**os.environ, **known, **environment}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def answer(live: Live, *arguments: str, code: int = 0, token: str = "") -> Any:
    """What a command says as JSON."""
    return json.loads(mlreef(live, *arguments, "--json", code=code, token=token).stdout)
