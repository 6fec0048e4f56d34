"""How long a change of code takes from the request to publish it until it can be run, and where the time goes.

"Runnable" is the moment from which runs can use the new version, as the server records it.
Starts a server of its own, builds an environment, publishes a processor with one package, then new versions of it that
change the code alone. `python bench/publish.py [--rounds 10] [--executor bubblewrap] [--out result.json]`
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.live import Live

SCRIPT = """\
import argparse, pathlib
parser = argparse.ArgumentParser(description="Copies")
parser.add_argument("--input-path", required=True)
parser.add_argument("--output-path", required=True)
args = parser.parse_args()
# round {round}
pathlib.Path(args.output_path, "done").write_text("{round}")
"""
_USED = re.compile(r"Used: .*?([0-9.]+) s of processor time")
_STEP = re.compile(r"\[mlreef\] ([a-z ]+): (\d+) ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--executor", default="bubblewrap")
    parser.add_argument("--requirements", default="idna==3.10")
    parser.add_argument("--out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlreef-bench-") as folder:
        live = Live(Path(folder, "live"), executor=options.executor)
        live.start()
        try:
            result = measure(live, options)
        finally:
            live.stop()
    show(result)
    if options.out:
        Path(options.out).write_text(json.dumps(result, indent=1))


def measure(live: Live, options: argparse.Namespace) -> dict[str, Any]:
    from mlreef.cli import environment

    live.people()
    environment.ensure_project(live.admin)
    started = time.monotonic()
    environment.build(live.admin, live.admin_token, "python-3.11", lambda _line: None)
    built = time.monotonic() - started
    files = {"bench.py": SCRIPT.format(round=0)}
    if options.requirements:
        files["requirements.txt"] = options.requirements + "\n"
    project = live.project("code-bench", files)
    first = publish(live, project)
    rounds = []
    for number in range(1, options.rounds + 1):
        action = {"action": "update", "file_path": "bench.py", "content": SCRIPT.format(round=number)}
        project.commits.create({"branch": "main", "commit_message": f"Round {number}", "actions": [action]})
        rounds.append(publish(live, project))
    return {"environment_s": built, "first": first, "rounds": rounds}


def publish(live: Live, project: Any) -> dict[str, float]:
    """Publish once; seconds of every phase."""
    assert live.process is not None
    server = psutil.Process(live.process.pid)
    before, reef, began = server.cpu_times(), live.reef, time.time()
    fields = {"ref": "main", "entry": "bench.py", "name": "bench", "kind": "operation", "environment": "python-3.11"}
    publication = reef.publish(project.id, **fields)
    asked = time.time()
    while publication["status"] not in {"succeeded", "failed"}:
        time.sleep(0.05)
        publication = reef.http.call("GET", f"/api/v1/publications/{publication['id']}")
    assert publication["status"] == "succeeded", publication["reason"]
    runnable = _seconds(publication["finished_at"])
    after = server.cpu_times()
    job = project.jobs.get(publication["job_id"])
    while job.status == "running":
        time.sleep(0.02)
        job = project.jobs.get(publication["job_id"])
    log = job.trace().decode()
    phases = {name: int(ms) / 1000 for name, ms in _STEP.findall(log)}
    used = float((_USED.search(log) or ["", "nan"])[1])
    return {
        "runnable": runnable - began,
        "request": asked - began,
        "claimed": _seconds(job.started_at) - asked,
        "job to framework": _seconds(publication["started_at"]) - _seconds(job.started_at),
        "framework to runnable": runnable - _seconds(publication["started_at"]),
        **{f"  {name}": seconds for name, seconds in phases.items()},
        "processor time of the server": after.user + after.system - before.user - before.system,
        "processor time of the job": used,
    }


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def show(result: dict[str, Any]) -> None:
    print(f"environment python-3.11 built, pushed, signed: {result['environment_s']:.1f} s")
    print(f"first version, packages resolved and installed: {result['first']['runnable']:.2f} s")
    print(f"{'change of code alone, s':32}{'median':>8}{'min':>8}{'max':>8}")
    for name in result["rounds"][0]:
        values = [one[name] for one in result["rounds"] if name in one]
        print(f"{name:32}{statistics.median(values):8.3f}{min(values):8.3f}{max(values):8.3f}")


if __name__ == "__main__":
    main()
