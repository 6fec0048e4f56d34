"""A chain of trivial steps, and the same chain again with nothing to do, against `dvc repro` of the same chain.

Both find the real `python3` first: a shim of a version manager, which our runner looks past, costs DVC 80 ms a stage.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
from datetime import datetime
from itertools import count
from pathlib import Path

from measure import Live, alternate, live, show

from support.live import definition, step

STEPS, ROUNDS = 5, 5
NUMBERS = count()
_LINE = re.compile(r"(\d{4}-\S+)Z? .*method=(\w+) path=(\S+) .*status=(\d+)")
PYTHON = str(Path(sys.executable).resolve().parent)


def chain(marker: str) -> dict:
    steps = []
    for number in range(STEPS):
        source = {"step": f"s{number - 1}", "output": "output_path"} if number else None
        steps.append(step(f"s{number}", "copy", source, suffix=f" {marker}"))
    return definition("chain", "dataops", *steps)


def run(server: Live, marker: str) -> None:
    ended = server.reef.wait_run(server.reef.start_run(server.project_path, chain(marker))["id"])
    assert ended["status"] == "success", ended


def claim_to_result() -> list[float]:
    """Seconds of each step between the answers that hand out its job and that acknowledge its result."""
    with live("process", log_level="DEBUG") as server:
        server.seed()
        run(server, "warm")
        log = server.folder / "log"
        before = log.stat().st_size
        for _ in range(ROUNDS):
            run(server, f"m{next(NUMBERS)}")
        lines = re.sub(r"\x1b\[[0-9;]*m", "", log.read_bytes()[before:].decode()).splitlines()
    found = [(datetime.fromisoformat(one[1]), *one.groups()[1:]) for one in map(_LINE.match, lines) if one]
    claims = [at for at, _, path, status in found if path.endswith("/jobs/request") and status == "201"]
    results = [at for at, _, path, _ in found if path.endswith("/jobs/current/result")]
    return [(done - begun).total_seconds() for begun, done in zip(claims, results, strict=True)]


def dvc_project(folder: Path) -> tuple[list[str], dict[str, str]]:
    """A DVC project with the same chain, in an environment of its own."""
    venv = folder / "venv"
    uv = [str(Path(sys.executable).parent / "uv")]
    subprocess.run([*uv, "venv", "-q", str(venv)], check=True)
    install = [*uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(venv / "bin/python"), "dvc"]
    subprocess.run(install, check=True)
    work = folder / "work"
    (work / "d0").mkdir(parents=True)
    for number in range(5):
        (work / f"d0/{number}.txt").write_text(f"text number {number}\n")
    script = Path(__file__).parents[1] / "tests/e2e/processors/copy.py"
    (work / "copy.py").write_text(script.read_text())
    stages = [
        f"  s{n}:\n    cmd: python3 copy.py --input-path d{n} --output-path d{n + 1} --suffix=${{marker}}\n"
        f"    params: [marker]\n    deps: [d{n}]\n    outs: [d{n + 1}]\n"
        for n in range(STEPS)
    ]
    (work / "dvc.yaml").write_text("stages:\n" + "".join(stages))
    (work / "params.yaml").write_text("marker: start\n")
    env = {**os.environ, "DVC_NO_ANALYTICS": "1", "PATH": f"{PYTHON}:{os.environ['PATH']}"}
    for command in (["git", "init", "-q"], [str(venv / "bin/dvc"), "init", "-q"]):
        subprocess.run(command, cwd=work, check=True, env=env)
    return [str(venv / "bin/dvc"), "repro", "-q"], env


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="mlreef-dvc-") as folder, live("process") as server:
        server.seed()
        command, env = dvc_project(Path(folder))
        work = Path(folder) / "work"

        def dvc() -> None:
            subprocess.run(command, cwd=work, check=True, env=env)

        def dvc_changed() -> None:
            (work / "params.yaml").write_text(f"marker: m{next(NUMBERS)}\n")
            dvc()

        run(server, "warm")
        dvc()
        changed = alternate(ROUNDS, mlreef=lambda: run(server, f"m{next(NUMBERS)}"), dvc=dvc_changed)
        show(f"{STEPS} chained trivial steps, all to run", changed, against="dvc")
        print(f"a stage of dvc, its start shared out: {statistics.median(changed['dvc']) / STEPS:.3f} s")
        run(server, "same")
        again = alternate(ROUNDS, mlreef=lambda: run(server, "same"), dvc=dvc)
        show(f"{STEPS} chained steps, nothing to do", again, against="dvc")
    print(f"\na step from claim to result recorded: {statistics.median(claim_to_result()):.3f} s")


if __name__ == "__main__":
    main()
