"""The whole check, behind `./mlreef test`: lint, types, import contracts, tests of every kind.

`./mlreef test` runs everything, `./mlreef test --fast` only what needs no server, and `./mlreef test -- ARGS` hands
ARGS to pytest. As root on Debian it installs the programs that the tests drive; elsewhere it lists what is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv/bin"

PROGRAMS = {
    "git-lfs": "git-lfs",
    "podman": "podman",
    "runc": "runc",
    "skopeo": "skopeo",
    "docker-registry": "docker-registry",
    "chromium": "chromium",
    "setpriv": "util-linux",
    "postgres": "postgresql",
}
"""Program -> the Debian package that brings it. bubblewrap comes from the Python package index."""

LONGEST = "tests/library/test_library_runs.py"


def main(arguments: list[str]) -> int:
    fast = "--fast" in arguments
    extra = arguments[arguments.index("--") + 1 :] if "--" in arguments else []
    if not fast and not install_programs():
        return 1
    if extra:
        return pytest(*extra)
    started = time.monotonic()
    failed = static_checks()
    if pytest("-m", "not slow", "-n", "2") != 0:
        failed.append("fast tests")
    report(started, "fast part", failed)
    if failed or fast:
        return len(failed)
    # Servers and jobs wait more than they work; what shares a server stays in one process, the longest goes first.
    parallel = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
    if pytest("-m", "slow", *parallel, LONGEST, "tests", "--ignore=tests/browser") != 0:
        failed.append("slow tests")
    # Playwright's synchronous interface keeps an event loop running, which asynchronous tests cannot share.
    if pytest("-m", "slow", "-p", "no:hypothesispytest", "tests/browser") != 0:
        failed.append("browser tests")
    report(started, "whole check", failed)
    return len(failed)


def static_checks() -> list[str]:
    """Run linters and type checkers two at a time; returns the names of those that failed, with their output shown."""
    python = str(BIN / "python")
    checks: dict[str, list[str]] = {
        "types": [str(BIN / "mypy")],
        "types of the framework": [str(BIN / "mypy"), "epf/src"],
        "lint": [str(BIN / "ruff"), "check", "--quiet", "."],
        "format": [str(BIN / "ruff"), "format", "--check", "--quiet", "."],
        "import contracts": [str(BIN / "lint-imports"), "--no-cache"],
        "docs": [python, "scripts/docs.py", "--check"],
        "frontend": [python, "scripts/frontend.py", "check"],
    }
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda item: (item[0], *captured(item[1])), checks.items()))
    for name, code, seconds, output in results:
        print(f"{'ok  ' if code == 0 else 'FAIL'} {name} ({seconds:.1f} s)", flush=True)
        if code != 0:
            print(output)
    return [name for name, code, _, _ in results if code != 0]


def captured(command: list[str]) -> tuple[int, float, str]:
    started = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, time.monotonic() - started, done.stdout + done.stderr


def pytest(*arguments: str) -> int:
    return subprocess.run([BIN / "python", "-m", "pytest", *arguments], cwd=ROOT, check=False).returncode


def install_programs() -> bool:
    """Bring what the tests drive; False, with a list, when something is missing and cannot be installed here."""
    missing = {name: package for name, package in PROGRAMS.items() if not present(name)}
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"installing {' '.join(sorted(missing.values()))}", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *sorted(missing.values())],
        ):
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
        missing = {name: package for name, package in missing.items() if not present(name)}
    if missing:
        print("these programs are missing, and the tests that drive them cannot run:")
        for name, package in missing.items():
            print(f"  {name}: Debian package {package}")
    return not missing


def present(program: str) -> bool:
    if shutil.which(program):
        return True
    # Debian keeps PostgreSQL's server programs out of PATH.
    return program == "postgres" and any(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


def report(started: float, what: str, failed: list[str]) -> None:
    verdict = f"failed: {', '.join(failed)}" if failed else "all passed"
    print(f"{what}: {verdict} ({time.monotonic() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
